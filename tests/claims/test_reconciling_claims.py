"""Claims about merging and balancing run from end to end on made-up data, and share their experts."""

import importlib
from dataclasses import replace

import pytest
from made_up_data import made_up
from tiny_models import tiny_encoder_folder

from claims.mixture import SCALES, Sizes
from claims.runner import data_folders, run_claim
from claims.starts import Start

CLAIMS = [
    "atlas",
    "breadcrumbs",
    "checkpoint_average",
    "flat_regions",
    "self_positioning",
    "twin_merging",
    "weak_to_strong",
]
TINY = Sizes(batch=6, steps=4, queries=8, documents=20, pairs=24, rates=(1e-3, 3e-3), max_length=48)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model", layers=2, hidden=16))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    return tmp_path_factory.mktemp("shelf")


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_it_runs_and_goes_on_from_what_is_finished(name, tiny, tmp_path, shelf, monkeypatch):
    module = importlib.import_module(f"claims.{name}")
    claim = module.CLAIM
    for declared in claim.roles.values():
        made_up(tmp_path / "data" / declared.folder, declared)
    scale = SCALES["quick"]
    sizes = replace(TINY, batch=12) if name == "flat_regions" else TINY  # four tasks share a batch
    regimes = tuple(replace(r, start=Start(name="one layer", layers=1), steps=4) for r in scale.regimes[:1])
    monkeypatch.setitem(SCALES, "quick", replace(scale, regimes=regimes, sizes=sizes))
    folders = data_folders(claim, str(tmp_path / "data"), {})
    said = []
    row = run_claim(claim, folders, model=tiny, cache=shelf, say=said.append)
    assert row["verdict"] in {"holds", "fails", "inconclusive"}
    assert row["effect"] == pytest.approx(row["method_score"] - row["baseline_score"])
    assert len(row["seeds"]) == 2 and row["tasks"]
    monkeypatch.setattr("accord.training.train", lambda *_, **__: pytest.fail("a finished part was trained again"))
    again = run_claim(claim, folders, model=tiny, cache=shelf, say=said.append)
    assert all(again[key] == row[key] for key in ("effect", "ci", "p", "seconds"))
