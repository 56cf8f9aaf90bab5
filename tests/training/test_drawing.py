"""A task's weights and classes decide which rows a batch has, and a resumed run knows them."""

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.data import Labelled, Pairs
from accord.objectives import InfoNCE, SupCon
from accord.training import TrainingTask
from accord.training.texts import TaskTexts


def test_weights_reach_the_batches(pairs, tiny):
    rows = pairs.table.append_column("clicks", [[1 if i % 2 else 0 for i in range(len(pairs))]])
    task = TrainingTask(name="p", signal=Pairs.of(rows), objective=InfoNCE(), weights="clicks")
    data = TaskTexts(task, tiny, batch=8, seed=0)
    drawn = np.concatenate([data.stream.rows(k) for k in range(20)])
    assert (drawn % 2 == 1).all() and len(data.batch(3, 512).roles.texts[0]) == 8


def test_equal_classes_reach_the_batches(tiny):
    labels = ["x"] * 40 + ["y"] * 4
    signal = Labelled.of({"text": [f"text {i}" for i in range(44)], "label": labels})
    task = TrainingTask(name="t", signal=signal, objective=SupCon(), classes="equal", per_label=4)
    data = TaskTexts(task, tiny, batch=8, seed=0)
    for k in range(12):
        assert np.bincount(data.batch(k, 512).roles.labels).tolist() == [4, 4]


def test_what_does_not_go_together_is_refused(pairs, tiny):
    task = TrainingTask(name="p", signal=pairs, objective=InfoNCE(), classes="equal")
    with pytest.raises(InputError, match="`classes` of the task `p`"):
        TaskTexts(task, tiny, batch=8, seed=0)
    with pytest.raises(InputError, match=r"p.classes. must be one of"):
        TrainingTask(name="p", signal=pairs, objective=InfoNCE(), classes="even")
