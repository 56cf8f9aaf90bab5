"""Claims about elastic models run from end to end on made-up data."""

from dataclasses import replace

import numpy as np
import pytest
from claim_runs import run_and_go_on
from tiny_models import tiny_encoder_folder

from claims.mixture import Sizes
from claims.several_sizes import SCALES, FirstDims
from claims.starts import Start

CLAIMS = ["matryoshka_2d", "nested_dropout", "slimmable", "starbucks"]
TINY = Sizes(batch=6, steps=2, queries=8, documents=20, pairs=24, rates=(1e-3, 3e-3), max_length=48)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model", layers=3, hidden=16))


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_it_runs_and_goes_on_from_what_is_finished(name, tiny, tmp_path, monkeypatch):
    scale = SCALES["quick"]
    regimes = tuple(replace(r, start=Start(name="three layers"), steps=2, rates=(1e-3,)) for r in scale.regimes[:1])
    small = replace(scale, regimes=regimes, sizes=TINY, pairs=((2, 12), (1, 8)), dims=(12, 8, 4), widths=(16, 8))
    monkeypatch.setitem(SCALES, "quick", small)
    row = run_and_go_on(name, model=tiny, folder=tmp_path, monkeypatch=monkeypatch)
    sizes = {task["task"].rpartition(" at ")[2] for task in row["tasks"]}
    assert len(row["tasks"]) == 4 * len(sizes) > 4


def test_first_dimensions_are_turned_cut_and_of_unit_length(rng):
    class Whole:
        def encode_query(self, texts):
            return rng.normal(size=(len(texts), 6)).astype(np.float32)

    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    found = FirstDims(Whole(), 3, turn=turn, mean=np.ones(6)).encode(["a", "b"])
    assert found.shape == (2, 3) and np.allclose(np.linalg.norm(found, axis=1), 1)
