"""The parts of a README that differ for a cross-encoder: what it is, and how to use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accord.encoders.markdown import code, escape, fenced, table

__all__ = ["PIPELINE", "loading_of_pairs", "title_of_pairs", "what_pairs_are"]

PIPELINE = {
    "library_name": "sentence-transformers",
    "pipeline_tag": "text-ranking",
    "tags": ["sentence-transformers", "cross-encoder", "reranker", "accord"],
}
"""The front matter that model hubs understand."""


def title_of_pairs(name: str) -> str:
    """The card's title, which otherwise speaks of a text encoder."""
    return name.replace("A text encoder", "A cross-encoder")


def what_pairs_are(identity: Mapping[str, Any], base: str) -> str:
    """What the model is."""
    labels = [str(label) for label in identity.get("labels", [])]
    rows = [
        ("Labels", "one score a pair" if len(labels) == 1 else escape(", ".join(labels))),
        ("Longest pair", f"{identity.get('max_length', '?')} tokens; the longer text is cut first"),
        ("Layers", str(identity.get("layers", "unknown"))),
        ("Activation", str(identity.get("activation", "")).rpartition(".")[2]),
        ("Trained from", code(base) if base else ""),
    ]
    intro = "It reads two texts together and scores how well they go together; it makes no vectors."
    return f"{intro}\n\n" + table(("", ""), [(name, value) for name, value in rows if value])


def loading_of_pairs() -> str:
    """How to load and use it."""
    pair = '["a query"], ["a document"]'
    ours = f'from accord.encoders import pairs\n\nmodel = pairs.load("path/to/this/folder")\nmodel.score({pair})'
    known = "from sentence_transformers import CrossEncoder"
    theirs = f'{known}\n\nmodel = CrossEncoder("path/to/this/folder")\nmodel.predict([("a query", "a document")])'
    return f"## Use\n\n{fenced(ours, 'python')}\n\n{fenced(theirs, 'python')}"
