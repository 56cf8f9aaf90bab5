"""The machine and the versions that a result rests on."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from accord._version import __version__
from accord.core.threads import thread_policy

__all__ = ["environment"]

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "scipy", "scikit-learn", "pyarrow")


def environment(*packages: str) -> dict[str, Any]:
    """Versions, processor, threads and load, as they are now.

    Args:
        packages: further distributions whose versions matter.

    >>> sorted(environment())[:3]
    ['accelerator', 'accord', 'load']
    """
    return {
        "accord": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": _processor(),
        "threads": thread_policy(),
        "load": [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "versions": {name: version for name in (*PACKAGES, *packages) if (version := _version(name))},
        "accelerator": _accelerator(),
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _accelerator() -> str | None:
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch is not None and torch.cuda.is_available() else None
