"""Claims about ways of searching run from end to end on made-up data."""

from dataclasses import replace

import pytest
from claim_runs import claim_module, run_and_go_on
from tiny_models import tiny_encoder_folder

CLAIMS = ["citation_voting"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model", layers=1, hidden=16))


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_it_runs_and_goes_on_from_what_is_finished(name, tiny, tmp_path, monkeypatch):
    module = claim_module(name)
    small = replace(module.SCALES["quick"], each=5, passages=12, documents=40, max_length=32)
    monkeypatch.setitem(module.SCALES, "quick", small)
    once = ("accord.encoders.TextEncoder.encode_query",)
    row = run_and_go_on(name, model=tiny, folder=tmp_path, monkeypatch=monkeypatch, once=once)
    assert {task["task"] for task in row["tasks"]} == set(module.CLAIM.roles)
    assert all(0 <= value <= 1 for of in row["details"]["test"].values() for value in of.values())
