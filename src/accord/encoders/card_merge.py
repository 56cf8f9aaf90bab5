"""The part of a README that says which models a merged model was made from, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accord.encoders.markdown import code, escape, table

__all__ = ["merged_from"]


def merged_from(record: Mapping[str, Any] | None) -> str:
    """The part, from the record of a merge in `accord.json`; nothing for a model that is not merged.

    Args:
        record: `metadata.merge` of `accord.json`.
    """
    if not record or "method" not in record or not isinstance(record.get("models"), Sequence):
        return ""
    models = [*record["models"], *([record["base"]] if record.get("base") else [])]
    roles = ["model"] * len(record["models"]) + ["base"]
    measures = record.get("measures") or {}
    lengths = [f"{length:.4g}" for length in measures.get("lengths", [])]
    rows = [
        (role, code(str(model["name"])), *(code(digest[:16]) for digest in [_digest(model)]), length)
        for role, model, length in zip(roles, models, [*lengths, *[""] * len(models)])
    ]
    numbers = [
        (code(str(row["parameter"])), escape(_shown(row["value"])), "" if row.get("given") else "default")
        for row in record.get("parameters", [])
    ]
    parts = [
        f"## Merged from\n\nThe weights of these models were merged by {code(str(record['method']))}, in float32, with "
        f"the seed {record.get('seed', 0)}.",
        table(("", "name", "SHA-256 of the weights", "length of its change"), rows),
        table(("parameter", "value", ""), numbers) if numbers else "",
        _measured(measures),
    ]
    return "\n\n".join(part for part in parts if part)


def _digest(model: Mapping[str, Any]) -> str:
    return next(iter(model.get("files", {}).values()), "")


def _shown(value: Any) -> str:
    return ", ".join(map(_shown, value)) if isinstance(value, (list, tuple)) else str(value)


def _measured(measures: Mapping[str, Any]) -> str:
    if measures.get("shrinkage") is None:
        return ""
    return (
        f"The merged change has the length {measures['merged_length']:.4g}, {measures['shrinkage']:.2f} times the "
        "mean of the models' own."
    )
