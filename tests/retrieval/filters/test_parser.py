"""The language of filters: what it reads, and where it says that it cannot."""

from __future__ import annotations

import pytest

from accord.core.errors import InputError
from accord.retrieval.filters import parse
from accord.retrieval.filters.parser import parse_field


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("year>=2020 AND lang='en'", "year >= 2020 and lang = 'en'"),
        ("a = 1 or b = 2 and not c = 3", "a = 1 or (b = 2 and not (c = 3))"),
        ("(a = 1 or b = 2) and c == 3", "(a = 1 or b = 2) and c = 3"),
        ("a != 1 and a <> 2", "not (a = 1) and not (a = 2)"),
        ("a not in (1, 'x', TRUE)", "not (a in (1, 'x', true))"),
        ("a not between -1 and +2.5e3", "not (a between -1 and 2500.0)"),
        ("author.name not like 'O''Neil%'", "not (author.name like 'O''Neil%')"),
        ("tags contains 'x' and tags is not null", "tags contains 'x' and not (tags is null)"),
        ('"last name"."in" = \'\'', '"last name"."in" = \'\''),
        ("日本_語 = '本' and doc-type = 'a' and @id = 1", "日本_語 = '本' and doc-type = 'a' and @id = 1"),
    ],
)
def test_reads(text, read):
    assert str(parse(text)) == read
    assert str(parse(read)) == read


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("year >=", 8, "a value is missing"),
        ("lang = en", 8, "single quotes: 'en'"),
        ('lang = "en"', 8, "single quotes: 'en'"),
        ("day > 2020-01-02", 7, "a date is a string"),
        ("a = 'x", 5, "has no closing '"),
        ('"a = 1', 1, 'has no closing "'),
        ("b = 2 and (a = 1", 11, "never closed"),
        ("a = 1)", 6, "closes nothing"),
        ("a = 1 b = 2", 7, "`and` or `or` is missing"),
        ("a = 1 2", 7, "follows a complete filter"),
        ("in = 3", 1, 'double quotes: "in"'),
        ("a in ()", 7, "a value is missing"),
        ("a in 1", 6, r"needs `\(`"),
        ("a between 1, 2", 12, "needs `and`"),
        ("a between 1 and 'x'", 3, "Give two of a kind"),
        ("open < true", 8, "no order"),
        ("x = null", 5, "is null"),
        ("x is 3", 6, "followed by `null`"),
        ("2020 <= year", 1, "a field comes first"),
        ("'x' = lang", 1, "a field comes first"),
        ("tags[0] = 1", 5, "no numbered parts"),
        ("a = 1 && b = 2", 7, "write `and`"),
        ("a = 1; DROP TABLE documents", 6, "means nothing"),
        ("a = 1 -- rest", 7, "means nothing"),
        ("id = 3", 6, "is a string in every document"),
        ("a like 3", 8, "needs a string"),
        ("a like 'x\\'", 8, "must not end"),
        ("a = 1e999", 5, "too large"),
        ("a. = 1", 4, "must follow the dot"),
        ("a", 2, "a comparison must follow"),
        ("a = 'x\0'", 5, "NUL"),
        ("(" * 13 + "a = 1" + ")" * 13, 14, "12 deep"),
    ],
)
def test_points_at_the_place(text, at, message):
    with pytest.raises(InputError, match=message) as caught:
        parse(text)
    head, shown, caret = str(caught.value).split("\n")
    assert f"character {at}:" in head
    assert len(shown) >= len(caret) - 1
    assert caret.index("^") - 2 == at - 1


def test_a_long_text_is_shown_around_the_place():
    with pytest.raises(InputError) as caught:
        parse(" and ".join(["a = 1"] * 100) + " and b = = 2 and " + "c = 1")
    _, shown, caret = str(caught.value).split("\n")
    assert len(shown) < 80
    assert shown[caret.index("^") :].startswith("= 2 and")


@pytest.mark.parametrize(
    ("value", "message"), [("  ", "empty"), (3, "text or a filter"), ("a" * 1_000_001, "1,000,001")]
)
def test_refuses_what_is_no_filter(value, message):
    with pytest.raises(InputError, match=message):
        parse(value)


def test_names_of_fields():
    assert parse_field('a."b ""c"""') == ("a", 'b "c"')
    for bad in ("", "a = 1", "'a'", 3):
        with pytest.raises(InputError):
            parse_field(bad)
