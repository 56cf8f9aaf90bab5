"""Claims about codes of vectors run from end to end on made-up data."""

import importlib

import numpy as np
import pytest
from made_up_data import made_up
from tiny_models import tiny_encoder_folder

from claims.codes import Collection, searched_values
from claims.runner import data_folders, run_claim

CLAIMS = ["binary_paragraph", "compatible_codes", "recurrent_binary"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model", layers=1, hidden=16))


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_it_runs_and_goes_on_from_what_is_finished(name, tiny, tmp_path, monkeypatch):
    module = importlib.import_module(f"claims.{name}")
    claim = module.CLAIM
    for declared in claim.roles.values():
        made_up(tmp_path / "data" / declared.folder, declared)
    monkeypatch.setattr("claims.codes.LENGTH", 48)
    if name == "binary_paragraph":
        monkeypatch.setattr(module, "BITS", (8, 12))
    if name in {"binary_paragraph", "recurrent_binary"}:
        monkeypatch.setattr(module, "STEPS", {"quick": 2})
    if name == "compatible_codes":
        monkeypatch.setattr(module, "LENGTH", 48)
        monkeypatch.setattr(module, "STEPS", {"quick": 2})
        monkeypatch.setattr(module, "CODEC_STEPS", {"quick": 2})
    folders = data_folders(claim, str(tmp_path / "data"), {})
    row = run_claim(claim, folders, model=tiny, cache=tmp_path / "cache")
    assert row["verdict"] in {"holds", "fails", "inconclusive"}
    assert row["effect"] == pytest.approx(row["method_score"] - row["baseline_score"])
    assert len(row["seeds"]) == 2 and row["tasks"]
    monkeypatch.setattr("accord.training.train", lambda *_, **__: pytest.fail("a finished part was trained again"))
    again = run_claim(claim, folders, model=tiny, cache=tmp_path / "cache")
    assert all(again[key] == row[key] for key in ("effect", "ci", "p", "seconds"))


def test_values_without_a_codec_are_those_of_exact_search():
    found = Collection(
        queries=np.eye(3, dtype=np.float32)[:2],
        documents=np.eye(3, dtype=np.float32),
        texts=["a", "b", "c"],
        asked=["p", "q"],
        relevant=[frozenset({0}), frozenset({2})],
    )
    assert searched_values(found, None) == pytest.approx([1.0, 1 / np.log2(4)])
    assert searched_values(found, None, rescore=True) == searched_values(found, None)
