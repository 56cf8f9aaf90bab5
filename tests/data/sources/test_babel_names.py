import sys

import pytest

from accord.core.errors import InputError, MissingExtra
from accord.data import split
from accord.data.signals import Pairs
from accord.data.sources import BabelNames

pytest.importorskip("babel")


def test_names_of_things_in_two_languages():
    rows = BabelNames(["de", "fr"]).load().to_pylist()
    named = {(row["language"], row["entity"]): (row["name"], row["english"]) for row in rows}
    assert named["de", "territories/DE"] == ("Deutschland", "Germany")
    assert named["fr", "currencies/USD"] == ("dollar des États-Unis", "US Dollar")
    assert named["fr", "languages/de"] == ("allemand", "German")
    assert len({row["id"] for row in rows}) == len(rows) > 1000
    assert {row["kind"] for row in rows} == {"languages", "territories", "currencies"}


def test_names_that_differ_in_case_alone_are_dropped():
    rows = BabelNames(["nl", "sv"], kinds=["languages"]).load().to_pylist()
    assert rows and all(row["name"].casefold() != row["english"].casefold() for row in rows)


def test_an_entity_never_straddles_a_split():
    pairs = Pairs.of(BabelNames(["de", "es"]).load(), columns={"anchor": "name", "positive": "english"})
    parts = split(pairs, by="entity")
    entities = pairs.column("entity")
    assert not {entities[r] for r in parts.train} & {entities[r] for r in parts.test}


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"languages": "de"}, "`languages` must list"),
        ({"languages": []}, "`languages` must list"),
        ({"languages": ["de", "de"]}, "none twice"),
        ({"languages": ["de"], "kinds": ["territory"]}, "Did you mean `territories`"),
    ],
)
def test_refuses(arguments, match):
    with pytest.raises(InputError, match=match):
        BabelNames(**arguments)


def test_a_language_that_babel_does_not_know():
    with pytest.raises(InputError, match="babel does not know 'xx'"):
        BabelNames(["xx"]).load()


def test_english_has_nothing_to_learn():
    with pytest.raises(InputError, match="no name differs"):
        BabelNames(["en"]).load()


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "babel", None)
    with pytest.raises(MissingExtra, match=r"accord\[demo\]"):
        BabelNames(["de"]).load()
