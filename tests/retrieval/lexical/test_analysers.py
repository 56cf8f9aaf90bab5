"""Terms: as the index holds them, whatever the text is."""

import sqlite3

import pytest

from accord.core.errors import InputError
from accord.retrieval.lexical import Analyser

TEXTS = ['The running Cafés, don\'t "stop"!', "été ÉTÉ Ete", "", "x\0y NEAR(a b) title:z -w *", "日本語 text_with_9"]


@pytest.mark.parametrize("tokenizer", ["unicode61", "porter", "trigram"])
def test_terms_are_those_of_an_index_of_the_same_kind(tokenizer):
    analyser = Analyser(tokenizer)
    with sqlite3.connect(":memory:") as plain:
        plain.execute(f"CREATE VIRTUAL TABLE held USING fts5(text, tokenize='{analyser.sql}')")
        plain.execute("CREATE VIRTUAL TABLE found USING fts5vocab(held, instance)")
        for number, text in enumerate(TEXTS):
            plain.execute("INSERT INTO held (rowid, text) VALUES (?, ?)", (number, text))
            rows = plain.execute("SELECT term FROM found WHERE doc = ? ORDER BY offset", (number,)).fetchall()
            assert analyser.terms([text]) == [[term for (term,) in rows]]
    plain.close()
    assert analyser.terms(TEXTS) == [analyser.terms([text])[0] for text in TEXTS]


def test_what_a_query_language_would_read_is_plain_words():
    query = '"quoted" OR NEAR(a, b) title:x -not (AND) *; DROP TABLE documents; --'
    assert " ".join(Analyser().query_terms(query)) == "quoted or near a b title x not and drop table documents"


def test_a_query_without_terms_says_so():
    for query in ("?!", "  ", '""', "--"):
        with pytest.raises(InputError, match="must hold a word"):
            Analyser().query_terms(query)
    with pytest.raises(InputError, match="three characters"):
        Analyser("trigram").query_terms("ab")


def test_stop_words_leave_queries_unless_nothing_else_is_there():
    analyser = Analyser("porter", stop_words="english")
    assert analyser.query_terms("who is the running man") == ["run", "man"]
    assert analyser.query_terms("to be or not to be") == ["to", "be", "or", "not", "to", "be"]
    assert analyser.terms(["the man"]) == [["the", "man"]]


def test_settings_read_back():
    for tokenizer in ("unicode61", "porter", "trigram"):
        made = Analyser(tokenizer, stop_words="english")
        assert repr(Analyser.of(made.settings)) == repr(made)
    assert repr(Analyser.of({"tokenize": Analyser().sql})) == "Analyser()"
    with pytest.raises(InputError, match="Upgrade accord"):
        Analyser.of({"tokenize": "icu"})


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="tokenizer"):
        Analyser("klingon")
    with pytest.raises(InputError, match="stop_words"):
        Analyser(stop_words="klingon")
    with pytest.raises(InputError, match="Unicode"):
        Analyser().query_terms("a \ud800")
    assert Analyser().query_terms("still fine") == ["still", "fine"]
