"""Names of languages, territories and currencies in many languages, beside their English names."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from accord.core.checks import check_choice
from accord.core.errors import InputError, require
from accord.core.progress import Progress, silent
from accord.core.spec import Described

__all__ = ["BabelNames"]

KINDS = ("languages", "territories", "currencies")


class BabelNames(Described):
    """Cross-lingual pairs from the tables of the package babel: nothing is downloaded.

    Columns: id, name (in the other language), english, entity (the same for a thing in every language), kind, language.
    Names that equal the English one but for case are dropped: nothing can be learnt from them.

    Reference: Unicode Common Locale Data Repository, through babel.

    Args:
        languages: locales such as "de" or "pt_BR".
        kinds: of "languages", "territories", "currencies".

    >>> table = BabelNames(["de"], kinds=["territories"]).load()
    >>> [row["name"] for row in table.to_pylist() if row["english"] == "Germany"]
    ['Deutschland']
    """

    def __init__(self, languages: Sequence[str], kinds: Sequence[str] = KINDS) -> None:
        for name, value in (("languages", languages), ("kinds", kinds)):
            if isinstance(value, str) or not value or len(set(value)) < len(value):
                raise InputError(f"`{name}` must list at least one name, none twice. Got {value!r} instead.")
        for kind in kinds:
            check_choice("kinds", kind, KINDS)
        self.languages = list(languages)
        self.kinds = list(kinds)

    def load(self, progress: Progress = silent) -> pa.Table:
        """Read the names from the installed package.

        Raises:
            InputError: babel does not know a language, or no name differs from its English one.
        """
        babel = require("babel", extra="demo", purpose="BabelNames")
        english = babel.Locale("en")
        rows: list[dict[str, str]] = []
        with progress("read names", total=len(self.languages), unit="languages") as advance:
            for language in self.languages:
                locale = _locale(babel, language)
                for kind in self.kinds:
                    rows.extend(_names(locale, english, language, kind))
                advance(1)
        if not rows:
            raise InputError(
                f"`languages`: in {', '.join(self.languages)} no name differs from its English one. Add a language."
            )
        return pa.Table.from_pylist(rows)


def _names(locale: Any, english: Any, language: str, kind: str) -> list[dict[str, str]]:
    names, originals = getattr(locale, kind), getattr(english, kind)
    return [
        {
            "id": f"{kind}/{code}/{language}",
            "name": names[code],
            "english": originals[code],
            "entity": f"{kind}/{code}",
            "kind": kind,
            "language": language,
        }
        for code in sorted(set(names) & set(originals))
        if names[code].strip() and _plain(names[code]) != _plain(originals[code])
    ]


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _locale(babel: Any, language: str) -> Any:
    try:
        return babel.Locale.parse(language)
    except (ValueError, babel.UnknownLocaleError) as error:
        raise InputError(f"`languages`: babel does not know {language!r} ({error}).") from error
