import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import DataError, InputError
from accord.data.signals import Labelled, Pairs, Unlabelled
from accord.data.splits import split


def texts(n, **columns):
    return Unlabelled.of({"text": [f"text {i}" for i in range(n)], "id": [f"t{i}" for i in range(n)], **columns})


def part_of(signal, parts):
    ids = np.array(signal.ids)
    return {i: name for name in ("train", "dev", "test") for i in ids[getattr(parts, name)]}


@given(st.integers(40, 300), st.integers(0, 4), st.randoms(use_true_random=False))
def test_row_order_plays_no_part(n, seed, random):
    signal = texts(n, group=[f"g{i // 3}" for i in range(n)])
    order = list(range(n))
    random.shuffle(order)
    shuffled = signal.take(order)
    here, there = (part_of(s, split(s, by="group", dev=0.2, test=0.3, seed=seed)) for s in (signal, shuffled))
    assert here == there


def test_groups_never_straddle_and_nothing_is_lost():
    groups = [f"g{i % 37}" for i in range(400)]
    signal = texts(400, group=groups)
    parts = split(signal, by="group")
    assert np.array_equal(np.sort(np.concatenate([parts.train, parts.dev, parts.test])), np.arange(400))
    assert all(rows.dtype == np.int64 for rows in (parts.train, parts.dev, parts.test))
    held = [{groups[r] for r in rows} for rows in (parts.train, parts.dev, parts.test)]
    assert not (held[0] & held[1] or held[0] & held[2] or held[1] & held[2])


def test_more_rows_move_no_older_one():
    few, many = texts(200), texts(1000)
    old, new = part_of(few, split(few)), part_of(many, split(many))
    assert all(new[i] == part for i, part in old.items())


def test_a_larger_test_part_contains_the_smaller():
    signal = texts(500)
    small, large = split(signal, dev=0, test=0.1), split(signal, dev=0, test=0.3)
    assert set(small.test) < set(large.test)


def test_fractions_hold_on_average():
    parts = split(texts(20_000), dev=0.05, test=0.15)
    assert len(parts.test) / 20_000 == pytest.approx(0.15, abs=0.01)
    assert len(parts.dev) / 20_000 == pytest.approx(0.05, abs=0.007)


def test_seeds_differ():
    assert set(split(texts(300), seed=0).test) != set(split(texts(300), seed=1).test)


def test_stratified_fractions_are_exact_in_each_label():
    labels = ["a"] * 100 + ["b"] * 40 + ["c"] * 20
    signal = Labelled.of({"text": [f"t{i}" for i in range(160)], "label": labels})
    parts = split(signal, stratify="label", dev=0.05, test=0.15)
    for label, (train, dev, test) in {"a": (80, 5, 15), "b": (32, 2, 6), "c": (16, 1, 3)}.items():
        counts = [sum(labels[r] == label for r in rows) for rows in (parts.train, parts.dev, parts.test)]
        assert counts == [train, dev, test]


def test_stratified_by_group_refuses_a_group_of_two_labels():
    signal = Labelled.of({"text": ["a", "b", "c"], "label": ["x", "y", "x"], "group": ["g", "g", "h"]})
    with pytest.raises(InputError, match="row 1 shares its `group`"):
        split(signal, by="group", stratify="label")


def test_a_source_name_works_too():
    pairs = Pairs.of(
        {"q": [f"q{i}" for i in range(50)], "a": list("xy") * 25}, columns={"anchor": "q", "positive": "a"}
    )
    by_source, by_role = split(pairs, by="q"), split(pairs, by="anchor")
    assert np.array_equal(by_source.train, by_role.train)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"dev": -0.1}, "`dev`"),
        ({"dev": 0.5, "test": 0.5}, "below 1"),
        ({"by": "grup"}, "Did you mean `group`"),
        ({"by": "group", "test": 0.99, "dev": 0}, "train part is empty"),
    ],
)
def test_refuses(arguments, match):
    with pytest.raises(InputError, match=match):
        split(texts(10, group=["g"] * 10), **arguments)


def test_an_empty_test_part_is_an_error():
    with pytest.raises(InputError, match=r"test part is empty: 6 rows make 1 group\(s\) by `group`"):
        split(texts(6, group=["h"] * 6), by="group", dev=0, test=0.01)


def test_a_row_without_a_group():
    with pytest.raises(DataError, match="row 2: `group` is missing"):
        split(texts(3, group=["g", None, "h"]), by="group")
