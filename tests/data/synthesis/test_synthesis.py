"""What the makers of pairs promise: pairs come from their own text, and depend on seed, id and maker alone."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.core.errors import DataError, InputError
from accord.core.random import numpy_generator
from accord.data import Unlabelled
from accord.data.synthesis import BodyFirst, InverseCloze, RandomCrops, Twins, VisualNoise
from accord.data.synthesis.random_crops import random_crop
from accord.data.synthesis.sentences import passages, sentences
from accord.data.synthesis.visual_noise import visual_noise

TEXT = " ".join(f"Sentence {n} says thing{n} about subject{n % 3}." for n in range(12))
MAKERS = [RandomCrops(), InverseCloze(), BodyFirst(lead=3, words=20), VisualNoise()]
words = st.lists(st.text(st.characters(categories=["L"]), min_size=1, max_size=8), min_size=1, max_size=60)


@pytest.mark.parametrize("maker", MAKERS, ids=repr)
def test_a_text_gives_the_same_pairs_whatever_stands_beside_it(maker):
    alone = maker.pairs(Unlabelled.of({"id": ["b"], "text": [TEXT]}), seed=4)
    other = TEXT.replace("thing", "matter")
    both = maker.pairs(Unlabelled.of({"id": ["a", "b"], "text": [other, TEXT]}), seed=4)
    assert both.take([1]).table.to_pylist() == alone.table.to_pylist()
    assert both.column("label") == ["a", "b"]
    assert maker.pairs(Unlabelled.of({"id": ["b"], "text": [TEXT]}), seed=5).table != alone.table


@pytest.mark.parametrize("maker", MAKERS, ids=repr)
def test_copies_differ(maker):
    many = type(maker)(**{**vars(maker), "copies": 6})
    pairs = many.pairs(Unlabelled.of({"id": ["x"], "text": [TEXT]}))
    assert pairs.ids == [f"x#{k}" for k in range(6)]
    assert len(set(zip(pairs.column("anchor"), pairs.column("positive")))) > 1


@given(words, st.integers(0, 2**32))
def test_a_crop_is_a_thinned_span(tokens, seed):
    found = random_crop(tokens, numpy_generator(seed), shortest=0.1, longest=0.6, deletion=0.3)
    assert 1 <= len(found) <= max(1, round(0.6 * len(tokens)))
    rest = iter(tokens)
    assert all(word in rest for word in found)  # in order


def test_without_deletion_lengths_are_uniform_between_the_bounds():
    tokens = [str(n) for n in range(1000)]
    lengths = [len(random_crop(tokens, numpy_generator(k), deletion=0.0)) for k in range(400)]
    assert min(lengths) >= 50 and max(lengths) <= 500
    assert np.mean(lengths) == pytest.approx(275, abs=20)


@pytest.mark.parametrize(("keep", "share"), [(0.0, 0.0), (1.0, 1.0), (0.5, 0.5)])
def test_the_cloze_sentence_stays_as_often_as_asked(keep, share):
    pairs = InverseCloze(copies=200, keep=keep).pairs(Unlabelled.of({"text": [TEXT]}))
    stays = [a in p for a, p in zip(pairs.column("anchor"), pairs.column("positive"))]
    assert np.mean(stays) == pytest.approx(share, abs=0.1)


def test_a_cloze_passage_is_the_one_around_its_sentence():
    pairs = InverseCloze(copies=50, keep=0.0, words=20).pairs(Unlabelled.of({"text": [TEXT]}))
    for anchor, positive in zip(pairs.column("anchor"), pairs.column("positive")):
        own, *others = (int(n) for n in re.findall(r"Sentence (\d+)", f"{anchor} {positive}"))
        assert all(abs(own - other) < 4 for other in others)


def test_the_body_is_never_the_lead():
    pairs = BodyFirst(copies=40, lead=2, words=15).pairs(Unlabelled.of({"text": [TEXT]}))
    assert {re.search(r"\d+", a).group() for a in pairs.column("anchor")} == {"0", "1"}
    assert not any(re.search(r"Sentence [01] ", p) for p in pairs.column("positive"))


@settings(max_examples=50)
@given(words, st.integers(0, 2**32))
def test_noise_keeps_the_number_of_words(tokens, seed):
    assert len(visual_noise(" ".join(tokens), numpy_generator(seed)).split()) == len(tokens)


def test_noise_off_changes_nothing():
    assert visual_noise(TEXT, numpy_generator(0), letters=0, slips=0, shuffled=0) == TEXT


def test_look_alikes_change_one_letter_a_word():
    noisy = visual_noise("several ordinary letters", numpy_generator(1), letters=1, slips=0, shuffled=0)
    for before, after in zip(["several", "ordinary", "letters"], noisy.split()):
        assert sum(a != b for a, b in zip(before, after)) == 1


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("By J. K. Smith et al. It was e.g. Fig. 3 that won.", ["By J. K. Smith et al. It was e.g. Fig. 3 that won."]),
        ("version 2.5 is out. 3 is not.", ["version 2.5 is out.", "3 is not."]),
        ("no stop\n\nafter this", ["no stop", "after this"]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("", []),
    ],
)
def test_sentences(text, parts):
    assert sentences(text) == parts


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(1, 12))
def test_passages_keep_every_sentence_in_order_and_fill_up(lengths, most):
    parts = [" ".join(["w"] * n) for n in lengths]
    found = passages(parts, most)
    assert [s for passage in found for s in passage] == parts
    sizes = [sum(len(s.split()) for s in passage) for passage in found]
    assert all(size <= most or len(passage) == 1 for size, passage in zip(sizes, found))
    assert all(size + len(after[0].split()) > most for size, after in zip(sizes, found[1:]))


def test_twins_are_the_text_itself():
    pairs = Twins().pairs(Unlabelled.of({"id": ["x", "y"], "text": [TEXT, "short"]}))
    assert pairs.column("anchor") == pairs.column("positive") == [TEXT, "short"]


def test_texts_too_short_are_left_out_and_none_at_all_is_an_error():
    texts = Unlabelled.of({"id": ["short", "long"], "text": ["Two words", TEXT]})
    assert RandomCrops().pairs(texts).column("label") == ["long"]
    with pytest.raises(DataError, match="long enough for InverseCloze"):
        InverseCloze().pairs(texts.take([0]))


def test_bad_arguments_are_named():
    with pytest.raises(InputError, match="`shortest` must be at most `longest`"):
        RandomCrops(shortest=0.6, longest=0.5)
    with pytest.raises(InputError, match="keep"):
        InverseCloze(keep=1.2)
