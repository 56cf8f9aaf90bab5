"""Routers: what scikit-learn would say, in plain numbers that need no scikit-learn any more."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from accord.core.errors import InputError
from accord.training.experts import Router


def clouds(tasks=3, each=60, dim=5, spread=0.5, seed=0):
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(tasks, dim)) * 2 + 7
    return {f"t{n}": centres[n] + spread * generator.normal(size=(each + n, dim)) for n in range(tasks)}


@pytest.mark.parametrize("tasks", [2, 4])
def test_without_a_hidden_layer_it_is_logistic_regression(tasks):
    vectors = clouds(tasks)
    x, y = np.concatenate(list(vectors.values())), np.repeat(np.arange(tasks), [len(v) for v in vectors.values()])
    centre, spread = x.mean(0), x.std(0)
    known = LogisticRegression(C=1.0, max_iter=1000).fit((x - centre) / spread, y)
    found = Router().fit(vectors).probabilities(x)
    np.testing.assert_allclose(found, known.predict_proba((x - centre) / spread), atol=1e-9)


@pytest.mark.parametrize("tasks", [2, 3])
def test_with_one_it_is_a_perceptron(tasks, monkeypatch):
    kept = []
    fit = MLPClassifier.fit
    monkeypatch.setattr(MLPClassifier, "fit", lambda self, x, y: kept.append((self, x)) or fit(self, x, y))
    vectors = clouds(tasks)
    found = Router(hidden=8, held_out=0).fit(vectors, seed=3)
    (model, x), *_ = kept
    np.testing.assert_allclose(found.probabilities(np.concatenate(list(vectors.values()))), model.predict_proba(x))
    assert [w.shape for w, _ in found.layers] == [(5, 8), (8, tasks)]


def test_it_reports_what_it_reaches_on_texts_it_did_not_see():
    apart, mixed = Router().fit(clouds(spread=0.1)), Router().fit(clouds(spread=50.0))
    assert apart.accuracy == 1.0
    assert mixed.accuracy < 0.6
    assert apart.largest == pytest.approx(1 / 3, abs=0.05)
    assert Router(held_out=0).fit(clouds()).accuracy is None


def test_it_is_a_function_of_its_seed():
    first, again = (Router(hidden=4).fit(clouds(), seed=1) for _ in range(2))
    assert all(np.array_equal(a, b) for x, y in zip(first.layers, again.layers) for a, b in zip(x, y))
    assert first.accuracy == again.accuracy


def test_a_constant_dimension_is_left_out():
    vectors = {task: np.column_stack([rows, np.full(len(rows), 3.0)]) for task, rows in clouds().items()}
    assert not Router().fit(vectors).layers[0][0][-1].any()


def test_bad_input_is_refused():
    with pytest.raises(InputError, match=r"Got 1 task"):
        Router().fit({"a": np.zeros((9, 2))})
    with pytest.raises(InputError, match="Got 4 of 'b'"):
        Router().fit({"a": np.zeros((9, 2)), "b": np.zeros((4, 2))})
    for arguments in ({"hidden": -1}, {"strength": 0.0}, {"held_out": 1.0}):
        with pytest.raises(InputError, match=next(iter(arguments))):
            Router(**arguments)
