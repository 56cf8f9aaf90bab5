import dataclasses
import json
import shutil

import numpy as np
import pytest

from accord.data.signals import Labelled, Pairs
from accord.evaluation.kept import KeptResults, question
from accord.evaluation.measured import of_columns, of_values
from accord.evaluation.metrics import MacroF1, VMeasure
from accord.evaluation.repeated import Repeated
from accord.evaluation.tasks import Bitext, Classification, Clustering

PAIRS = Pairs({"anchor": ["a", "b"], "positive": ["c", "d"]})
LABELLED = Labelled({"text": list("abcd"), "label": list("xyxy")})


class Known:
    """A model that can say what it is."""

    def __init__(self, mark="weights"):
        self.mark = mark

    def fingerprint(self):
        return self.mark


def ask(model=None, evaluation=None, **changes):
    rules = {"train": PAIRS, "test": PAIRS, "seed": 0, "prompts": (None, None), "precision": "float32"}
    return question(Known() if model is None else model, evaluation or Bitext(), **rules | changes)


@pytest.fixture
def measured():
    truth = np.array([0, 1, 0])
    clusters = {"truth": truth, "cluster_0": truth, "cluster_1": truth * 0}
    return [
        of_values("accuracy", list("abc"), np.array([1.0, 0.5, 0.1]), primary=True, groups=list("xxy")),
        of_columns(MacroF1(), list("abc"), {"truth": truth, "predicted": 1 - truth}, primary=False, groups=list("xxy")),
        of_columns(Repeated(VMeasure()), list("abc"), clusters, primary=False),
    ]


def test_what_was_kept_is_found(tmp_path, measured):
    kept = KeptResults(tmp_path)
    assert kept.find(ask()) is None
    assert kept.keep(ask(), measured)
    back = kept.find(ask())
    for was, now in zip(measured, back, strict=True):
        assert (was.metric, was.primary, was.ids, was.groups, was.score) == (
            now.metric,
            now.primary,
            now.ids,
            now.groups,
            now.score,
        )
        assert {n: v.tolist() for n, v in was.columns.items()} == {n: v.tolist() for n, v in now.columns.items()}


def test_each_thing_that_decides_makes_another_question():
    other = Pairs({"anchor": ["a", "b"], "positive": ["c", "x"]})
    asked = [
        ask(),
        ask(Known("other weights")),
        ask(evaluation=Bitext(against="mteb")),
        ask(evaluation=Bitext(group="anchor")),
        ask(test=other),
        ask(seed=1),
        ask(prompts=("query", None)),
        ask(precision="auto"),
    ]
    assert len({one.key for one in asked}) == len(asked)
    assert ask().key == asked[0].key


def test_train_rows_count_where_they_are_read():
    less = LABELLED.take([0, 1])
    for evaluation, same in ((Clustering(), True), (Classification(), False)):
        keys = {ask(evaluation=evaluation, train=train, test=LABELLED).key for train in (LABELLED, less)}
        assert (len(keys) == 1) == same


def test_a_model_without_a_fingerprint_is_never_kept():
    assert ask(model=object()) is None


@pytest.mark.parametrize("damage", ["byte", "json", "gone", "other"])
def test_damaged_entries_count_as_absent(tmp_path, measured, damage, caplog):
    kept = KeptResults(tmp_path)
    kept.keep(ask(), measured)
    place = kept._place(ask())
    values, notes = place / "examples.parquet", place / "question.json"
    if damage == "byte":
        content = bytearray(values.read_bytes())
        content[len(content) // 2] ^= 1
        values.write_bytes(content)
    elif damage == "json":
        notes.write_text("{")
    elif damage == "gone":
        values.unlink()
    else:  # the values of another question in its place
        kept.keep(ask(seed=1), measured)
        shutil.rmtree(place)
        shutil.copytree(kept._place(ask(seed=1)), place)
    assert kept.find(ask()) is None
    assert "measured again" in caplog.text
    assert kept.keep(ask(), measured)
    assert kept.find(ask()) is not None


def test_the_entry_says_what_was_asked(tmp_path, measured):
    kept = KeptResults(tmp_path)
    kept.keep(ask(), measured)
    entry = json.loads((kept._place(ask()) / "question.json").read_text())
    assert entry["question"]["model"] == "weights"
    assert entry["question"]["task"] == "Bitext"


def test_metrics_that_cannot_be_read_back_are_not_kept(tmp_path, measured):
    class Own(MacroF1):
        def __repr__(self):
            return "nobody_knows"

    kept = KeptResults(tmp_path)
    assert not kept.keep(ask(), [dataclasses.replace(measured[1], metric="nobody_knows", reduce=Own())])
    assert kept.find(ask()) is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_place_that_cannot_be_written_is_no_reason_to_fail(tmp_path, measured, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("here")
    assert not KeptResults(blocked).keep(ask(), measured)
    assert "cannot hold results" in caplog.text
