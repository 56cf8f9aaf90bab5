"""Posteriors: what scikit-learn gives for each class and language, and nothing for languages without a classifier."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from accord.alignment.views import Posteriors
from accord.core.errors import InputError

TEXTS = [f"{w} {x}" for w in ("red", "blue") for x in ("cat", "dog", "bird", "fish", "ant", "bee")]
TARGETS = np.array([[w == "red", w == "blue", x in {"cat", "dog"}] for w in ("red", "blue") for x in
                    ("cat", "dog", "bird", "fish", "ant", "bee")])  # fmt: skip


def test_each_class_is_a_calibrated_machine_of_its_language():
    found = Posteriors(folds=3, strength=2.0).fit(TEXTS * 2, np.tile(TARGETS, (2, 1)), ["x"] * 12 + ["y"] * 12)
    rows = TfidfVectorizer(sublinear_tf=True).fit_transform(TEXTS)
    for column, wanted in enumerate(TARGETS.T):
        model = CalibratedClassifierCV(LinearSVC(C=2.0, random_state=0), cv=3, ensemble=False).fit(rows, wanted)
        given = found.transform(TEXTS, ["y"] * 12)[:, column]
        np.testing.assert_allclose(given, model.predict_proba(rows)[:, 1], atol=1e-12)


def test_a_language_it_has_not_seen_is_not_a_number():
    found = Posteriors(folds=2).fit(TEXTS, TARGETS, ["x"] * 12).transform(["red cat", "red cat"], ["x", "z"])
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


def test_a_class_with_one_text_is_its_share():
    targets = np.zeros((12, 2), dtype=bool)
    targets[0, 0] = True
    found = Posteriors().fit(TEXTS, targets, [""] * 12).transform(TEXTS, [""] * 12)
    assert np.unique(found[:, 0]).tolist() == [1 / 12]
    assert np.unique(found[:, 1]).tolist() == [0.0]


def test_characters_serve_where_there_are_no_words():
    texts, targets = ["甲乙", "甲丙", "丁戊", "丁己"], np.array([[True], [True], [False], [False]])
    found = Posteriors(analyzer="char", ngram=2, folds=2).fit(texts, targets, [""] * 4)
    assert found.transform(texts, [""] * 4).shape == (4, 1)
    with pytest.raises(InputError, match="Set `analyzer: char`"):
        Posteriors().fit(["a", "b"], targets[:2], ["q", "q"])


@pytest.mark.parametrize("arguments", [{"analyzer": "byte"}, {"ngram": 0}, {"strength": 0.0}, {"folds": 1}])
def test_bad_settings_are_refused(arguments):
    with pytest.raises(InputError, match=next(iter(arguments))):
        Posteriors(**arguments)
