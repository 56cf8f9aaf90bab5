"""Claims about merging and balancing run from end to end on made-up data, and share their experts."""

from dataclasses import replace

import pytest
from claim_runs import run_and_go_on
from tiny_models import tiny_encoder_folder

from claims.mixture import SCALES, Sizes
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
    scale = SCALES["quick"]
    sizes = replace(TINY, batch=12) if name == "flat_regions" else TINY  # four tasks share a batch
    regimes = tuple(replace(r, start=Start(name="one layer", layers=1), steps=4) for r in scale.regimes[:1])
    monkeypatch.setitem(SCALES, "quick", replace(scale, regimes=regimes, sizes=sizes))
    run_and_go_on(name, model=tiny, folder=tmp_path, cache=shelf, monkeypatch=monkeypatch)
