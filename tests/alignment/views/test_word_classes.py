"""Word-class vectors: against loops, and the same axes in every language."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from accord.alignment.views import WordClasses
from accord.alignment.views.word_classes import word_class_table
from accord.core.errors import InputError

TEXTS = ["red cat cat", "red dog", "blue cat", "blue dog dog bird"]
TARGETS = np.array([[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1]], dtype=bool)


def plain_table(rows, targets):
    n, words = rows.shape
    table = np.zeros((words, targets.shape[1]))
    for w in range(words):
        mass = sum(rows[d, w] for d in range(n))
        for c in range(targets.shape[1]):
            table[w, c] = sum(rows[d, w] for d in range(n) if targets[d, c]) / mass
    return (table - table.mean(axis=0)) / table.std(axis=0)


def test_the_table_is_what_loops_give():
    rows = TfidfVectorizer(sublinear_tf=True).fit_transform(TEXTS)
    np.testing.assert_allclose(word_class_table(rows, TARGETS), plain_table(rows.toarray(), TARGETS), atol=1e-12)


@pytest.mark.parametrize("removed", [0, 1, 2])
def test_a_text_is_the_sum_over_its_words_less_what_is_common(removed):
    view = WordClasses(removed=removed).fit(TEXTS, TARGETS, ["x"] * 4)
    rows = TfidfVectorizer(sublinear_tf=True).fit_transform(TEXTS).toarray()
    wanted = rows @ plain_table(rows, TARGETS)
    if removed:
        _, _, directions = np.linalg.svd(wanted)
        wanted = wanted - wanted @ directions[:removed].T @ directions[:removed]
    np.testing.assert_allclose(view.transform(TEXTS, ["x"] * 4), wanted, atol=1e-9)


def test_the_axes_are_the_classes_in_every_language():
    other = [text.replace("red", "rot").replace("blue", "blau") for text in TEXTS]
    view = WordClasses().fit(TEXTS + other, np.tile(TARGETS, (2, 1)), ["en"] * 4 + ["de"] * 4)
    np.testing.assert_allclose(view.transform(TEXTS, ["en"] * 4), view.transform(other, ["de"] * 4), atol=1e-12)
    assert np.isnan(view.transform(["red"], ["fr"])).all()


def test_unknown_words_say_nothing():
    assert not WordClasses().fit(TEXTS, TARGETS, [""] * 4).transform(["zebra"], [""]).any()


@pytest.mark.parametrize("arguments", [{"analyzer": "byte"}, {"ngram": 0}, {"removed": -1}])
def test_bad_settings_are_refused(arguments):
    with pytest.raises(InputError, match=next(iter(arguments))):
        WordClasses(**arguments)
