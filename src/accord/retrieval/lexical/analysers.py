"""From a text to the terms that are counted: one analyser for documents and queries, so that both agree."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from functools import cache

from accord.core.checks import check_choice
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["STOP_WORDS", "TOKENIZERS", "Analyser"]

TOKENIZERS: Mapping[str, str] = {
    "unicode61": "unicode61 remove_diacritics 2",
    "porter": "porter unicode61 remove_diacritics 2",
    "trigram": "trigram",
}
"""Names of tokenisers -> how SQLite is told of them."""
STOP_WORDS = ("none", "english")
_TABLE = "CREATE VIRTUAL TABLE analysed USING fts5(text, content='', tokenize='{}')"
_TERMS = "CREATE VIRTUAL TABLE terms USING fts5vocab(analysed, instance)"


class Analyser(Described):
    """How a store turns texts into terms; part of the store, because its index holds the terms.

    | tokeniser | terms | when |
    |---|---|---|
    | unicode61 | words in lower case without accents | any language that writes spaces; names, code, numbers |
    | porter | the same, cut to English stems: *running* finds *runs* | English prose |
    | trigram | every three characters in a row | languages without spaces; parts of words; long identifiers |

    Porter's stems help where a question and a document use other forms of a word, and join words that only look
    related (*universe* and *university*). Trigrams find parts of words, make the index several times larger, and
    cannot find a word of fewer than three characters.

    Stop words are left out of queries only: they stay in the index, where they count for the length of a document as
    in any other BM25, and a query of nothing else is searched as it is. Leaving them out saves the reading of their
    long lists; what is found hardly changes, because BM25 gives such words little weight anyway.

    Reference: the tokenisers of SQLite FTS5 (sqlite.org/fts5.html, section 4.3); Porter (1980), Program 14, An
    algorithm for suffix stripping.

    Args:
        tokenizer: "unicode61", "porter" or "trigram".
        stop_words: "none", or "english" for the list of scikit-learn.

    Raises:
        InputError: another word.

    >>> Analyser("porter", stop_words="english").query_terms('Where are the "running" Cafés?')
    ['run', 'cafe']
    """

    def __init__(self, tokenizer: str = "unicode61", *, stop_words: str = "none") -> None:
        check_choice("tokenizer", tokenizer, TOKENIZERS)
        check_choice("stop_words", stop_words, STOP_WORDS)
        self.tokenizer = tokenizer
        self.stop_words = stop_words

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Analyser:
        """The analyser that a store names in its settings.

        Args:
            settings: `tokenize`, as SQLite spells it, and `stop_words`.

        Raises:
            InputError: a tokeniser of a newer accord.
        """
        named = {sql: name for name, sql in TOKENIZERS.items()}
        found = settings.get("tokenize", "")
        if found not in named:
            raise InputError(f"The store cuts its texts by {found!r}, which this accord does not know. Upgrade accord.")
        return cls(named[found], stop_words=settings.get("stop_words", "none"))

    @property
    def settings(self) -> dict[str, str]:
        """What a store keeps of it."""
        return {"tokenize": self.sql, "stop_words": self.stop_words}

    @property
    def sql(self) -> str:
        """What a full-text table of SQLite is given as `tokenize`."""
        return TOKENIZERS[self.tokenizer]

    def terms(self, texts: Sequence[str]) -> list[list[str]]:
        """The terms of each text as they stand in the index, in their order.

        Raises:
            InputError: a text that is not valid Unicode.
        """
        return _tokens(self.sql).read(texts)

    def query_terms(self, query: str) -> list[str]:
        """The terms of a query; everything in it is a word, whatever it means to a query language.

        Raises:
            InputError: nothing is left of it.
        """
        (found,) = self.terms([query])
        if not found:
            least = " Terms of this store are three characters long." if self.tokenizer == "trigram" else ""
            raise InputError(f"`query` must hold a word to search for. Got {query!r:.80}, which has none.{least}")
        if self.stop_words == "none":
            return found
        return [term for term in found if term not in self.stops()] or found

    def stops(self) -> frozenset[str]:
        """Terms of the English stop words, whether queries leave them out or not."""
        return _stops(self.sql)


class _Tokens:
    """SQLite's own tokeniser, asked through an empty table in memory."""

    def __init__(self, tokenize: str) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._connection.execute(_TABLE.format(tokenize))
        self._connection.execute(_TERMS)

    def read(self, texts: Sequence[str]) -> list[list[str]]:
        """Terms of each text."""
        found: list[list[str]] = [[] for _ in texts]
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                self._connection.executemany("INSERT INTO analysed(rowid, text) VALUES (?, ?)", enumerate(texts))
                rows = self._connection.execute("SELECT doc, term FROM terms ORDER BY doc, offset")
                for number, term in rows:
                    found[number].append(term)
            except UnicodeEncodeError as error:
                raise InputError(f"The text is not valid Unicode ({error.reason}).") from error
            finally:
                self._connection.execute("ROLLBACK")
        return found


@cache
def _tokens(tokenize: str) -> _Tokens:
    return _Tokens(tokenize)


@cache
def _stops(tokenize: str) -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset(term for terms in _tokens(tokenize).read(sorted(ENGLISH_STOP_WORDS)) for term in terms)
