"""What every test stands on: threads settled before torch loads, shapes checked while running, names for doctests."""

from __future__ import annotations

import os

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
THREADS = max(1, CORES // WORKERS)

# As accord.core.threads settles them, and no more threads in all than cores. This must run before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"
for name in [name for name in os.environ if name.startswith("ACCORD_") and name != "ACCORD_ST51_PYTHON"]:
    del os.environ[name]

import jaxtyping

# The rooms whose signatures carry shapes: `Float[Tensor, "queries docs"]` is checked at each call, in tests only.
jaxtyping.install_import_hook(
    ["accord.objectives", "accord.encoders.pooling"],
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
)

import numpy as np
import pytest
import torch
from hypothesis import settings

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

# What `make check` asks for; otherwise there are as many examples as hypothesis, or the test itself, says.
settings.register_profile("quick", max_examples=20)


@pytest.fixture(autouse=True)
def _names_in_doctests(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace |= {"np": np, "torch": torch}


@pytest.fixture(autouse=True)
def _same_draws_every_time() -> None:
    """Tests may draw from the global generators; what they draw does not depend on the tests before them."""
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
