"""What a claim is: a statement, two sides, the data they need, and a function that runs them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accord.core.storage import hash_json, read_json, write_json
from claims.paired import Paired

__all__ = ["SCALES", "Claim", "Context", "Outcome", "Role"]

SCALES = ("quick", "full")


def to_standard_error(line: str) -> None:
    """How runs say what they did."""
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True, kw_only=True)
class Role:
    """A place for a data set; any folder of the same shape fits.

    Args:
        folder: the default, below the data folder.
        shape: "retrieval" (corpus, queries, qrels.SPLIT), "pairs" (files of anchor and positive) or "labelled" (train
            and test files of text and label).
        files: for pairs without train and test files: which files to pool, without their ending; empty for all.
        what: what the role is for, in a few words.
    """

    folder: str
    shape: str
    what: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Context:
    """Everything that a run of a claim is given.

    Args:
        data: the folder of each role.
        scale: "quick" (within 10 minutes on two cores) or "full" (within 2 hours, resumable).
        seeds: one whole repetition each.
        model: what to start from: a path, a hub name or ``package:MODULE``.
        cache: folder for finished parts of a run.
        code: hash of the method's files, part of every cache key.
        device: None to let accord choose.
        say: told in one line what was done.
    """

    data: Mapping[str, Path]
    scale: str
    seeds: tuple[int, ...]
    model: str
    cache: Path
    code: str
    device: str | None = None
    say: Callable[[str], None] = to_standard_error

    def cached(self, key: Mapping[str, Any], make: Callable[[], Any]) -> Any:
        """What `make` returned for this key, now or in an earlier run of the same code.

        Args:
            key: plain values that decide the result.
            make: returns plain values.
        """
        whole = {"code": self.code, **key}
        file = self.cache / f"{hash_json(whole)[:32]}.json"
        if file.is_file():
            return read_json(file)["value"]
        value = make()
        write_json(file, {"key": whole, "value": value})
        return value


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a claim found.

    Args:
        paired: the comparison that decides.
        seconds: time of all parts, those from the cache included at their own cost.
        tasks: rows of {"task", "method_score", "baseline_score", "effect", "ci", "p", "n"}.
        details: further tables, as plain values.
        notes: what a reader must know, a sentence each.
        verdict: a more careful verdict than the comparison's own; empty for that.
    """

    paired: Paired
    seconds: float
    tasks: Sequence[Mapping[str, Any]] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    verdict: str = ""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A paper's statement as a side-by-side.

    Args:
        name: as on the command line; the name of its file.
        papers: ids in papers.tsv.
        statement: what is claimed, in one sentence.
        method: the side that should win.
        baseline: the side that it is held against.
        metric: what is measured.
        roles: data by role.
        run: does the work.
        seeds: how many repetitions at each scale.
        method_files: files of accord that make up the method, relative to the package; with the claim's own file
            their hash says whether a recorded result is stale.
    """

    name: str
    papers: tuple[int, ...]
    statement: str
    method: str
    baseline: str
    metric: str
    roles: Mapping[str, Role]
    run: Callable[[Context], Outcome]
    seeds: Mapping[str, int]
    method_files: tuple[str, ...] = ()
