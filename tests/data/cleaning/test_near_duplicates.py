import inspect as python_inspect
import random
from functools import cache

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.core.types import Ragged
from accord.data.cleaning import near_duplicates, without_near_duplicates
from accord.data.cleaning.near_duplicates import bands, signature
from accord.data.leakage import normalise
from accord.data.signals import Labelled, Pairs, Ranked


@cache
def grams(text, size=5):
    text = normalise(text)
    return {text[i : i + size] for i in range(max(1, len(text) - size + 1))} if text else set()


def jaccard(one, other):
    a, b = grams(one), grams(other)
    return len(a & b) / len(a | b) if a | b else 1.0


def one_by_one(texts, threshold):
    """The definition: each text against every kept one before it."""
    kept, of = [], []
    for row, text in enumerate(texts):
        near = [k for k in kept if jaccard(texts[k], text) >= threshold]
        of.append(near[0] if near else row)
        if not near:
            kept.append(row)
    return of


def noisy(count, seed):
    """Lines of the standard library's own words, some of them copied with a word changed."""
    rng = random.Random(seed)
    words = " ".join(filter(None, (python_inspect.getdoc(f) for f in vars(random.Random).values()))).split()
    texts = []
    for _ in range(count):
        if texts and rng.random() < 0.3:
            parts = rng.choice(texts).split()
            for _ in range(rng.randrange(3)):
                parts[rng.randrange(len(parts))] = rng.choice(words)
            texts.append(" ".join(parts))
        else:
            texts.append(" ".join(rng.choice(words) for _ in range(rng.randrange(8, 30))))
    return texts


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.85, 1.0])
def test_the_same_as_comparing_each_with_each(threshold):
    texts = noisy(150, seed=1)
    assert near_duplicates(texts, threshold=threshold).tolist() == one_by_one(texts, threshold)


def test_the_first_stays_and_no_chain_forms():
    words = [f"word{i}" for i in range(60)]
    chain = [" ".join([*words[i:], *(f"new{j}" for j in range(i))]) for i in range(0, 60, 3)]
    of = near_duplicates(chain, threshold=0.8)
    for row, first in enumerate(of.tolist()):
        assert of[first] == first
        assert row == first or jaccard(chain[row], chain[first]) >= 0.8
    assert len(set(of.tolist())) > 5


def test_case_space_and_forms_do_not_count():
    assert near_duplicates(["\uff23afé  One", "café one", "x", ""]).tolist() == [0, 0, 2, 3]
    assert near_duplicates([]).tolist() == []


def test_words_as_shingles():
    one = "the quick brown fox jumps over the lazy dog again and again"
    assert near_duplicates([one, one + " today"], unit="word", size=2, threshold=0.8).tolist() == [0, 0]
    assert near_duplicates([one, one + " today"], unit="word", size=2, threshold=0.99).tolist() == [0, 1]


def test_a_signature_estimates_similarity():
    rng = np.random.default_rng(0)
    pool = rng.integers(0, 2**63, 1500, dtype=np.uint64)
    rows = Ragged(np.concatenate([pool[:1000], pool[500:]]), np.array([0, 1000, 2000]))
    estimates = [(s[0] == s[1]).mean() for s in (signature(rows, seed) for seed in range(40))]
    assert np.mean(estimates) == pytest.approx(1 / 3, abs=4 * np.sqrt(2 / 9 / 128 / 40))


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.6, 0.8, 0.9, 0.99, 1.0])
def test_bands_find_what_they_promise(threshold):
    many, rows = bands(threshold)
    assert many * rows <= 128
    assert rows == 1 or 1 - (1 - threshold**rows) ** many >= 0.999


def test_rows_count_with_all_their_texts():
    pairs = Pairs.of(
        {"anchor": ["How do I pay for it?"] * 3, "positive": ["By card or invoice.", "by card or  invoice!", "Later."]}
    )
    found = without_near_duplicates(pairs)
    assert found.kept.tolist() == [0, 2] and found.of.tolist() == [0, 0, 2] and (found.exact, found.near) == (0, 1)
    only = without_near_duplicates(pairs, columns=["anchor"])
    assert only.kept.tolist() == [0] and (only.exact, only.near) == (2, 0)
    assert type(only.signal) is Pairs


def test_lists_and_labels():
    ranked = Ranked.of({"query": ["a b c d", "a b c d"], "pos": [["x y z"], ["x y z"]], "neg": [["n"], []]})
    assert without_near_duplicates(ranked, columns=["query", "pos"]).kept.tolist() == [0]
    topics = Labelled.of({"body": ["a", "a"], "label": ["x", "y"]}, columns={"text": "body"})
    assert without_near_duplicates(topics, columns=["body"]).signal.column("label") == ["x"]
    with pytest.raises(InputError, match="`label` holds no texts"):
        without_near_duplicates(topics, columns=["label"])


@pytest.mark.parametrize("threshold", [0, -1, 1.5])
def test_a_threshold_outside_is_refused(threshold):
    with pytest.raises(InputError, match="`threshold`"):
        near_duplicates(["a"], threshold=threshold)
