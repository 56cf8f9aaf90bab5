"""Funnelling: against the same stack written out, honest about held-out folds, and across languages."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from accord.alignment import Funnelling, TextView
from accord.alignment.per_class import fold_numbers
from accord.alignment.views import Encoded, Posteriors, WordClasses
from accord.core.errors import InputError
from accord.core.random import numpy_generator
from accord.evaluation.metrics import Accuracy, MacroF1

pytestmark = pytest.mark.slow  # classifiers are fitted again and again


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def accuracy(model, test):
    return np.mean(np.array(model.predict(test.texts, test.languages)) == np.array(test.labels))


def test_with_posteriors_alone_it_is_the_stack_written_out(train, test):
    """Fun: language by language, fold by fold, with scikit-learn."""
    model = Funnelling([Posteriors(folds=2)], folds=3, strength=2.0, seed=7).fit(
        train.texts, train.labels, train.languages
    )
    classes = sorted(set(train.labels))
    targets = np.array([[label == name for name in classes] for label in train.labels])
    keys = [(language, row.tobytes()) for language, row in zip(train.languages, targets)]
    folds = fold_numbers(keys, 3, numpy_generator(7, "funnelling"))
    stacked = np.empty(targets.shape)

    def first_tier(rows, asked):
        found = np.empty((len(asked[0]), 3))
        for language in ("aa", "bb"):
            mine = [r for r in rows if train.languages[r] == language]
            view = Posteriors(folds=2).fit([train.texts[r] for r in mine], targets[mine], [""] * len(mine))
            here = [n for n, spoken in enumerate(asked[1]) if spoken == language]
            found[here] = view.transform([asked[0][n] for n in here], [""] * len(here))
        return found

    for fold in range(3):
        here = np.flatnonzero(folds == fold)
        asked = [train.texts[r] for r in here], [train.languages[r] for r in here]
        stacked[here] = first_tier(np.flatnonzero(folds != fold), asked)
    second = LogisticRegression(C=2.0, max_iter=1000).fit(unit(stacked), targets.argmax(1))
    wanted = second.predict_proba(unit(first_tier(range(len(targets)), (test.texts, test.languages))))
    np.testing.assert_allclose(model.predict_proba(test.texts, test.languages), wanted, atol=1e-9)
    assert model.classes == tuple(classes)


class Spy(TextView):
    """Remembers what it learned from, and says of each text whether it had seen it."""

    def __init__(self):
        self.fits = []

    def fit(self, texts, targets, languages):
        seen = set(texts)
        self.fits.append(seen)

        class Done:
            def transform(self, asked, spoken):
                return np.array([[1.0, float(text in seen)] for text in asked])

        return Done()


@pytest.mark.parametrize("combine", ["concatenate", "mean"])
def test_no_training_vector_comes_from_a_fit_that_saw_its_text(monkeypatch, combine):
    spy, kept = Spy(), []
    texts = [f"text {n}" for n in range(30)]
    plain = Funnelling._meta
    monkeypatch.setattr(Funnelling, "_meta", lambda self, rows, *rest: kept.append(rows) or plain(self, rows, *rest))
    Funnelling([spy], folds=5, combine=combine).fit(texts, ["a", "b", "c"] * 10)
    assert len(spy.fits) == 6
    assert spy.fits[0] == set(texts)
    assert all(len(seen) == 24 for seen in spy.fits[1:])
    if combine == "concatenate":
        assert (kept[0][:, 1] == 0).all()


def test_views_that_learn_nothing_encode_once(train, gist):
    Funnelling([Encoded(gist)], folds=5).fit(train.texts, train.labels, train.languages)
    assert gist.calls == 1


@pytest.mark.parametrize(("combine", "meta"), [("concatenate", "logistic"), ("mean", "svm")])
def test_it_learns_from_all_views(train, test, gist, combine, meta):
    views = [Posteriors(folds=2), WordClasses(), Encoded(gist)]
    model = Funnelling(views, combine=combine, meta=meta, folds=2).fit(train.texts, train.labels, train.languages)
    found = model.predict_proba(test.texts, test.languages)
    assert found.sum(axis=1) == pytest.approx(1)
    assert (found >= 0).all()
    assert accuracy(model, test) > 0.75
    width = {"concatenate": 9, "mean": 3}[combine]
    assert model.transform(test.texts[:2], test.languages[:2]).shape == (2, width)
    codes = {name: n for n, name in enumerate(model.classes)}
    truth, said = (
        np.array([codes[x] for x in part]) for part in (test.labels, model.predict(test.texts, test.languages))
    )
    assert Accuracy()(truth, said).mean() == accuracy(model, test)
    assert np.mean(MacroF1()(truth, said)) > 0.7


def test_a_language_with_few_texts_is_served_beside_one_with_many(make_corpus):
    rich, poor = make_corpus(2, each=20, languages=("aa",)), make_corpus(3, each=3, languages=("bb",))
    test = make_corpus(4, each=20, languages=("bb",))
    model = Funnelling([Posteriors(folds=2)], folds=2).fit(
        rich.texts + poor.texts, rich.labels + poor.labels, rich.languages + poor.languages
    )
    assert accuracy(model, test) > 0.7


def test_a_mean_serves_languages_that_only_one_view_knows(make_corpus, gist):
    train, test = make_corpus(5, each=10, languages=("aa",)), make_corpus(6, each=15, languages=("cc",))
    views = [Posteriors(folds=2), Encoded(gist)]
    model = Funnelling(views, combine="mean", folds=2).fit(train.texts, train.labels, train.languages)
    assert accuracy(model, test) > 0.75
    both = model.transform(train.texts[:1] + test.texts[:1], ["aa", "cc"])
    np.testing.assert_allclose(both[1], model.transform(test.texts[:1], ["cc"])[0])
    lost = Funnelling(views, folds=2).fit(train.texts, train.labels, train.languages)
    with pytest.raises(InputError, match=r"no text of the language\(s\) cc"):
        lost.predict(test.texts, test.languages)
    alone = Funnelling([Posteriors()], combine="mean", folds=2).fit(train.texts, train.labels, train.languages)
    with pytest.raises(InputError, match="No view"):
        alone.predict(test.texts, test.languages)


@pytest.mark.parametrize("meta", ["logistic", "svm"])
def test_several_labels_or_none(train, test, gist, meta):
    def several(labels, texts):
        return [{label, "long"} if "filler8" in text else ({label} if "filler7" not in text else set())
                for label, text in zip(labels, texts)]  # fmt: skip

    model = Funnelling([Posteriors(folds=2), Encoded(gist)], meta=meta, folds=2)
    model = model.fit(train.texts, several(train.labels, train.texts), train.languages)
    assert model.multilabel
    assert set(model.classes) == {"food", "long", "music", "sport"}
    found = model.predict(test.texts, test.languages)
    assert all(isinstance(one, list) for one in found)
    hits = [label in one for label, one, text in zip(test.labels, found, test.texts) if "filler7" not in text]
    assert np.mean(hits) > 0.6
    probabilities = model.predict_proba(test.texts, test.languages)
    for one, row in zip(found, probabilities):
        assert one == [name for name, p in zip(model.classes, row) if p >= 0.5]


def test_it_is_a_function_of_its_seed_and_not_of_who_else_is_asked(train, test, gist):
    fits = [Funnelling([Posteriors(folds=2), Encoded(gist)], folds=2, seed=s) for s in (1, 1, 2)]
    models = [one.fit(train.texts, train.labels, train.languages) for one in fits]
    first, again, other = (m.predict_proba(test.texts, test.languages) for m in models)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_allclose(models[0].predict_proba(test.texts[:3], test.languages[:3]), first[:3], atol=1e-12)
    assert models[0].predict_proba([], []).shape == (0, 3)


def test_bad_input_is_refused(train, gist):
    with pytest.raises(InputError, match="Got none"):
        Funnelling([])
    with pytest.raises(InputError, match="wrap an encoder in Encoded"):
        Funnelling([gist])
    for arguments in ({"combine": "sum"}, {"meta": "tree"}, {"strength": 0.0}, {"folds": 1}):
        with pytest.raises(InputError, match=next(iter(arguments))):
            Funnelling([Posteriors()], **arguments)
    model = Funnelling([Posteriors()])
    with pytest.raises(InputError, match="Got 72 and 71"):
        model.fit(train.texts, train.labels[:-1])
    with pytest.raises(InputError, match="languages"):
        model.fit(train.texts, train.labels, train.languages[:-1])
    with pytest.raises(InputError, match="1 class"):
        model.fit(train.texts, ["a"] * 72)
    with pytest.raises(InputError, match="a single text"):
        model.fit(train.texts, train.labels, ["aa"] * 71 + ["bb"])
    with pytest.raises(InputError, match="Got both"):
        model.fit(["a", "b"], ["x", ["y"]])
