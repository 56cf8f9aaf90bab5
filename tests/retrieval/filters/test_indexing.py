"""Indexes over fields: the same answers, from fewer rows."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing

import pytest

from accord.core.errors import InputError
from accord.retrieval import verify
from accord.retrieval.documents import read_records
from accord.retrieval.files.schema import SCHEMA
from accord.retrieval.filters import condition, indexing, parse
from accord.retrieval.filters.indexing import drop_index, index_field, indexed_fields, through_index, trust_fields

VALUES = [None, True, False, 0, 1, 2, 1.5, 2**63, 2**70, "1", "a", "b", ["a", 1], [], [[1]], {"b": 1}, {"b": ["a"]}]
FILTERS = [
    "a = 1", "a = true", "a = 'a'", "a > 0 and c = 2", "a <= 1.5", "a >= 9223372036854775808", "a < 'b'",
    "a in (1, 'a', true)", "a in (1.5)", "a between 1 and 2", "a between 'a' and 'b'", "a.b = 1", "a.b >= 'a'",
    "c = 1 and (a = 1 and a.b is null)",
    "a != 1", "not (a = 1 and c = 1)", "a = 1 or c = 2", "a is null", "a contains 1", "text = 'x' and a = 1",
]  # fmt: skip


@pytest.fixture
def connection():
    generator = random.Random(5)
    with closing(sqlite3.connect(":memory:")) as made:
        made.executescript(SCHEMA)
        records = [
            {"id": f"d{n}", "text": "x", "c": generator.randrange(3), "A": n}
            | ({"a": generator.choice(VALUES)} if n % 5 else {})
            for n in range(400)
        ]
        cells = (row.values(slot) for slot, row in enumerate(read_records(records)))
        made.executemany("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)", cells)
        yield made


def slots(connection, made):
    return [slot for (slot,) in connection.execute(f"SELECT slot FROM documents WHERE {made.sql}", made.parameters)]


@pytest.mark.parametrize("text", FILTERS)
def test_answers_are_the_same_with_an_index(connection, text, monkeypatch):
    monkeypatch.setattr(indexing, "_SHARE", 1)
    where = parse(text)
    made = condition(where)
    wanted = slots(connection, made)
    assert through_index(connection, where, made) is made
    for name in ("a", "a.b", "c"):
        index_field(connection, name)
    led = through_index(connection, where, made)
    assert (led is made) == (not list(indexing._conjuncts(where)))
    assert sorted(slots(connection, led)) == wanted


def test_the_rarest_test_leads_and_a_common_one_does_not(connection):
    index_field(connection, "a")
    index_field(connection, "A")
    where = parse("c != 9 and A < 30 and A > 25")
    led = through_index(connection, where, condition(where))
    assert "A" in led.sql.partition("UNION")[0]
    assert slots(connection, led) == [26, 27, 28, 29]
    query = f"EXPLAIN QUERY PLAN SELECT slot FROM documents WHERE {led.sql}"
    plan = " ".join(map(str, connection.execute(query, led.parameters)))
    assert "USING INDEX field_" in plan
    common = parse("A > 5")
    made = condition(common)
    assert through_index(connection, common, made) is made


def test_the_database_keeps_an_index_up(connection):
    index_field(connection, "A")
    where = parse("A = 7")
    connection.execute("DELETE FROM documents WHERE slot = 7")
    assert slots(connection, through_index(connection, where, condition(where))) == []
    row = read_records([{"id": "new", "text": "x", "A": 7}])[0]
    connection.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)", row.values(1000))
    assert slots(connection, through_index(connection, where, condition(where))) == [1000]


def test_fields_are_told_apart_and_let_go(connection):
    assert index_field(connection, "a")
    assert index_field(connection, "A")
    assert index_field(connection, "a.b-c")
    assert not index_field(connection, "a")
    assert indexed_fields(connection) == ["A", "a", "a.b-c"]
    assert drop_index(connection, "A")
    assert not drop_index(connection, "A")
    assert indexed_fields(connection) == ["a", "a.b-c"]


@pytest.mark.parametrize(
    "name", ["id", "text", "title", '"a b"', '"a\'b"', '"in"', "", "a.", "a b", "a); DROP TABLE documents; --"]
)
def test_other_names_are_refused(connection, name):
    with pytest.raises(InputError):
        index_field(connection, name)
    assert indexed_fields(connection) == []


def test_a_store_indexes_fields_and_stays_whole(filled, rng):
    query = rng.standard_normal(8)
    wanted = [hit.id for hit in filled.search(query, where="n < 12 and n > 3", k=30)]
    with filled.write() as writer:
        assert writer.index_field("n")
        assert not writer.index_field("n")
        with pytest.raises(InputError, match="double quotes"):
            writer.index_field('"a b"')
    assert verify(filled.path).ok
    assert filled.version == 4
    assert [hit.id for hit in filled.search(query, where="n < 12 and n > 3", k=30)] == wanted
    with filled.write() as writer:
        writer.add([{"id": "new", "text": "t", "n": 5}], rng.standard_normal((1, 8)))
        writer.delete(["d04"])
    assert {hit.id for hit in filled.search(query, where="n = 5 or n = 4")} == {"d05", "new"}
    assert {hit.id for hit in filled.search(query, where="n in (4, 5)")} == {"d05", "new"}
    with filled.write() as writer:
        assert writer.drop_index("n")
        assert not writer.drop_index("n")
    assert verify(filled.path).ok


def test_an_index_that_accord_did_not_make_is_found(filled):
    with closing(sqlite3.connect(filled.path / "store.sqlite")) as database:
        database.execute("CREATE INDEX field_x ON documents(json_extract(metadata, '$.\"n\"'))")
    assert not verify(filled.path).ok


def test_deletes_by_filter(filled, rng):
    with filled.write() as writer:
        writer.add([{"id": "new", "text": "t", "n": 3}], rng.standard_normal((1, 8)))
        assert writer.delete(where="n < 5") == 6
        assert writer.delete(where="n < 5 and not id = 'x'") == 0
        with pytest.raises(InputError, match="either ids or"):
            writer.delete()
        with pytest.raises(InputError, match="either ids or"):
            writer.delete(["d09"], where="n = 1")
        with pytest.raises(InputError, match="Did you mean `n`"):
            writer.delete(where="nn = 9")
    assert filled.ids() == [f"d{n:02}" for n in range(5, 30)]
    assert verify(filled.path).ok


@pytest.mark.parametrize(
    ("more", "trusted"),
    [
        ("SELECT 1", 1),
        ("CREATE TRIGGER t AFTER DELETE ON documents BEGIN SELECT json_extract('[]', '$'); END", 0),
        ("CREATE VIEW v AS SELECT json_extract(metadata, '$') FROM documents", 0),
        ("CREATE INDEX field_x ON documents(json_extract(metadata, '$') || 'x')", 0),
    ],
)
def test_a_schema_is_trusted_for_indexes_over_fields_alone(connection, more, trusted):
    trust_fields(connection)
    assert connection.execute("PRAGMA trusted_schema").fetchone() == (0,)
    index_field(connection, "a")
    connection.execute(more)
    trust_fields(connection)
    assert connection.execute("PRAGMA trusted_schema").fetchone() == (trusted,)
