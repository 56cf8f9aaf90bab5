"""Whether a cross-encoder is still the one that was saved, and hangs together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.errors import ModelError
from accord.encoders.checkup import TOLERANCE, Check, DoctorReport, check_files, check_settings
from accord.encoders.integrity import read_manifest
from accord.encoders.pairs.cross_encoder import CrossEncoder
from accord.encoders.pairs.folders import read_folder
from accord.encoders.pairs.saving import PROBE_PAIRS, describe_pairs, probe_scores
from accord.encoders.pairs.scoring import logits_of_few

__all__ = ["examine"]

NAMES = {"max_length": "truncation", "token_types": "token types", "truncation_side": "side that is cut"}


def examine(folder: Path) -> DoctorReport:
    """Examine a cross-encoder folder.

    With an `accord.json`, its files, its settings and the raw scores of its 16 probe pairs are compared with what was
    saved. Any model must give finite scores that do not depend on the batch.

    Args:
        folder: of the model.

    Returns:
        Every check, passed or not.
    """
    manifest = read_manifest(folder)
    checks = [] if manifest is None else list(check_files(folder, manifest))
    try:
        model = read_folder(folder, verify=False)
    except ModelError as error:
        return DoctorReport(folder, (*checks, Check("loads", False, str(error))))
    checks.append(Check("loads", True, f"{type(model.backbone).__name__}, {model.num_labels} label(s)"))
    if manifest is not None:
        checks += check_settings(describe_pairs(model, folder), manifest, NAMES)
        if "probes" in manifest:  # a merge may do without
            checks.append(_check_probes(model, manifest["probes"]))
    checks += _check_sanity(model)
    return DoctorReport(folder, tuple(checks))


def _check_probes(model: CrossEncoder, probes: dict[str, Any]) -> Check:
    wanted = np.asarray(probes["scores"], dtype=np.float64)
    found = logits_of_few(model, [(left, right) for left, right in probes["pairs"]])
    if found.shape != wanted.shape:
        return Check("scores", False, f"shape was {wanted.shape}, is {found.shape}")
    gap = np.nan_to_num(np.abs(found - wanted).max(axis=1), nan=np.inf)
    worst = int(gap.argmax())
    passed = bool(gap[worst] <= TOLERANCE * max(1.0, float(np.abs(wanted).max())))
    return Check("scores", passed, f"largest difference {gap[worst]:.1e} on {probes['pairs'][worst][0][:40]!r}")


def _check_sanity(model: CrossEncoder) -> Iterator[Check]:
    together = probe_scores(model)
    alone = np.concatenate([logits_of_few(model, [pair]) for pair in PROBE_PAIRS])
    finite = bool(np.isfinite(together).all())
    yield Check("finite", finite, "all numbers are finite" if finite else "NaN or infinity in the scores")
    gap = float(np.abs(together - alone).max() / max(1.0, float(np.abs(together).max())))
    yield Check("independent of the batch", gap <= 1e-5, f"largest difference {gap:.1e}")
    spread = float(np.ptp(together, axis=0).max())
    yield Check("pairs differ", spread > 1e-6, "pairs have their own scores" if spread > 1e-6 else "equal scores")
