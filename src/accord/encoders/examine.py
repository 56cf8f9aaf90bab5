"""`doctor`: the examination that fits the kind of model a folder holds."""

from __future__ import annotations

from pathlib import Path

from accord.encoders import checkup
from accord.encoders.checkup import DoctorReport
from accord.encoders.kinds import is_cross_encoder
from accord.encoders.pairs.checkup import examine as examine_pairs
from accord.encoders.places import locate

__all__ = ["doctor"]


def doctor(path: str | Path) -> DoctorReport:
    """Examine a model folder: whether it is still the model that was saved, and hangs together.

    With an `accord.json`, its files, its settings and the vectors of its 16 probe texts (or, of a cross-encoder, the
    scores of 16 probe pairs) are compared with what was saved. Any model must give finite numbers that do not depend on
    the batch.

    Args:
        path: as for :func:`accord.encoders.load` or :func:`accord.encoders.pairs.load`.

    Returns:
        Every check, passed or not.

    Raises:
        ModelError: there is no model at `path`.
    """
    folder = locate(path)
    return examine_pairs(folder) if is_cross_encoder(folder) else checkup.doctor(folder)
