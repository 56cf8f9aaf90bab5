"""Every claim runs from end to end on made-up data of the right shapes, from a tiny encoder, in seconds."""

from dataclasses import replace

import numpy as np
import pytest
from claim_runs import claim_module, run_and_go_on
from tiny_models import tiny_encoder_folder

from claims.starts import Start
from claims.study import Regime

CLAIMS = [
    "definitions",
    "instructions",
    "llm_embedder",
    "paragraph_tasks",
    "random_crops",
    "source_token",
    "two_stages",
    "visual_noise",
]
SMALL = {"batch": 6, "queries": 8, "documents": 20, "pairs": 24, "entries": 30, "sentences": 60, "probe": 30}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model", layers=2, hidden=16))


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_it_runs_and_goes_on_from_what_is_finished(name, tiny, tmp_path, monkeypatch):
    module = claim_module(name)
    scale = module.SCALES["quick"]
    regime = Regime(start=Start(name="one layer", layers=1), steps=10, rates=(1e-3, 3e-3))
    sizes = {field: size for field, size in SMALL.items() if hasattr(scale, field)}
    monkeypatch.setitem(module.SCALES, "quick", replace(scale, regimes=(regime,), max_length=48, **sizes))
    row = run_and_go_on(name, model=tiny, folder=tmp_path, monkeypatch=monkeypatch)
    assert row["effect"] == pytest.approx(np.mean([task["effect"] for task in row["tasks"]]))
    arms = row["details"]["starts"]["one layer"]["arms"]
    trained = [arm for arm in arms if "steps" in arm]
    assert {arm["steps"] for arm in trained if not arm["arm"].endswith(" alone") or name == "two_stages"} <= {10, 9}
    assert all(arm["rate"] == float(max(arm["dev"], key=arm["dev"].get)) for arm in arms)
    assert all(len(arm["by_seed"]) == 2 for arm in arms)
