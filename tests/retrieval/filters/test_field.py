"""Filters written in Python equal those written as text."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.retrieval.filters import And, Compare, Field, parse

year, lang = Field("year"), Field("author.lang")


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (year == 2020, "year = 2020"),
        (year != 2020, "year != 2020"),
        (
            (year > 1) & (year >= 2) & (year < np.int64(3)) & (year <= 4.5),
            "year > 1 and year >= 2 and year < 3 and year <= 4.5",
        ),
        ((year == 1) | (year == 2) | ~(lang == "en"), "year = 1 or year = 2 or not author.lang = 'en'"),
        (lang.one_of(["en", "de"]), "author.lang in ('en', 'de')"),
        (year.between(1, 2), "year between 1 and 2"),
        (lang.like("e%"), "author.lang like 'e%'"),
        (lang.contains("e"), "author.lang contains 'e'"),
        (lang.is_null(), "author.lang is null"),
        (Field('"a b"') >= datetime.date(2024, 1, 2), "\"a b\" >= '2024-01-02'"),
    ],
)
def test_equals_its_text(made, text):
    assert made == parse(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: year == None,  # noqa: E711
        lambda: year > [1],
        lambda: year > float("nan"),
        lambda: year >= True,
        lambda: lang.one_of("en"),
        lambda: lang.one_of([]),
        lambda: lang == "\ud800",
        lambda: Field("id") == 3,
        lambda: bool((year > 1) and (year < 2)),
        lambda: 1 < year < 3,
        lambda: (year > 1) & "year < 3",
        lambda: And(()),
        lambda: Compare(("a",), "~", 1),
    ],
)
def test_refuses(make):
    with pytest.raises(InputError):
        make()
