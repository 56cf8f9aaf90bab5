"""Relevance of teachers on the tasks of a recipe, by encoders whose vectors are known."""

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.data.signals import Labelled, Pairs, Ranked, Scored, Unlabelled
from accord.recipes.distil.relevance import teacher_relevance, teacher_weights


class Known:
    """Encodes a text as its last number, on a circle; or at random."""

    def __init__(self, *, knows):
        self.knows, self.prompts = knows, {}

    def role_prompt(self, role, name=None):
        return ""

    def encode(self, texts, *, prompt):
        seeds = [int(t.rpartition(" ")[2]) if self.knows else sum(map(ord, t)) for t in texts]
        return np.stack([np.random.default_rng(seed).normal(size=8) for seed in seeds])


class Task:
    prompts = (None, None)

    def __init__(self, name, train):
        self.name, self.train = name, train


def tasks():
    n = range(24)
    return {
        "labels": Labelled.of({"text": [f"text{i} {i % 4}" for i in n], "label": [f"l{i % 4}" for i in n]}),
        "pairs": Pairs.of({"anchor": [f"a {i}" for i in n], "positive": [f"p {i}" for i in n]}),
        "lists": Ranked.of({"query": [f"a {i}" for i in n], "pos": [[f"p {i}"] for i in n],
                            "neg": [[f"n {i + 1}"] for i in n]}),
        "scores": Scored.of({"text1": [f"a {i}" for i in n], "text2": [f"b {i + i % 2}" for i in n],
                             "score": [1.0 - i % 2 for i in n]}),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(tasks()))
def test_a_teacher_that_knows_what_is_near_is_more_relevant(name):
    teachers = {"knows": Known(knows=True), "guesses": Known(knows=False)}
    found = teacher_relevance(teachers, [Task(name, tasks()[name])], seed=0)
    right, wrong = found[name]
    assert right > 0.1
    assert right > wrong
    assert teacher_weights(found, "nearest").tolist() == [1.0, 0.0]
    assert teacher_weights(found, "weighted")[0] > 0.9


def test_tasks_that_say_nothing_are_left_out_and_some_must_say_something():
    teachers = {"knows": Known(knows=True), "guesses": Known(knows=False)}
    texts = Task("texts", Unlabelled.of({"text": [f"t {i}" for i in range(5)]}))
    one = Task("one", Labelled.of({"text": [f"t {i}" for i in range(5)], "label": ["same"] * 5}))
    found = teacher_relevance(teachers, [texts, one, Task("pairs", tasks()["pairs"])], seed=0)
    assert list(found) == ["pairs"]
    with pytest.raises(InputError, match="Set `weigh` to uniform"):
        teacher_relevance(teachers, [texts, one], seed=0)


def test_every_task_counts_alike_whatever_its_scale():
    found = {"far": [0.9, 0.3], "near": [0.03, 0.09]}
    assert teacher_weights(found, "weighted").tolist() == pytest.approx([0.5, 0.5], abs=1e-4)
    assert teacher_weights(found, "uniform").tolist() == [0.5, 0.5]
