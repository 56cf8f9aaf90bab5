"""Seconds beyond bare Python for `import accord` and `accord --help`: medians of eleven interleaved runs.

python -m benchmarks.startup
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from accord.core.environment import environment
from accord.core.storage import write_json

RESULTS = Path(__file__).parent / "results"
RUNS = 11
COMMANDS = {
    "python": [sys.executable, "-c", "pass"],
    "import accord": [sys.executable, "-c", "import accord"],
    "accord --help": [str(Path(sys.executable).parent / "accord"), "--help"],
    "import sentence_transformers": [sys.executable, "-c", "import sentence_transformers"],
}


def seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for run in range(RUNS):
        for name, command in COMMANDS.items():
            if name.endswith("transformers") and run % 4:
                continue
            times[name].append(seconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    beyond = {name: round(value - medians["python"], 3) for name, value in medians.items() if name != "python"}
    write_json(RESULTS / "startup.json", {"seconds_beyond_python": beyond, "environment": environment()})
    print(beyond)


if __name__ == "__main__":
    main()
