import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.data.mining.paraphrases import paraphrases


def plain(vectors, neighbours, pairs, min_score):
    """Every score, every neighbour list, one pair at a time; small whole numbers, so that sums are exact."""
    scores = vectors @ vectors.T
    found = set()
    for i in range(len(vectors)):
        others = sorted((j for j in range(len(vectors)) if j != i), key=lambda j: (-scores[i, j], j))
        found |= {(min(i, j), max(i, j)) for j in others[:neighbours] if scores[i, j] >= min_score}
    return sorted(((float(scores[i, j]), i, j) for i, j in found), key=lambda p: (-p[0], p[1], p[2]))[:pairs]


@given(st.integers(2, 40), st.integers(1, 6), st.integers(1, 30), st.integers(1, 9), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_pairs_are_those_of_a_loop_over_everything(texts, neighbours, pairs, block, seed):
    vectors = np.random.default_rng(seed).integers(-2, 3, size=(texts, 4)).astype(np.float32)
    found = paraphrases(vectors, neighbours=neighbours, pairs=pairs, min_score=0.0, kind="dot", block=block)
    assert list(zip(found.scores.tolist(), found.left.tolist(), found.right.tolist())) == plain(
        vectors, neighbours, pairs, 0.0
    )


def test_each_pair_stands_once_with_the_score_of_its_two_vectors(rng):
    vectors = rng.normal(size=(300, 16)).astype(np.float32)
    vectors[150:] = vectors[:150]
    found = paraphrases(vectors, neighbours=5, block=64)
    assert (found.left < found.right).all()
    assert len(set(zip(found.left.tolist(), found.right.tolist()))) == len(found)
    assert (np.diff(found.scores) <= 0).all()
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(found.scores, (units[found.left] * units[found.right]).sum(1), atol=1e-6)
    assert set(zip(range(150), range(150, 300))) <= set(zip(found.left[:150].tolist(), found.right[:150].tolist()))


@pytest.mark.slow
def test_agrees_with_sentence_transformers(rng):
    torch = pytest.importorskip("torch")
    mining = pytest.importorskip("sentence_transformers.util")
    vectors = rng.normal(size=(200, 8)).astype(np.float32)
    theirs = mining.paraphrase_mining_embeddings(torch.from_numpy(vectors), top_k=7)
    ours = paraphrases(vectors, neighbours=7)
    assert {(i, j) for _, i, j in theirs} == set(zip(ours.left.tolist(), ours.right.tolist()))
    np.testing.assert_allclose([s for s, *_ in theirs], ours.scores, atol=1e-6)


def test_few_pairs_of_many_are_the_best_ones(rng):
    vectors = rng.normal(size=(3000, 8)).astype(np.float32)
    all_of_them = paraphrases(vectors, neighbours=3)
    few = paraphrases(vectors, neighbours=3, pairs=50)
    assert few.left.tolist() == all_of_them.left[:50].tolist()
    assert few.right.tolist() == all_of_them.right[:50].tolist()


def test_one_text_has_no_pair():
    with pytest.raises(InputError, match="at least 2"):
        paraphrases(np.ones((1, 3)))
