"""Claims about choices at query time run from end to end on made-up data."""

from dataclasses import replace

import numpy as np
import pytest
from claim_runs import run_and_go_on
from tiny_models import tiny_encoder_folder

from claims import aspects, conditional_attention, knn_embed


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model", layers=2, hidden=24))


@pytest.fixture
def small(monkeypatch):
    for name, grid in (("DIMS", (4,)), ("CLUSTERS", (2, 3)), ("SMOOTHING", (0.0, 0.5)), ("HALF_LIVES", (0, 3))):
        monkeypatch.setattr(knn_embed, name, grid)
    monkeypatch.setattr(knn_embed, "CANDIDATES", 8)
    short = replace(conditional_attention.SCALES["quick"], turns=30, judged=30, steps=6, rates=(1e-3, 3e-3))
    monkeypatch.setitem(conditional_attention.SCALES, "quick", short)
    few = replace(aspects.SCALES["quick"], steps=2, batch=6, rates=(1e-3,), max_length=32)
    monkeypatch.setitem(aspects.SCALES, "quick", few)
    monkeypatch.setitem(aspects.SCALES, "full", replace(few, frozen=False))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scale"),
    [("aspects", "quick"), ("aspects", "full"), ("conditional_attention", "quick"), ("knn_embed", "quick")],
)
def test_it_runs_and_goes_on_from_what_is_finished(name, scale, small, tiny, tmp_path, monkeypatch):
    once = (
        "accord.training.train",
        "accord.recipes.conditions.fit_conditions",
        "accord.retrieval.choices.KnnEmbed",
    )
    same = ("effect", "ci", "p")  # one of them takes the time of the run that answers
    row = run_and_go_on(
        name, model=tiny, folder=tmp_path, monkeypatch=monkeypatch, once=once, same=same, scale=scale, seeds=2
    )
    assert row["details"]["comparisons"]


def test_precision_is_that_of_a_list_of_hits():
    vectors = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.8, 0.3]])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    # for the first text: 1 (no), 3 (yes), 2 (yes)
    found = conditional_attention._precision(vectors, ("x", "y", "x", "x"))
    assert found[0] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert len(found) == 3
    papers = [{"task": ["x"]}, {"task": ["y"]}, {"task": ["x", "z"]}, {"task": ["x"]}]
    np.testing.assert_allclose(aspects._precision(vectors, papers, "task"), found)
