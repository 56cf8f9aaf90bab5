"""Settings of IVF."""

from __future__ import annotations

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.retrieval.dense import IVF


def test_bad_settings():
    for bad in ({"lists": 0}, {"probes": 0}, {"storage": "int4"}):
        with pytest.raises(InputError, match=next(iter(bad))):
            IVF(**bad)


def test_numbers_of_lists():
    assert [IVF().lists_of(count) for count in (1, 4, 10_000, 1_000_000)] == [1, 4, 400, 4000]
    assert IVF(lists=50).lists_of(20) == 20


def test_all_lists_find_everything_and_seeds_repeat():
    pytest.importorskip("faiss")
    rows = np.random.default_rng(1).standard_normal((900, 16)).astype(np.float32)
    near = np.argsort(-(rows[:9] @ rows.T), axis=1)[:, 0]
    settings = IVF(lists=10, probes=10, storage="float32", seed=3)
    one, two = (settings.build(rows, [rows], len(rows)) for _ in range(2))
    found = [
        index.search(rows[:9], 1, params=settings.parameters(index, 1, None, 1.0))[1][:, 0] for index in (one, two)
    ]
    assert np.array_equal(found[0], near)
    assert np.array_equal(found[1], near)
    assert np.array_equal(one.quantizer.reconstruct_n(0, 10), two.quantizer.reconstruct_n(0, 10))
