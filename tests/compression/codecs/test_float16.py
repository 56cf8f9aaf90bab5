"""Half precision: as numpy has it, with no number lost silently."""

from __future__ import annotations

import numpy as np
import pytest

from accord.compression.codecs import Float16
from accord.core.errors import InputError


def test_decodes_to_the_nearest_half(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(20, 7)).astype(np.float32)
    codec = Float16().fit(rows, similarity="dot")
    np.testing.assert_array_equal(codec.decode(codec.encode(rows)), rows.astype(np.float16).astype(np.float32))
    assert codec.code_bytes == 14


def test_refuses_what_half_precision_cannot_hold() -> None:
    codec = Float16().fit(np.ones((2, 3), dtype=np.float32), similarity="dot")
    with pytest.raises(InputError, match="at most 65504"):
        codec.encode(np.full((1, 3), 1e5))
