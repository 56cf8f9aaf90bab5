"""Relevance of teachers: against a plain rank correlation, at its ends, and as shares."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from accord.compression.distil.relevance import parc, rank_agreement, relevance_weights
from accord.core.errors import InputError


def plain_parc(features, labels):
    """Pairs in loops, with scipy's correlations."""
    values = (features - features.mean(0)) / features.std(0)
    found, wanted = [], []
    for i in range(len(labels)):
        for j in range(i + 1, len(labels)):
            found.append(np.corrcoef(values[i], values[j])[0, 1])
            wanted.append(float(labels[i] == labels[j]))
    return spearmanr(found, wanted).statistic


@pytest.fixture
def clusters():
    generator = np.random.default_rng(0)
    labels = np.repeat(["a", "b", "c"], 8)
    centres = generator.normal(size=(3, 6))
    return centres[np.repeat([0, 1, 2], 8)] + 0.5 * generator.normal(size=(24, 6)), labels.tolist()


def test_parc_equals_its_formula(clusters):
    features, labels = clusters
    assert parc(features, labels) == pytest.approx(plain_parc(features, labels), abs=1e-12)


def test_parc_does_not_see_scale_or_place_and_falls_with_noise(clusters):
    features, labels = clusters
    assert parc(3 * features + 7, labels) == pytest.approx(parc(features, labels))
    noise = np.random.default_rng(1).normal(size=features.shape)
    scores = [parc(features + size * noise, labels) for size in (0.0, 2.0, 50.0)]
    assert scores[0] > scores[1] > scores[2]
    assert abs(scores[2]) < 0.2


def test_features_that_say_nothing_give_nothing():
    assert parc(np.ones((4, 3)), ["a", "a", "b", "b"]) == 0.0
    assert rank_agreement(np.ones(3), np.arange(3.0)) == 0.0


@pytest.mark.parametrize("labels", [["a", "a", "a"], ["a", "b", "c"], ["a", "b"]])
def test_labels_from_which_nothing_can_be_told_are_refused(labels):
    with pytest.raises(InputError, match="`labels`"):
        parc(np.random.default_rng(0).normal(size=(3, 2)), labels)


def test_rank_agreement_is_spearman():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=30), np.round(generator.normal(size=30), 1)
    assert rank_agreement(x, y) == pytest.approx(spearmanr(x, y).statistic)


def test_shares_go_from_uniform_to_the_nearest_as_the_power_grows():
    scores = [0.3, 0.2, -0.5]
    assert relevance_weights(scores, power=0).tolist() == pytest.approx([1 / 3] * 3)
    assert relevance_weights(scores, power=1).tolist() == pytest.approx([0.6, 0.4, 0.0])
    assert relevance_weights(scores, power=200).tolist() == pytest.approx([1.0, 0.0, 0.0])
    assert relevance_weights([10 * s for s in scores]).tolist() == pytest.approx(relevance_weights(scores).tolist())
    assert relevance_weights([-1.0, 0.0]).tolist() == [0.5, 0.5]
    for wrong in ({"scores": []}, {"scores": [1.0], "power": -1}):
        with pytest.raises(InputError):
            relevance_weights(**wrong)
