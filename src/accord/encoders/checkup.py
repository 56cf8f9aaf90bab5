"""Whether a model is still the one that was saved, and hangs together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.errors import CheckFailed, ModelError
from accord.encoders.attention import attention_direction
from accord.encoders.base import Encoder
from accord.encoders.description import describe
from accord.encoders.direction import asked_direction
from accord.encoders.encode import encode_few
from accord.encoders.folders import read_folder
from accord.encoders.integrity import changed_files, read_manifest
from accord.encoders.places import locate
from accord.encoders.probes import PROBES

__all__ = ["Check", "DoctorReport", "check_files", "check_settings", "doctor"]

NAMES = {"max_length": "truncation", "normalizes": "normalisation"}

TOLERANCE = 1e-4
"""Largest difference in a component that other processors and thread counts explain."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        name: what.
        passed: whether it is as it should be.
        message: what was found.
    """

    name: str
    passed: bool
    message: str


@dataclass(frozen=True)
class DoctorReport:
    """All checks of one model folder.

    Args:
        path: the folder.
        checks: in the order in which they ran.
    """

    path: Path
    checks: tuple[Check, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def failures(self) -> list[str]:
        """What failed, one line each."""
        return [f"{check.name}: {check.message}" for check in self.checks if not check.passed]

    def raise_for_failures(self) -> None:
        """Do nothing when all passed.

        Raises:
            CheckFailed: naming every failure.
        """
        if not self.passed:
            raise CheckFailed(f"{self.path}: " + "; ".join(self.failures))

    def to_json(self) -> dict[str, Any]:
        """A JSON value."""
        rows = [{"name": c.name, "passed": c.passed, "message": c.message} for c in self.checks]
        return {"path": str(self.path), "passed": self.passed, "checks": rows}


def doctor(path: str | Path) -> DoctorReport:
    """Examine a model folder.

    With an `accord.json`, its files, its settings, the direction of its attention and the vectors of its 16 probe texts
    are compared with what was saved. Any model must give finite vectors that do not depend on the batch.

    Args:
        path: as for :func:`accord.encoders.load`.

    Returns:
        Every check, passed or not.

    Raises:
        ModelError: there is no model at `path`.
    """
    folder = locate(path)
    manifest = read_manifest(folder)
    checks = [] if manifest is None else list(check_files(folder, manifest))
    try:
        encoder = read_folder(folder, verify=False)
    except ModelError as error:
        return DoctorReport(folder, (*checks, Check("loads", False, str(error))))
    checks.append(Check("loads", True, f"{type(encoder.backbone).__name__}, {encoder.dim} dimensions"))
    if manifest is not None:
        checks += check_settings(describe(encoder, folder), manifest, NAMES)
        if "probes" in manifest:  # a merge may do without
            checks += _check_probes(encoder, manifest)
    checks += _check_sanity(encoder)
    return DoctorReport(folder, tuple(checks))


def check_files(folder: Path, manifest: dict[str, Any]) -> Iterator[Check]:
    """Name each file that is not as it was saved."""
    problems = changed_files(folder, manifest)
    for name, problem in problems.items():
        yield Check("files", False, f"{name} is {problem}")
    if not problems:
        yield Check("files", True, f"{len(manifest.get('files', {}))} files as saved")


def check_settings(found: Mapping[str, Any], manifest: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Check]:
    """Name each setting that is not as it was saved: pooling, prompts, truncation, labels, type of numbers.

    Args:
        found: the settings now; those that were not saved are passed over.
        manifest: of the folder.
        names: what a setting is called in the report, where that differs.
    """
    saved = manifest.get("identity", {})
    for key, value in found.items():
        if key in saved:
            same = saved[key] == value
            message = f"{value!r}" if same else f"was {saved[key]!r}, is {value!r}"
            yield Check(names.get(key, key), same, message)


def _check_probes(encoder: Encoder, manifest: dict[str, Any]) -> Iterator[Check]:
    probes = manifest["probes"]
    yield _compare(encoder, "vectors", probes["texts"], probes["vectors"], prompt="")
    for name, vectors in probes.get("prompted", {}).items():
        if name in encoder.prompts:
            texts = probes["texts"][2 : 2 + len(vectors)]
            yield _compare(encoder, f"vectors with the prompt {name!r}", texts, vectors, prompt=encoder.prompts[name])


def _compare(encoder: Encoder, name: str, texts: list[str], saved: list[list[float]], *, prompt: str) -> Check:
    wanted = np.asarray(saved, dtype=np.float32)
    found = encode_few(encoder, texts, prompt=prompt)
    if found.shape != wanted.shape:
        return Check(name, False, f"shape was {wanted.shape}, is {found.shape}")
    gap = np.abs(found - wanted).max(axis=1)
    scale = max(1.0, float(np.abs(wanted).max()))
    worst = int(np.nan_to_num(gap, nan=np.inf).argmax())
    passed = bool(np.isfinite(gap).all() and gap[worst] <= TOLERANCE * scale)
    return Check(name, passed, f"largest difference {gap[worst]:.1e} on {texts[worst][:40]!r}")


def _check_sanity(encoder: Encoder) -> Iterator[Check]:
    together = encode_few(encoder, PROBES)
    alone = np.concatenate([encode_few(encoder, [text]) for text in PROBES])
    finite = bool(np.isfinite(together).all())
    yield Check("finite", finite, "all numbers are finite" if finite else "NaN or infinity in the vectors")
    if encoder.normalizes:
        lengths = np.linalg.norm(together, axis=1)
        gap = float(np.abs(lengths[lengths > 0] - 1).max(initial=0))  # a text without a known token may be zeros
        yield Check("unit length", gap < 1e-4, f"lengths differ from 1 by at most {gap:.1e}")
    gap = float(np.abs(together - alone).max() / max(1.0, float(np.abs(together).max())))
    yield Check("independent of the batch", gap <= 1e-5, f"largest difference {gap:.1e}")
    spread = float(np.linalg.norm(together - together.mean(axis=0), axis=1).min())
    yield Check("texts differ", spread > 1e-6, "each probe has its own vector" if spread > 1e-6 else "equal vectors")
    direction = attention_direction(encoder)
    asked = asked_direction(getattr(encoder.backbone, "config", None))
    passed = direction == asked if asked else direction != "depends on the batch"
    yield Check("attention", passed, direction if passed or not asked else f"{direction}, asked to be {asked}")
