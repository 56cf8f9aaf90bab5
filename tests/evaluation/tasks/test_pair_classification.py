import numpy as np
import pytest
import sklearn.metrics

from accord.core.errors import InputError
from accord.data.signals import Pairs, Scored
from accord.evaluation.tasks import PairClassification

WORDS = ["red", "blue", "green", "rose", "sky", "leaf", "tree", "sea", "sun", "moon"]


def pairs(count, seed, **extra):
    draw = np.random.default_rng(seed)
    first = [" ".join(draw.choice(WORDS, 4)) for _ in range(count)]
    label = draw.integers(0, 2, count)
    copy = lambda text: " ".join([*text.split()[: draw.integers(1, 4)], str(draw.choice(WORDS))])  # noqa: E731
    second = [copy(text) if same else " ".join(draw.choice(WORDS, 3)) for text, same in zip(first, label)]
    return Scored({"text1": first, "text2": second, "score": label, **extra})


@pytest.fixture
def splits():
    return pairs(80, 1), pairs(120, 2, source=[str(i // 3) for i in range(120)])


def test_thresholds_come_from_the_other_rows(toy, splits):
    train, test = splits
    ap, f1, accuracy = PairClassification(group="source").evaluate(toy, train=train, test=test)
    assert [m.metric for m in (ap, f1, accuracy)] == ["average_precision", "binary_f1", "accuracy"]
    assert [m.primary for m in (ap, f1, accuracy)] == [True, False, False]
    label, similarity = ap.columns["label"], ap.columns["similarity"]
    assert ap.score == pytest.approx(sklearn.metrics.average_precision_score(label, similarity))
    other = toy.rows(train.column("text1")), toy.rows(train.column("text2"))
    cosine = np.array([a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(*other)])
    truth = np.array(train.column("score"))
    best = max(np.unique(cosine), key=lambda t: sklearn.metrics.f1_score(truth, cosine >= t))
    assert np.array_equal(f1.columns["predicted"], similarity >= best - 1e-6)
    assert ap.groups == f1.groups == accuracy.groups
    assert {role for role, _, _ in toy.calls} == {"query"}


def test_test_labels_move_no_threshold(toy, splits):
    train, test = splits
    turned = Scored({**{n: test.column(n) for n in ("text1", "text2")}, "score": 1 - np.array(test.column("score"))})
    straight, other = (PairClassification().evaluate(toy, train=train, test=rows)[1] for rows in (test, turned))
    assert np.array_equal(straight.columns["predicted"], other.columns["predicted"])


def test_against_mteb_the_names_say_that_test_rows_decided(toy, splits):
    _, test = splits
    measured = PairClassification(against="mteb").evaluate(toy, test=test)
    assert [m.metric for m in measured] == ["average_precision", "best_f1", "best_accuracy"]
    fair = PairClassification().evaluate(toy, train=splits[0], test=test)
    assert measured[1].score >= fair[1].score
    assert measured[2].score >= fair[2].score


def test_best_picks_a_similarity_on_the_tuning_rows(toy, splits):
    train, test = splits
    each = {
        kind: PairClassification(metrics=[], similarity=kind).evaluate(toy, test=train)[0].score
        for kind in ("cosine", "dot", "euclidean", "manhattan")
    }
    best = max(each, key=each.get)
    chosen = PairClassification(metrics=[], similarity="best").evaluate(toy, train=train, test=test)[0]
    fixed = PairClassification(metrics=[], similarity=best).evaluate(toy, test=test)[0]
    assert np.array_equal(chosen.columns["similarity"], fixed.columns["similarity"])


def test_a_cross_encoder_is_measured_by_its_scores(scorer, splits):
    train, test = splits
    ap, *_ = PairClassification().evaluate(scorer, train=train, test=test)
    assert set(ap.columns["similarity"]) <= {0.0, 1.0, 2.0, 3.0, 4.0}


def test_tuning_rows_are_bounded(toy, splits):
    PairClassification(tune_rows=10).evaluate(toy, train=splits[0], test=splits[1])
    assert sum(len(texts) for _, _, texts in toy.calls[2:]) <= 20


def test_mistakes_are_named(toy, splits):
    train, test = splits
    task = PairClassification()
    with pytest.raises(InputError, match=r"needs Scored as `train`.*Got NoneType"):
        task.evaluate(toy, test=test)
    graded = Scored({"text1": ["a", "b"], "text2": ["c", "d"], "score": [0.0, 2.5]})
    with pytest.raises(InputError, match=r"Row '1' of the test split has 2\.5; Similarity measures graded"):
        task.evaluate(toy, train=train, test=graded)
    with pytest.raises(InputError, match="In the rows to tune on all are 1"):
        task.evaluate(toy, train=train.take(np.flatnonzero(np.array(train.column("score")) == 1)), test=test)
    with pytest.raises(InputError, match="Got Pairs instead"):
        task.evaluate(toy, test=Pairs({"anchor": ["a"], "positive": ["b"]}))
    with pytest.raises(InputError, match="are among average_precision"):
        PairClassification(primary="macro_f1")
    with pytest.raises(InputError, match="Did you mean `euclidean`"):
        PairClassification(similarity="euclidian")
