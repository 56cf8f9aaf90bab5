import pytest

from accord.core.errors import InputError
from accord.data.signals import Labelled, Pairs, Ranked
from accord.evaluation.pools import pools

LISTS = Ranked(
    {
        "id": ["1", "2", "3"],
        "query": ["red", "blue", "green"],
        "pos": [["rose", "Rose", "blood"], ["sky"], ["leaf"]],
        "neg": [["sky", "rose", "RED"], ["sky"], []],
        "grade": [[2.0, 3.0, 1.0], [1.0], [1.0]],
    }
)


def test_equal_texts_are_one_and_the_query_is_no_candidate():
    (pool,) = pools(LISTS)  # blue has one text that is both, green nothing else
    assert (pool.name, pool.texts, pool.grades) == ("1", ["rose", "blood", "sky"], [1.0, 1.0, 0.0])


def test_grades_by_column():
    assert pools(LISTS, grades="grade")[0].grades == [3.0, 1.0, 0.0]
    with pytest.raises(InputError, match="a number for each of the 3 positives of row '1'"):
        pools(LISTS, grades="neg")


def test_as_mteb_has_them():
    found = pools(LISTS, named=True)
    assert [pool.name for pool in found] == ["1", "2"]
    assert sorted(zip(found[0].keys, found[0].texts), reverse=True)[0] == ("negative_00002", "RED")
    assert len(found[0].texts) == 6


def test_graded_pairs_share_their_query():
    pairs = Pairs(
        {
            "anchor": ["red", "Red", "blue"],
            "positive": ["rose", "sky", "sky"],
            "score": [2.0, 0.0, 1.0],
            "negative": ["leaf", "leaf", "leaf"],
        }
    )
    first, second = pools(pairs)
    assert (first.texts, first.grades) == (["rose", "leaf", "sky"], [2.0, 0.0, 0.0])
    assert (second.texts, second.grades) == (["sky", "leaf"], [1.0, 0.0])
    with pytest.raises(InputError, match="graded by their `score`"):
        pools(pairs, grades="score")


def test_nothing_to_order_is_refused():
    with pytest.raises(InputError, match="candidates of both kinds"):
        pools(Ranked({"query": ["a"], "pos": [["b"]]}))
    with pytest.raises(InputError, match="Got Labelled"):
        pools(Labelled({"text": ["a"], "label": ["b"]}))
