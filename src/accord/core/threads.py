"""One thread policy for the process: passive waiting, memory kept, as many threads as cores this process may use.

On a shared machine OpenMP's default spinning makes two threads slower than one, and handing freed memory back to the
kernel after each step costs a page fault for each page of the next one. Both are settled here, before torch is loaded.
"""

from __future__ import annotations

import ctypes
import os
import sys

__all__ = ["available_cores", "settle", "thread_policy"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEEP = 1 << 30


def available_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def settle() -> None:
    """Set the policy for this process; what the user set in the environment stays.

    Works in full before torch is first imported; afterwards only the memory part still takes effect.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    if sys.platform == "linux" and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        try:
            libc = ctypes.CDLL("libc.so.6")
            libc.mallopt(_M_MMAP_THRESHOLD, _KEEP)
            libc.mallopt(_M_TRIM_THRESHOLD, _KEEP)
        except (OSError, AttributeError):
            return


def thread_policy() -> dict[str, object]:
    """What is in force, for the environment record."""
    names = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "MKL_NUM_THREADS")
    policy: dict[str, object] = {name: os.environ[name] for name in names if name in os.environ}
    policy["cores"] = available_cores()
    if "torch" in sys.modules:
        policy["torch_threads"] = sys.modules["torch"].get_num_threads()
    return policy
