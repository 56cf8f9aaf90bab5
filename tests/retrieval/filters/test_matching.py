"""Filters find what a plain reading of them finds, over documents of every shape."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from retrieval.filters.plain_oracle import passes

from accord.retrieval import Store
from accord.retrieval.documents import read_records
from accord.retrieval.files.schema import SCHEMA
from accord.retrieval.filters import And, Between, Compare, Contains, IsNull, Like, Not, OneOf, Or, parse
from accord.retrieval.filters.matching import matching_slots
from accord.retrieval.filters.sql import condition

ODD_KEYS = ["a b", 'odd"key', "back\\slash", "été\n", "", "$.year"]
KEYS = st.sampled_from(["year", "lang", "naïve"]) | st.sampled_from(ODD_KEYS)
MANY_NUMBERS = [-1, 0, 1, 2, 2.0, 1.5, 0.1, 0.30000000000000004, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**70, 10**400]
MANY_STRINGS = ["", "e", "en", "EN", "2", "2020-01-02", "%", "a_b", "it's", '"', "\\", "é", "É", "日本", "\n", "true"]
MANY_PATTERNS = ["%", "e%", "_n", "%é%", "\\%", "a\\_b", "2020%", "", "%\\\\", "_", "__"]
NUMBERS = st.sampled_from(MANY_NUMBERS)
STRINGS = st.sampled_from(MANY_STRINGS)
SCALARS = st.one_of(NUMBERS, STRINGS, st.booleans())
VALUES = st.recursive(
    SCALARS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=5,
)
RECORDS = st.lists(st.dictionaries(KEYS, VALUES, max_size=4), min_size=1, max_size=8)
FIELDS = st.tuples(KEYS) | st.tuples(KEYS, KEYS)
ORDERED = st.sampled_from(["<", "<=", ">", ">="])
PATTERNS = st.sampled_from(MANY_PATTERNS)
COLUMN = st.sampled_from([("id",), ("title",), ("text",)])
TESTS = st.one_of(
    st.builds(Compare, FIELDS, st.just("="), SCALARS),
    st.builds(Compare, FIELDS, ORDERED, NUMBERS | STRINGS),
    st.builds(Compare, COLUMN, ORDERED, STRINGS),
    st.builds(OneOf, FIELDS, st.lists(SCALARS, min_size=1, max_size=3).map(tuple)),
    st.builds(Between, FIELDS, NUMBERS, NUMBERS),
    st.builds(Between, FIELDS | COLUMN, STRINGS, STRINGS),
    st.builds(Like, FIELDS | COLUMN, PATTERNS),
    st.builds(Contains, FIELDS, SCALARS),
    st.builds(Contains, COLUMN, STRINGS),
    st.builds(IsNull, FIELDS | COLUMN),
)
FILTERS = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=4,
)


def table_of(records):
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    cells = (row.values(slot) for slot, row in enumerate(read_records(records)))
    connection.executemany("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)", cells)
    return connection


@settings(max_examples=60, deadline=None)
@given(RECORDS, FILTERS)
def test_agrees_with_a_plain_reading(metadata, where):
    records = [
        {"text": ["a text", "EN", "%"][n % 3], "title": ["", "en"][n % 2], **extra, "id": f"d{n}"}
        for n, extra in enumerate(metadata)
    ]
    expected = [n for n, record in enumerate(records) if passes(where, record)]
    with closing(table_of(records)) as connection:
        assert matching_slots(connection, condition(where)).tolist() == expected


@pytest.mark.parametrize("keys", [("k",), ('k"',), ("in", "k"), ("in", 'k"'), ('in"', "k")])
def test_every_test_of_every_value_agrees_with_a_plain_reading(keys):
    scalars = [*MANY_NUMBERS, *MANY_STRINGS, True, False, None]
    lists = [[], [[]], [{}], [["en"]], [None], ["en", 1], [1, True], [False], [2**63, "%"], ["EN", None], [0.1, "a_b"]]
    values = [*scalars, *lists, {}, {"k": 1}, {"k": "en", 'k"': 2}]
    records = [{"text": "t", keys[0]: value if len(keys) == 1 else {keys[1]: value}} for value in values]
    records += [{"text": "none"}, {"text": "flat", keys[0]: "en"}, {"text": "list", keys[0]: [{"k": 1}]}]
    records = [{**record, "id": f"d{n}"} for n, record in enumerate(records)]
    tests = [make(keys, value) for value in scalars[:-1] for make in (Contains, lambda k, v: Compare(k, "=", v))]
    tests += [Compare(keys, sign, v) for v in MANY_NUMBERS + MANY_STRINGS for sign in ("<", "<=", ">", ">=")]
    tests += [Between(keys, 0, 2), Between(keys, 1.5, 2**64), Between(keys, "2", "en"), Between(keys, "x", "a")]
    tests += [OneOf(keys, (1, "en", True)), OneOf(keys, (2**63, 0.1)), OneOf(keys, ("%", "\n", "日本")), IsNull(keys)]
    tests += [Like(keys, pattern) for pattern in MANY_PATTERNS]
    with closing(table_of(records)) as connection:
        for where in tests:
            expected = [n for n, record in enumerate(records) if passes(where, record)]
            assert matching_slots(connection, condition(where)).tolist() == expected, str(where)


@settings(max_examples=40, deadline=None)
@given(FILTERS)
def test_a_filter_reads_back_from_its_text(where):
    assert str(parse(str(where))) == str(where)
    assert repr(parse(str(where))) == repr(where)


def test_the_deepest_and_the_widest_filter_runs():
    deep = OneOf(("a", 'd"', "c"), (1, "x", True))
    for _ in range(13):
        deep = Or((IsNull(("b",)), And((Contains(("a",), 3), deep))))
    wide = Or(tuple(Contains(("a",), n) for n in range(299)))
    record = {"text": "x", "a": 1}
    with closing(table_of([record])) as connection:
        for where in (deep, wide, parse("(" * 12 + "a = 1" + ")" * 12), parse("not " * 12 + "a = 1")):
            assert matching_slots(connection, condition(where)).tolist() == [0] * passes(where, record)
    for where in (~deep, Or((*wide.parts, *wide.parts))):
        with pytest.raises(ValueError, match=r"12 deep|300 tests"):
            condition(where)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    rng = np.random.default_rng(5)
    with Store.create(tmp_path_factory.mktemp("filters") / "store", model={"dim": 8}) as store:
        for first, last in ((0, 700), (700, 1000), (1000, 1010)):
            with store.write() as writer:
                writer.add(
                    [
                        {"id": f"d{n:04}", "text": "t", "n": n, "part": n % 10, "tags": ["x"]}
                        for n in range(first, last)
                    ],
                    rng.standard_normal((last - first, 8)),
                )
        with store.write() as writer:
            writer.delete([f"d{n:04}" for n in range(0, 1010, 7)])
        yield store


@pytest.mark.parametrize("where", ["n >= 0", "n < 505", "part = 3", "n between 40 and 52", "n = 41", "n = 7", "n < 0"])
@pytest.mark.parametrize("k", [1, 10, 2000])
def test_exactly_as_many_as_there_are_at_any_selectivity(store, rng, where, k):
    queries = rng.standard_normal((3, 8)).astype(np.float32)
    alive = {name: n for name in store.ids() if passes(parse(where), {"n": (n := int(name[1:])), "part": n % 10})}
    names, scores = store.search_vectors(queries, k, where=where)
    every, all_scores = store.search_vectors(queries, len(store))
    assert scores.shape == (3, min(k, len(alive)))
    for found, values, ordered, expected in zip(names, scores, every, all_scores):
        kept = [(name, score) for name, score in zip(ordered, expected.tolist()) if name in alive][:k]
        assert list(zip(found, values.tolist())) == kept
    assert [hit.id for hit in store.search(queries[0], k, where=where)] == names[0]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 1100),
    st.integers(-5, 1015),
    st.integers(0, 1015),
    st.sets(st.integers(0, 10), min_size=1),
    st.integers(1, 20),
    st.booleans(),
)
def test_exactly_as_many_as_there_are_whatever_the_filter(store, k, low, width, parts, queries, outside):
    where = Between(("n",), low, low + width) & OneOf(("part",), tuple(sorted(parts)))
    where = ~where if outside else where
    alive = {name for name in store.ids() if passes(where, {"n": int(name[1:]), "part": int(name[1:]) % 10})}
    names, scores = store.search_vectors(np.random.default_rng(k).standard_normal((queries, 8)), k, where=where)
    assert scores.shape == (queries, min(k, len(alive)))
    assert all(len(set(found)) == scores.shape[1] and alive.issuperset(found) for found in names)


@pytest.mark.parametrize("rescore", [None, False, 1])
def test_codes_are_filtered_before_they_are_ranked(coded, rng, rescore):
    query = rng.standard_normal((1, 8))
    for where, count in (("id = 'd07'", 1), ("id in ('d01', 'd22')", 2), ("id < 'd20'", 20), ("id > 'x'", 0)):
        names, scores = coded.search_vectors(query, 25, where=where, rescore=rescore)
        assert len(names[0]) == count == scores.shape[1]
        assert all(passes(parse(where), {"id": name}) for name in names[0])


def test_answers_are_remembered_for_a_commit_and_not_beyond(filled):
    snapshot = filled._current()
    first = snapshot.matching("n < 5")
    assert snapshot.matching(parse("n<5")) is first
    assert not first.flags.writeable
    for n in range(20):
        snapshot.matching(f"n = {n}")
    assert snapshot.matching("n < 5") is not first
    with filled.write() as writer:
        writer.delete(["d03"])
    assert len(filled._current().matching("n < 5")) == 4
    assert snapshot.matching("n < 5").tolist() == first.tolist()


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("langg = 'en'", "no document of this store has the field `langg`.* Did you mean `lang`"),
        ("lang = 'en' or yeer > 3", "Did you mean `year`"),
        ("author.nam = 'x'", "Did you mean `author.name`"),
        ("year = '2020'", "`year` holds numbers in this store, and '2020' is a string. Write 2020 without quotes"),
        ("lang > 3", "`lang` holds strings in this store, and 3 is a number. Write '3' in quotes"),
        ("lang = true", "`lang` holds strings in this store, and true is neither"),
        ("author = 'x'", "Name a key in it, such as `author.key`"),
        ('"odd\\" = 1', "no document of this store has the field"),
        ('"odd""" = \'x\'', "holds numbers"),
    ],
)
def test_fields_that_cannot_match_are_named(empty, rows, rng, where, message):
    with empty.write() as writer:
        writer.add(
            [{"text": "a", "year": 2020, "lang": "en", "author": {"name": "x"}, 'odd"': 1, "void": None}], rows(rng, 1)
        )
    with pytest.raises(ValueError, match=message):
        empty.search(rows(rng, 1)[0], where=where)
    assert empty.search(rows(rng, 1)[0], where="void = 3") == []
    assert len(empty.search(rows(rng, 1)[0], where="tit = 1 or year > 1".replace("tit = 1", "title is null"))) == 1


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE documents; --", "x' OR '1'='1", '" OR 1=1', "?", "$.year", "%'; ATTACH 'x' AS y; --"]
)
def test_nothing_in_a_value_or_a_name_is_executed(filled, rng, text):
    where = Compare(("n",), "=", text) | Compare((text,), "=", 1) | Compare(("id",), "=", text)
    with closing(table_of([{"text": text, "id": text, text: 1}, {"text": "x"}])) as connection:
        assert matching_slots(connection, condition(where)).tolist() == [0]
        assert connection.execute("SELECT count(*) FROM documents").fetchone() == (2,)
    with pytest.raises(ValueError, match=r"holds numbers|no document"):
        filled.search(rng.standard_normal(8), where=where)
    assert len(filled) == 30
