import numpy as np
import pyarrow as pa
import pytest

from accord.core.errors import InputError
from accord.data.mining.collection import Collection
from accord.data.signals import Labelled, Pairs, Ranked, Scored


def forbidden(collection):
    """(queries, places) mask."""
    mask = np.zeros((len(collection.queries), len(collection.searched)), dtype=bool)
    mask[collection.forbidden(slice(0, mask.shape[0]), slice(0, mask.shape[1]))] = True
    return mask


def searched_texts(collection):
    return [collection.documents[row] for row in collection.searched]


def test_all_positives_of_a_query_are_known_in_whatever_rows_and_spelling():
    pairs = Pairs.of({"anchor": ["How?", "how? ", "Why?"], "positive": ["So.", "Thus.", "SO."]})
    found = Collection.of(pairs)
    assert found.queries == ["How?", "how? ", "Why?"]
    assert searched_texts(found) == ["So.", "Thus."]  # "SO." is the same document as "So."
    assert forbidden(found).tolist() == [[True, True], [True, True], [True, False]]
    assert [found.positives[q].tolist() for q in range(3)] == [[0], [1], [2]]  # each keeps its own spelling
    assert found.origins.tolist() == [0, 1, 2]


def test_a_text_equal_to_the_query_is_no_negative_of_it():
    pairs = Pairs.of({"anchor": ["pay by card", "track"], "positive": ["track", "PAY by  card"]})
    assert forbidden(Collection.of(pairs)).tolist() == [[True, True], [True, True]]


def test_old_negatives_and_the_corpus_are_candidates():
    pairs = Pairs.of({"anchor": ["a"], "positive": ["x"], "negative": ["n"], "negative_1": ["m"]})
    pairs = pairs.with_corpus(pa.table({"id": ["1"], "text": ["from the folder"]}))
    assert searched_texts(Collection.of(pairs, corpus=["more", "x"])) == ["x", "n", "m", "from the folder", "more"]
    ranked = Ranked.of({"query": ["a", "a"], "pos": [["x", "y"], ["z"]], "neg": [["n"], []]})
    found = Collection.of(ranked)
    assert found.queries == ["a"]
    assert found.positives[0].tolist() == [0, 1, 2]
    assert found.origins.tolist() == [0, 0, 1]
    assert searched_texts(found) == ["x", "y", "z", "n"]


def test_a_pair_judged_irrelevant_is_no_positive_and_stays_a_candidate():
    pairs = Pairs.of({"anchor": ["a", "a", "b"], "positive": ["x", "y", "z"], "score": [1, 0, 0]})
    found = Collection.of(pairs)
    assert (found.queries, found.left_out) == (["a"], 2)
    assert searched_texts(found) == ["x", "y", "z"]
    assert forbidden(found).tolist() == [[True, False, False]]


def test_of_classes_the_positive_is_another_text_and_no_negative_shares_a_class():
    rows = {"text": ["a1", "a2", "b1", "b2", "A1", "both", "both", "lone"], "label": [*"aabba", "a", "b", "c"]}
    found = Collection.of(Labelled.of(rows))
    assert found.left_out == 1
    assert "lone" not in found.queries
    assert "lone" in searched_texts(found)
    classes = {"a1": "a", "a2": "a", "A1": "a", "b1": "b", "b2": "b", "both": "ab", "lone": "c"}
    mask = forbidden(found)
    for query, text in enumerate(found.queries):
        (partner,) = (found.documents[row] for row in found.positives[query])
        assert partner.lower() != text.lower()
        assert set(classes[partner]) & set(classes[text])
        for place, other in enumerate(searched_texts(found)):
            assert mask[query, place] == bool(set(classes[other]) & set(classes[text]))


def test_the_draw_of_positives_depends_on_the_seed():
    rows = Labelled.of({"text": [f"t{i}" for i in range(60)], "label": ["a", "b"] * 30})
    first, again, other = (Collection.of(rows, seed=seed).positives.values.tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_what_cannot_be_mined_is_refused():
    with pytest.raises(InputError, match="Scored"):
        Collection.of(Scored.of({"text1": ["a"], "text2": ["b"], "score": [1.0]}))
    with pytest.raises(InputError, match="no row with a positive"):
        Collection.of(Pairs.of({"anchor": ["a"], "positive": ["b"], "score": [0.0]}))
    with pytest.raises(InputError, match="no class with two texts"):
        Collection.of(Labelled.of({"text": ["a", "b"], "label": ["x", "y"]}))
