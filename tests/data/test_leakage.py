import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.data.leakage import find_leaks, normalise
from accord.data.signals import Labelled, Pairs, Ranked, Unlabelled

words = st.sampled_from(["a cat", "A  CAT", "\uff41 cat", "dog", "Dog ", "straße", "STRASSE", "x"])
columns = st.lists(words, min_size=1, max_size=6)


def slow(text):
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(text.split())


@given(st.text(max_size=20))
def test_normalise_is_idempotent_and_equals_the_long_way(text):
    assert normalise(text) == slow(text) == normalise(normalise(text))


@given(st.fixed_dictionaries({name: st.tuples(columns, columns) for name in ("one", "two")}))
def test_equals_a_plain_search(tasks):
    parts = {
        name: {"train": Unlabelled.of({"text": train}), "test": Unlabelled.of({"text": test})}
        for name, (train, test) in tasks.items()
    }
    leaks = find_leaks(parts)
    held = {slow(text) for _, test in tasks.values() for text in test}
    for name, (train, _) in tasks.items():
        assert leaks.keep[name].tolist() == [i for i, text in enumerate(train) if slow(text) not in held]
        assert leaks.dropped[name] == len(train) - len(leaks.keep[name])


def test_any_text_column_of_any_task_counts():
    train = {
        "pairs": Pairs.of(
            {"anchor": ["a", "b", "c", "d"], "positive": ["A1", "B1", "C1", "D1"], "negative": list("wxyz")}
        ),
        "ranked": Ranked.of({"query": ["q", "r"], "pos": [["p1", "p2"], ["p3"]], "neg": [["n1"], ["n2", "held"]]}),
    }
    test = Labelled.of({"text": ["HELD", "b1", "y"], "label": ["l", "m", "l"]})
    leaks = find_leaks({name: {"train": t} for name, t in train.items()} | {"topic": {"test": test}})
    assert leaks.keep["pairs"].tolist() == [0, 3]
    assert leaks.keep["ranked"].tolist() == [0]
    assert leaks.count == 3 and "topic" not in leaks.keep
    assert {(r["task"], r["held_out_by"], r["kind"], r["count"]) for r in leaks.rows} == {
        ("pairs", "topic", "text", 2),
        ("ranked", "topic", "text", 1),
    }


def test_a_label_and_a_corpus_are_no_texts():
    test = Pairs.of({"anchor": ["q"], "positive": ["p"]}).with_corpus(Unlabelled.of({"text": ["seen", "p"]}).table)
    train = Labelled.of({"text": ["seen", "other"], "label": ["q", "p"]})
    assert find_leaks({"a": {"train": train}, "b": {"test": test}}).count == 0


def test_ids_count_only_within_a_source():
    def tasks():
        here = Unlabelled.of({"id": ["1", "2"], "text": ["one", "two"]})
        there = Unlabelled.of({"id": ["2", "3"], "text": ["zwei", "drei"]})
        return {"here": {"train": here}, "there": {"dev": there}}

    apart = find_leaks(tasks(), sources={"here": "x", "there": "y"})
    assert apart.count == 0 and apart.rows == [] and find_leaks(tasks()).count == 0
    together = find_leaks(tasks(), sources={"here": "x", "there": "x"})
    assert together.keep["here"].tolist() == [0]
    assert together.rows == [{"task": "here", "held_out_by": "there", "kind": "id", "count": 1}]


def test_parts_may_come_from_sources_of_their_own():
    def part(*texts):
        return Unlabelled.of({"text": list(texts)})  # ids 0, 1, ...

    tasks = {"a": {"train": part("x", "y"), "test": part("z")}, "b": {"train": part("v", "w"), "test": part("u")}}
    apart = {name: {"train": f"{name}.train", "test": f"{name}.test"} for name in tasks}
    assert find_leaks(tasks, sources=apart).count == 0
    crossed = find_leaks(tasks, sources=apart | {"b": {"train": "b.train", "test": "a.train"}})
    assert crossed.rows == [{"task": "a", "held_out_by": "b", "kind": "id", "count": 1}]
    assert find_leaks({"a": tasks["a"]}, sources={"a": "a.train+a.test"}).count == 0


def test_dev_in_test_is_reported_and_nothing_dropped():
    def part(*found):
        return Unlabelled.of({"text": list(found)})

    leaks = find_leaks({"t": {"train": part("a", "b"), "dev": part("c", "d"), "test": part("D", "e")}})
    assert leaks.rows == [{"task": "t", "held_out_by": "t", "kind": "dev/test", "count": 1}]
    assert leaks.count == 0 and leaks.keep["t"].tolist() == [0, 1]


def test_a_row_held_out_twice_is_counted_once():
    def part(text):
        return Unlabelled.of({"text": [text]})

    leaks = find_leaks({"a": {"train": part("x"), "test": part("x")}, "b": {"test": part("X")}})
    assert leaks.count == 1 and sum(r["count"] for r in leaks.rows) == 2
    assert leaks.keep["a"].dtype == np.int64 and not len(leaks.keep["a"])


def test_refuses_a_part_by_another_name():
    with pytest.raises(InputError, match="'valid'"):
        find_leaks({"t": {"valid": Unlabelled.of({"text": ["a"]})}})
