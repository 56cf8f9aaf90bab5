"""What a batch of each signal gives to an objective, and which documents are no negatives."""

import numpy as np
import pyarrow as pa
import torch

from accord.data import Pairs, Ranked, Scored, Unlabelled
from accord.training.fields import false_negatives, roles_of, signal_fields


def _of(kind, rows):
    return kind.of(pa.Table.from_pylist([{"id": str(i), **row} for i, row in enumerate(rows)]))


def test_pairs_with_negatives_put_positives_first():
    roles = roles_of(
        _of(
            Pairs,
            [{"anchor": "a", "positive": "p", "negative": "n"}, {"anchor": "b", "positive": "q", "negative": "m"}],
        )
    )
    assert [list(texts) for texts in roles.texts] == [["a", "b"], ["p", "q"], ["n", "m"]]
    vectors = [torch.eye(4)[:2], torch.eye(4)[:2], torch.eye(4)[2:]]
    scores = signal_fields(roles, vectors, ("scores", "ignore"), mask=("text",))["scores"]
    assert scores.tolist() == [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]


def test_equal_texts_are_no_negatives_of_each_other():
    """Rows 0 and 2 ask the same; row 1 has row 0's answer; row 3's answer is row 1's question."""
    rows = [("ask", "answer"), ("other", "answer"), ("ask", "second"), ("last", "other")]
    roles = roles_of(_of(Pairs, [{"anchor": a, "positive": p} for a, p in rows]))
    expected = [
        [0, 1, 1, 0],  # "ask": both its answers, wherever they stand
        [1, 0, 0, 1],  # "other": its answer in column 0, and itself in column 3
        [1, 1, 0, 0],
        [0, 0, 0, 0],
    ]
    assert false_negatives(roles, ("text",)).astype(int).tolist() == expected
    assert false_negatives(roles, ()) is None


def test_rows_of_one_label_are_no_negatives():
    rows = [
        {"anchor": "a", "positive": "p", "label": "x"},
        {"anchor": "b", "positive": "q", "label": "x"},
        {"anchor": "c", "positive": "r", "label": "y"},
    ]
    found = false_negatives(roles_of(_of(Pairs, rows)), ("label",))
    assert found.astype(int).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_ranked_lists_take_turns_and_never_use_a_known_positive_as_a_negative():
    signal = _of(
        Ranked, [{"query": "q", "pos": ["p1", "p2"], "neg": ["n"]}, {"query": "r", "pos": ["s"], "neg": ["p2"]}]
    )
    assert [roles_of(signal, epoch=e).texts[1][0] for e in range(3)] == ["p1", "p2", "p1"]
    found = false_negatives(roles_of(signal, epoch=0), ("text",))
    assert found.astype(int).tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]


def test_scored_pairs_and_two_views_of_a_text():
    roles = roles_of(_of(Scored, [{"text1": "a", "text2": "b", "score": 0.5}]))
    vectors = [torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])]
    fields = signal_fields(roles, vectors, ("pair_scores", "labels"))
    assert fields["pair_scores"].tolist() == [0.0]
    assert np.isclose(fields["labels"].item(), 0.5)
    twice = roles_of(_of(Unlabelled, [{"text": "a"}]))
    assert len(twice.texts) == 2
