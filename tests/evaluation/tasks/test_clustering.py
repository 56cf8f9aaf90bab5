import numpy as np
import pytest

from accord.core.errors import InputError
from accord.data.signals import Labelled
from accord.evaluation.tasks import Clustering


@pytest.fixture
def topics():
    texts = [f"{word} {word} {word} {i}" for word in ("red", "cat", "sun") for i in range(8)]
    return Labelled({"text": texts, "label": np.repeat(["colour", "animal", "sky"], 8)})


def test_clear_topics_are_found_again(toy, topics):
    (found,) = Clustering().evaluate(toy, test=topics, prompts=("group", None))
    assert (found.metric, found.primary, found.score) == ("v_measure", True, pytest.approx(1.0))
    assert sorted(found.columns) == ["cluster", "truth"]
    assert toy.calls[0][:2] == ("query", "group")


def test_two_runs_are_equal(toy, topics):
    first, again = (Clustering(starts=2).evaluate(toy, test=topics, seed=4)[0] for _ in range(2))
    assert np.array_equal(first.columns["cluster"], again.columns["cluster"])


def test_mistakes_are_named(toy, topics):
    with pytest.raises(InputError, match="at least two labels"):
        Clustering().evaluate(toy, test=topics.take(range(8)))
    with pytest.raises(InputError, match=r"such as `v_measure`\. Got accuracy"):
        Clustering(primary="accuracy")
    with pytest.raises(InputError, match="`starts` must be at least 1"):
        Clustering(starts=0)
