"""A codec in a table."""

from __future__ import annotations

import io

from rich.console import Console

from accord.reporting.codec import codec_tables

SAID = {
    "kind": "Sign", "settings": {}, "made_for": "0123456789abcdef", "similarity": "cosine", "dim": 384,
    "code_bytes": 48, "fidelity": None,
}  # fmt: skip


def shown(found: dict[str, object]) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(*codec_tables(found))
    return console.file.getvalue()


def test_says_what_a_code_costs() -> None:
    text = shown(SAID)
    for words in ("Sign()", "0123456789ab", "48 (1/32 of float32)", "Nothing was measured"):
        assert words in text
    assert "not known" in shown(SAID | {"made_for": ""})


def test_says_where_it_was_written() -> None:
    assert "Wrote here, fitted on 1,000 vectors." in shown(SAID | {"path": "here", "fitted_on": 1000})
