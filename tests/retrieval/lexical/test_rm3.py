"""RM3: against the formula with dictionaries, and with what it is told."""

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.retrieval.lexical import RM3, Analyser, Question, relevance_model


def question(texts, scores, terms=None):
    return Question(
        text="car",
        terms=terms or {"car": 1.0},
        analyser=Analyser(),
        first=lambda n: (texts[:n], np.array(scores[:n], dtype=np.float32)),
    )


def test_it_is_the_formula():
    documents, scores = [["car", "auto", "auto"], ["engine", "car"]], np.array([3.0, 1.0])
    found = relevance_model({"car": 2.0, "fast": 2.0}, documents, scores, terms=2, query_weight=0.6)
    model = {"auto": 0.75 * 2 / 3, "car": 0.75 / 3 + 0.25 / 2, "engine": 0.25 / 2}
    mass = model["auto"] + model["car"]
    wanted = {"car": 0.3 + 0.4 * model["car"] / mass, "fast": 0.3, "auto": 0.4 * model["auto"] / mass}
    assert found == pytest.approx(wanted)


def test_weights_sum_to_one_and_the_query_stays():
    texts = ["The car and the automobile", "car engine"]
    found = RM3(terms=3)(question(texts, [2.0, 1.0]))
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["car"] > 0.5 and "the" not in found and "automobile" in found
    assert RM3(query_weight=1.0)(question(texts, [2.0, 1.0]))["car"] == pytest.approx(1.0)
    assert RM3(documents=1)(question(texts, [2.0, 1.0])).keys() == {"car", "automobile"}


def test_nothing_found_adds_nothing():
    assert RM3()(question([], [], {"car": 2.0, "red": 2.0})) == {"car": 0.5, "red": 0.5}
    assert RM3()(question(["the and of"], [1.0])) == {"car": 1.0}


def test_bad_settings_are_refused():
    for settings in ({"documents": 0}, {"terms": 0}, {"query_weight": 2}):
        with pytest.raises(InputError, match=next(iter(settings))):
            RM3(**settings)
