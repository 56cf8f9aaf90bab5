"""The parts of a README that differ for a cross-encoder: what it is, and how to use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accord.encoders.markdown import code, escape, fenced, table

__all__ = ["loading_of_pairs", "pairs_pipeline", "title_of_pairs", "what_pairs_are"]


def pairs_pipeline(identity: Mapping[str, Any]) -> dict[str, Any]:
    """The front matter that model hubs understand: one label ranks pairs, several tell classes of them apart."""
    tags = ["sentence-transformers", "cross-encoder"]
    ranks = len(_labels(identity)) == 1
    return {
        "library_name": "sentence-transformers",
        "pipeline_tag": "text-ranking" if ranks else "text-classification",
        "tags": [*tags, "reranker", "accord"] if ranks else [*tags, "accord"],
    }


def title_of_pairs(name: str) -> str:
    """The card's title, which otherwise speaks of a text encoder."""
    return name.replace("A text encoder", "A cross-encoder")


def what_pairs_are(identity: Mapping[str, Any], base: str) -> str:
    """What the model is."""
    labels = _labels(identity)
    rows = [
        ("Labels", "one score a pair" if len(labels) == 1 else escape(", ".join(labels))),
        ("Longest pair", f"{identity.get('max_length', '?')} tokens; the longer text is cut first"),
        ("Layers", str(identity.get("layers", "unknown"))),
        ("Activation", str(identity.get("activation", "")).rpartition(".")[2]),
        ("Trained from", code(base) if base else ""),
    ]
    does = "scores how well they go together" if len(labels) == 1 else "says which of its classes they are"
    intro = f"It reads two texts together and {does}; it makes no vectors."
    return f"{intro}\n\n" + table(("", ""), [(name, value) for name, value in rows if value])


def loading_of_pairs(identity: Mapping[str, Any]) -> str:
    """How to load and use it."""
    labels = _labels(identity)
    pair = ("a query", "a document") if len(labels) == 1 else ("a text", "another text")
    left, right = (f'"{text}"' for text in pair)
    call = f"model.score([{left}], [{right}])"
    if len(labels) > 1:
        call = f"scores = {call}\n[model.labels[row.argmax()] for row in scores]"
    ours = f'from accord.encoders import pairs\n\nmodel = pairs.load("path/to/this/folder")\n{call}'
    known = "from sentence_transformers import CrossEncoder"
    theirs = f'{known}\n\nmodel = CrossEncoder("path/to/this/folder")\nmodel.predict([({left}, {right})])'
    return f"## Use\n\n{fenced(ours, 'python')}\n\n{fenced(theirs, 'python')}"


def _labels(identity: Mapping[str, Any]) -> list[str]:
    return [str(label) for label in identity.get("labels", [])]
