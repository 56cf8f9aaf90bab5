import json

import numpy as np
import pytest
from scipy import stats

from accord.core.errors import InputError
from accord.data import BatchStream, Labelled, Pairs, WeightedStream, draw, stream
from accord.data.windows import WindowedStream

PAIRS = Pairs.of({"anchor": list("abcd"), "positive": list("efgh"), "clicks": [3, 1, 1, 1]})
LABELS = ["x"] * 90 + ["y"] * 9 + ["z"]
TOPICS = Labelled.of({"text": [f"t{i}" for i in range(100)], "label": LABELS, "weight": [1] * 100})


def test_each_way_has_its_stream(tmp_path):
    assert type(draw(PAIRS, 2, seed=0, name="a")) is BatchStream
    assert type(draw(PAIRS, 2, seed=0, name="a", weights="clicks")) is WeightedStream
    assert draw(TOPICS, 8, seed=0, name="a").labels is not None
    assert draw(TOPICS, 8, seed=0, name="a", by_label=False).labels is None
    path = tmp_path / "d.jsonl"
    path.write_text("".join(json.dumps({"query": f"q{i}", "answer": "a"}) + "\n" for i in range(9)))
    assert type(draw(stream(path, cache=tmp_path / "c"), 2, seed=0, name="a")) is WindowedStream


def test_equal_classes_come_equally_often():
    drawn = draw(TOPICS, 6, seed=0, name="a", classes="equal", per_label=2)
    batches = [drawn.rows(k) for k in range(300)]
    found = np.array([[LABELS[row] for row in rows].count(label) for rows in batches for label in "xyz"]).reshape(-1, 3)
    assert (found == [2, 2, 1]).all()  # z has a single row
    counts = np.bincount(np.concatenate(batches), minlength=100)
    assert stats.chisquare(counts[:90]).pvalue > 0.01 and stats.chisquare(counts[90:99]).pvalue > 0.01


def test_many_classes_take_turns():
    labels = np.repeat(np.arange(40), np.arange(1, 41))
    rows = Labelled.of({"text": [f"t{i}" for i in range(len(labels))], "label": labels})
    drawn = draw(rows, 16, seed=1, name="a", classes="equal", per_label=4)
    turns = [np.unique(labels[drawn.rows(k)]) for k in range(1000)]
    assert all(len(turn) == 4 for turn in turns)
    assert np.bincount(np.concatenate(turns)).tolist() == [100] * 40
    for k in (0, 5, 999):
        batch = drawn.rows(k)
        assert len(batch) <= 16 and len(set(batch.tolist())) == len(batch)
        again = draw(rows, 16, seed=1, name="a", classes="equal", per_label=4)
        assert again.rows(k).tolist() == batch.tolist()


@pytest.mark.parametrize("size", [2, 5, 64])
def test_few_classes_fill_a_batch_without_repeats(size):
    labels = [0] * 200 + [1] * 60
    rows = Labelled.of({"text": [f"t{i}" for i in range(260)], "label": labels})
    drawn = draw(rows, max(4, size), seed=0, name="a", classes="equal")
    for k in range(40):
        batch = drawn.rows(k)
        counts = np.bincount(np.array(labels)[batch], minlength=2)
        assert len(set(batch.tolist())) == len(batch) <= max(4, size)
        assert counts[0] == counts[1] > 0
    assert drawn.steps(1) >= 4


@pytest.mark.parametrize(
    ("signal", "options", "match"),
    [
        (TOPICS, {"weights": "weight"}, "batches of labelled rows are made by label"),
        (PAIRS, {"classes": "equal"}, "Pairs rows have no classes"),
        (PAIRS, {"weights": "click"}, "Did you mean `clicks`"),
        (PAIRS, {"weights": "anchor"}, "id '0': the weight `anchor` must be a finite number"),
        (TOPICS, {"classes": "equals"}, "must be one of proportional, equal"),
    ],
)
def test_what_cannot_be_drawn_is_refused(signal, options, match):
    with pytest.raises(InputError, match=match):
        draw(signal, 4, seed=0, name="a", **options)


def test_labels_of_a_cross_encoder_may_have_weights():
    drawn = draw(TOPICS, 4, seed=0, name="a", weights="weight", by_label=False)
    assert len(drawn.rows(0)) == 4


def test_a_stream_draws_its_rows_alike(tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_text("".join(json.dumps({"query": f"q{i}", "answer": "a", "w": 1}) + "\n" for i in range(9)))
    with pytest.raises(InputError, match="streams its rows, which are then drawn alike"):
        draw(stream(path, cache=tmp_path / "c"), 2, seed=0, name="a", weights="w")
