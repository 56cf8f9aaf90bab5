import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from accord.maths.nearest import unit_rows
from accord.maths.probes import logistic_probe, neighbour_probe, standardised


@pytest.fixture
def blobs():
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(4, 10))
    labels, asked = generator.integers(0, 4, 200), generator.integers(0, 4, 100)
    noisy = lambda codes: centres[codes] + generator.normal(size=(len(codes), 10))  # noqa: E731
    return noisy(labels), labels * 3, noisy(asked), asked * 3


def test_equal_to_scikit_learns_pipeline(blobs):
    train, labels, test, _ = blobs
    theirs = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)).fit(train, labels)
    assert (logistic_probe(train, labels, test) == theirs.predict(test)).mean() >= 0.99


@pytest.mark.parametrize("probe", [logistic_probe, neighbour_probe])
def test_better_than_guessing_and_blind_to_scale(blobs, probe):
    train, labels, test, truth = blobs
    predicted = probe(train, labels, test)
    assert (predicted == truth).mean() > 0.6
    assert np.array_equal(predicted, probe(train * 1024, labels, test * 1024))


def test_neighbours_equal_scikit_learn_where_no_vote_ties(blobs):
    train, labels, test, _ = blobs
    theirs = KNeighborsClassifier(1).fit(unit_rows(train), labels)
    assert np.array_equal(neighbour_probe(train, labels, test, neighbours=1), theirs.predict(unit_rows(test)))


def test_a_tied_vote_goes_to_the_nearer_side():
    train = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert neighbour_probe(train, np.array([5, 8]), np.array([[0.2, 1.0], [1.0, 0.2]]), neighbours=2).tolist() == [8, 5]


def test_a_constant_dimension_says_nothing():
    train, test = standardised(np.full((3, 1), 0.1, np.float32), np.array([[7.0]]))
    assert not train.any() and not test.any()
