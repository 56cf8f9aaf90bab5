"""Write a commented recipe with small example files, for users to replace by their own."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from accord.core.errors import InputError
from accord.core.storage import atomic_file
from accord.data.sources import PythonLibrary

__all__ = ["init"]

ROWS = 400


def init(folder: Path | str) -> list[Path]:
    """Write `recipe.yaml` and two small data files, taken from the standard library of this Python.

    Args:
        folder: made when missing; nothing in it is overwritten.

    Returns:
        The files written.

    Raises:
        InputError: one of the files is there already.
    """
    folder = Path(folder)
    names = ("recipe.yaml", "questions.jsonl", "topics.csv")
    for name in names:
        if (folder / name).exists():
            raise InputError(f"{folder / name} exists already, and nothing is overwritten. Name another folder.")
    table = PythonLibrary(cap_per_module=20).load().slice(0, ROWS)
    rows = table.select(["summary", "code", "doc", "top"]).to_pylist()
    with atomic_file(folder / "questions.jsonl", "w") as handle:
        for row in rows:
            handle.write(json.dumps({"question": row["summary"], "answer": row["code"]}, ensure_ascii=False) + "\n")
    with atomic_file(folder / "topics.csv", "w") as handle:
        handle.write("text,label\n")
        for row in rows:
            text = row["doc"].replace('"', '""')
            handle.write(f'"{text}",{row["top"]}\n')
    template = (resources.files("accord.recipes") / "example" / "recipe.yaml").read_text(encoding="utf-8")
    with atomic_file(folder / "recipe.yaml", "w") as handle:
        handle.write(template)
    return [folder / name for name in names]
