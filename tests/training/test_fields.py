"""What a batch of each signal gives to an objective, and which documents are no negatives."""

import numpy as np
import pyarrow as pa
import pytest
import torch

import accord.objectives
from accord.core.errors import InputError
from accord.core.spec import catalogue
from accord.data import Labelled, Pairs, Ranked, Scored, Unlabelled
from accord.maths.similarity import similarity
from accord.objectives import InfoNCE
from accord.objectives.base import contract
from accord.training.fields import check_fit, false_negatives, provided_fields, roles_of, signal_fields


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


# ------------------------------------------------------------------------------------------------ lists


RANKED = [
    {"query": "q", "pos": ["p1", "p2"], "neg": ["n1", "p1"]},
    {"query": "r", "pos": ["s"], "neg": []},
    {"query": "t", "pos": ["u1", "u2", "u3"], "neg": ["v1", "v2", "v3"]},
]


def listed(roles):
    """The lists as texts."""
    docs = roles.documents
    return [[docs[j] for j in row if j >= 0] for row in roles.lists]


def test_a_list_holds_the_positive_in_turn_and_the_negatives():
    roles = roles_of(_of(Ranked, RANKED), epoch=1)
    assert listed(roles) == [["p2", "n1", "p1"], ["s"], ["u2", "v1", "v2", "v3"]]
    assert roles.grades.tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]
    assert roles.texts[1] == ["p2", "s", "u2"]


def test_a_graded_list_holds_several_positives_the_one_in_turn_first():
    roles = roles_of(_of(Ranked, RANKED), epoch=1, positives=4)
    assert listed(roles) == [["p2", "p1", "n1", "p1"], ["s"], ["u2", "u3", "u1", "v1", "v2", "v3"]]
    assert roles.right.tolist() == [2, 1, 3]
    assert roles.grades[2].tolist() == [1, 1, 1, 0, 0, 0]
    assert roles.texts[1] == ["p2", "s", "u2"]


def test_list_fields_are_the_scores_of_the_lists_and_mark_what_does_not_count():
    """Ignored are the ends of lists, and "p1" as a negative of the query that it is right for."""
    roles = roles_of(_of(Ranked, RANKED))
    vectors = [torch.randn(len(texts), 5) for texts in roles.texts]
    for kind in ("cosine", "dot", "euclidean"):
        fields = signal_fields(roles, vectors, ("list_scores", "ignore", "labels"), kind=kind)
        docs = torch.cat(vectors[1:])
        for i, row in enumerate(roles.lists):
            for k, j in enumerate(row):
                if j >= 0:
                    expected = similarity(vectors[0][i : i + 1], docs[j : j + 1], kind=kind)[0, 0]
                    torch.testing.assert_close(fields["list_scores"][i, k], expected)
    expected = [[0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]]
    assert fields["ignore"].int().tolist() == expected
    assert fields["labels"].tolist() == roles.grades.tolist()


def test_scores_in_the_data_are_grades_and_a_teachers():
    rows = [
        {"query": "q", "pos": ["a", "b"], "pos_scores": [3.0, 2.0], "neg": ["c"], "neg_scores": [0.5]},
        {"query": "r", "pos": ["d"], "pos_scores": [1.0], "neg": [], "neg_scores": []},
    ]
    signal = _of(Ranked, rows)
    roles = roles_of(signal, epoch=1, positives=2)
    assert roles.grades.tolist() == [[2.0, 3.0, 0.5], [1.0, 0.0, 0.0]]
    vectors = [torch.randn(len(texts), 3) for texts in roles.texts]
    assert signal_fields(roles, vectors, ("teacher_list_scores",))["teacher_list_scores"].tolist() == [
        [2.0, 3.0, 0.5],
        [1.0, 0.0, 0.0],
    ]
    assert provided_fields(Ranked, columns=tuple(signal.names))["teacher_list_scores"] == "queries list"
    assert "teacher_list_scores" not in provided_fields(Ranked, columns=("query", "pos", "neg", "pos_scores"))


def test_negative_columns_are_lists_too():
    rows = [
        {"anchor": "a", "positive": "p", "negative": "n", "negative_2": "p"},
        {"anchor": "b", "positive": "q", "negative": "m", "negative_2": "o"},
    ]
    roles = roles_of(_of(Pairs, rows))
    assert listed(roles) == [["p", "n", "p"], ["q", "m", "o"]]
    vectors = [torch.randn(2, 3) for _ in range(4)]
    fields = signal_fields(roles, vectors, ("list_scores", "ignore", "labels"))
    assert fields["ignore"].int().tolist() == [[0, 0, 1], [0, 0, 0]]
    assert fields["labels"].tolist() == [[1, 0, 0], [1, 0, 0]]
    assert "list_scores" not in provided_fields(Pairs, columns=("anchor", "positive"))


def test_both_sides_of_pairs_and_one_side_of_labelled_texts():
    pairs = roles_of(_of(Scored, [{"text1": "a", "text2": "b", "score": 0.5}]))
    assert signal_fields(pairs, [torch.zeros(1, 3), torch.ones(1, 3)], ("embeddings",))["embeddings"].shape == (2, 1, 3)
    texts = roles_of(_of(Labelled, [{"text": "a", "label": "x"}]))
    assert signal_fields(texts, [torch.zeros(1, 3)], ("embeddings",))["embeddings"].shape == (1, 3)


@pytest.mark.parametrize(
    ("kind", "fitting"),
    [
        (Pairs, {"InfoNCE", "MegaBatchMargin"}),
        (
            Ranked,
            {"InfoNCE", "MegaBatchMargin", "Triplet", "ADRMSE", "LambdaLoss", "ListMLE", "ListNet", "RankNet"},
        ),
        (
            Labelled,
            {"SupCon", "BatchHardTriplet", "SemiHardTriplet", "BatchAllTriplet", "MetricLearning", "FixedTargets"},
        ),
        (Scored, {"CoSENT", "AnglE", "CosineRegression", "ContrastivePairs", "BinaryCrossEntropy"}),
        (Unlabelled, {"InfoNCE", "MegaBatchMargin", "MaskedTokens", "BagOfTokens"}),
    ],
)
def test_which_objectives_a_signal_feeds(kind, fitting):
    columns = {Pairs: ("anchor", "positive"), Ranked: ("query", "pos", "neg")}.get(kind)
    found = set()
    for name, objective in catalogue(accord.objectives).items():
        try:
            check_fit(contract(objective), kind, where="here", columns=columns)
        except InputError:
            continue
        found.add(name)
    assert found == fitting


def test_a_teacher_that_nobody_asks_is_refused():
    with pytest.raises(InputError, match="reads nothing of it"):
        check_fit(contract(InfoNCE()), Pairs, where="here", teacher="encoder")
    check_fit(contract(InfoNCE(guide_margin=0.0)), Pairs, where="here", teacher="encoder")
    with pytest.raises(InputError, match="no teacher here gives them"):
        check_fit(contract(InfoNCE(guide_margin=0.0)), Pairs, where="here", teacher="cross-encoder")
