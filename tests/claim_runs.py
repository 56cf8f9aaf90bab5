"""A claim on made-up data: run from end to end, and again from what the first run left."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from made_up_data import made_up

from claims.runner import data_folders, run_claim

UNTRAINED = ("accord.training.train",)


def claim_module(name: str) -> ModuleType:
    return importlib.import_module(f"claims.{name}")


def run_and_go_on(
    name: str,
    *,
    model: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    cache: Path | None = None,
    once: Iterable[str] = UNTRAINED,
    same: Iterable[str] = ("effect", "ci", "p", "seconds"),
    **options: Any,
) -> dict[str, Any]:
    """The row of a first run, after a second one that may not do the work again and has to say the same.

    Args:
        name: of the claim.
        model: a tiny one.
        folder: for made-up data, and for the cache when it has no place of its own.
        once: functions that the second run must not call.
        same: what it has to say as the first did.
        options: for :func:`claims.runner.run_claim`.
    """
    claim = claim_module(name).CLAIM
    for declared in claim.roles.values():
        made_up(folder / "data" / declared.folder, declared)
    folders = data_folders(claim, str(folder / "data"), {})

    def run() -> dict[str, Any]:
        return run_claim(claim, folders, model=model, cache=cache or folder / "cache", **options)

    row = run()
    assert row["verdict"] in {"holds", "fails", "inconclusive"}
    assert row["effect"] == pytest.approx(row["method_score"] - row["baseline_score"])
    assert len(row["seeds"]) == 2 and row["tasks"]
    for function in once:
        monkeypatch.setattr(function, _forbidden(function))
    again = run()
    assert all(again[key] == row[key] for key in same)
    return row


def _forbidden(function: str) -> Callable[..., Any]:
    return lambda *_, **__: pytest.fail(f"a finished part was made again: {function} was called")
