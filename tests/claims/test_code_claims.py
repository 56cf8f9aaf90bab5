"""Claims about codes of vectors run from end to end on made-up data."""

import numpy as np
import pytest
from claim_runs import claim_module, run_and_go_on
from tiny_models import tiny_encoder_folder

from claims.codes import Collection, searched_values

CLAIMS = ["binary_paragraph", "compatible_codes", "recurrent_binary"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model", layers=1, hidden=16))


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS)
def test_it_runs_and_goes_on_from_what_is_finished(name, tiny, tmp_path, monkeypatch):
    module = claim_module(name)
    monkeypatch.setattr("claims.codes.LENGTH", 48)
    if name == "binary_paragraph":
        monkeypatch.setattr(module, "BITS", (8, 12))
    if name in {"binary_paragraph", "recurrent_binary"}:
        monkeypatch.setattr(module, "STEPS", {"quick": 2})
    if name == "compatible_codes":
        monkeypatch.setattr(module, "LENGTH", 48)
        monkeypatch.setattr(module, "STEPS", {"quick": 2})
        monkeypatch.setattr(module, "CODEC_STEPS", {"quick": 2})
    run_and_go_on(name, model=tiny, folder=tmp_path, monkeypatch=monkeypatch)


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
