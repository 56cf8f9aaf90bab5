"""Lists of hits of one query: fused by any method, the same as its scores say."""

import pytest

from accord.core.errors import InputError
from accord.retrieval import Hit
from accord.retrieval.fusion import CombMNZ, ReciprocalRank, WeightedSum, fuse_hits


def hits(**scores):
    ordered = sorted(scores.items(), key=lambda item: -item[1])
    return [
        Hit(id=name, score=score, text=name.upper(), title="", metadata={"n": rank}, rank=rank)
        for rank, (name, score) in enumerate(ordered, 1)
    ]


@pytest.mark.parametrize("method", [ReciprocalRank(), WeightedSum(), CombMNZ()])
def test_what_all_systems_put_first_comes_first(method):
    fused = fuse_hits([hits(a=0.9, b=0.5, c=0.1), hits(a=9, d=3, b=1)], method)
    assert fused[0].id == "a"
    assert [hit.rank for hit in fused] == [1, 2, 3, 4]
    assert [hit.score for hit in fused] == sorted((hit.score for hit in fused), reverse=True)
    assert {hit.id: hit.text for hit in fused} == {"a": "A", "b": "B", "c": "C", "d": "D"}


def test_hits_are_kept_as_they_were_found_and_cut_at_k():
    fused = fuse_hits([hits(a=2.0, b=1.0), hits(b=5.0)], ReciprocalRank(), k=1)
    assert [(hit.id, hit.metadata) for hit in fused] == [("b", {"n": 2})]


def test_lists_without_hits_are_fine():
    assert fuse_hits([[], []], ReciprocalRank()) == []
    assert [hit.id for hit in fuse_hits([hits(a=1.0), []], WeightedSum())] == ["a"]


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="Got none"):
        fuse_hits([], ReciprocalRank())
    with pytest.raises(InputError, match="'a' twice"):
        fuse_hits([hits(a=1.0) + hits(a=2.0)], ReciprocalRank())
    with pytest.raises(InputError, match="`k`"):
        fuse_hits([hits(a=1.0)], ReciprocalRank(), k=0)
