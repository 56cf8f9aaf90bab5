"""Claims about ways of searching run from end to end on made-up data."""

import importlib
from dataclasses import replace

import pytest
from made_up_data import made_up
from tiny_models import tiny_encoder_folder

from claims.runner import data_folders, run_claim

CLAIMS = ["citation_voting"]


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
    small = replace(module.SCALES["quick"], each=5, passages=12, documents=40, max_length=32)
    monkeypatch.setitem(module.SCALES, "quick", small)
    folders = data_folders(claim, str(tmp_path / "data"), {})
    row = run_claim(claim, folders, model=tiny, cache=tmp_path / "cache")
    assert row["verdict"] in {"holds", "fails", "inconclusive"}
    assert row["effect"] == pytest.approx(row["method_score"] - row["baseline_score"])
    assert len(row["seeds"]) == 2 and {task["task"] for task in row["tasks"]} == set(claim.roles)
    assert all(0 <= value <= 1 for of in row["details"]["test"].values() for value in of.values())
    monkeypatch.setattr("accord.encoders.TextEncoder.encode_query", lambda *_, **__: pytest.fail("measured again"))
    again = run_claim(claim, folders, model=tiny, cache=tmp_path / "cache")
    assert all(again[key] == row[key] for key in ("effect", "ci", "p", "seconds"))
