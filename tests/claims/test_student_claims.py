"""Claims about slicing and distillation run from end to end on made-up data."""

from dataclasses import replace

import pytest
from claim_runs import claim_module, run_and_go_on
from tiny_models import tiny_encoder_folder

from claims import mixture, several_sizes, students
from claims.mixture import Sizes
from claims.starts import Start
from claims.study import Regime

CLAIMS = ["dse", "feature_alignment", "several_teachers", "slice_gpt", "token_relations", "trans_encoder"]
TINY = Sizes(batch=6, steps=2, queries=8, documents=20, pairs=24, rates=(1e-3, 3e-3), max_length=32)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model", layers=3, hidden=16))


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_it_runs_and_goes_on_from_what_is_finished(name, tiny, tmp_path, monkeypatch):
    module = claim_module(name)
    regimes = (Regime(start=Start(name="two layers", layers=2), steps=2, rates=(1e-3,)),)
    for shared in (mixture, several_sizes, students):
        small = replace(shared.SCALES["quick"], regimes=regimes, sizes=TINY)
        monkeypatch.setitem(shared.SCALES, "quick", small)
    if name == "dse":
        monkeypatch.setattr(module, "TEACHER_STEPS", {"quick": 2})
    if name == "several_teachers":
        monkeypatch.setattr(module, "STEPS", {"quick": 2})
    if name == "trans_encoder":
        own = replace(module.SCALES["quick"], regimes=regimes, pairs=12, first=2, cross=2, cycles=1, batch=6)
        monkeypatch.setitem(module.SCALES, "quick", own)
    run_and_go_on(name, model=tiny, folder=tmp_path, monkeypatch=monkeypatch)
