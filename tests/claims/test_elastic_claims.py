"""Claims about elastic models run from end to end on made-up data."""

import importlib
from dataclasses import replace

import numpy as np
import pytest
from made_up_data import made_up
from tiny_models import tiny_encoder_folder

from claims.mixture import Sizes
from claims.runner import data_folders, run_claim
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
    claim = importlib.import_module(f"claims.{name}").CLAIM
    for declared in claim.roles.values():
        made_up(tmp_path / "data" / declared.folder, declared)
    scale = SCALES["quick"]
    regimes = tuple(replace(r, start=Start(name="three layers"), steps=2, rates=(1e-3,)) for r in scale.regimes[:1])
    small = replace(scale, regimes=regimes, sizes=TINY, pairs=((2, 12), (1, 8)), dims=(12, 8, 4), widths=(16, 8))
    monkeypatch.setitem(SCALES, "quick", small)
    folders = data_folders(claim, str(tmp_path / "data"), {})
    row = run_claim(claim, folders, model=tiny, cache=tmp_path / "cache")
    assert row["verdict"] in {"holds", "fails", "inconclusive"}
    assert row["effect"] == pytest.approx(row["method_score"] - row["baseline_score"])
    assert len(row["seeds"]) == 2
    sizes = {task["task"].rpartition(" at ")[2] for task in row["tasks"]}
    assert len(row["tasks"]) == 4 * len(sizes) > 4
    monkeypatch.setattr("accord.training.train", lambda *_, **__: pytest.fail("a finished part was trained again"))
    again = run_claim(claim, folders, model=tiny, cache=tmp_path / "cache")
    assert all(again[key] == row[key] for key in ("effect", "ci", "p", "seconds"))


def test_first_dimensions_are_turned_cut_and_of_unit_length(rng):
    class Whole:
        def encode_query(self, texts):
            return rng.normal(size=(len(texts), 6)).astype(np.float32)

    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    found = FirstDims(Whole(), 3, turn=turn, mean=np.ones(6)).encode(["a", "b"])
    assert found.shape == (2, 3) and np.allclose(np.linalg.norm(found, axis=1), 1)
