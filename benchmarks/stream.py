"""Resident memory while reading batches of a file larger than the window that a stream keeps.

    python -m benchmarks.stream [--megabytes 2000] [--batches 20000] [--batch 64]

Writes a JSONL file of question and answer pairs, opens it as a stream (one pass that checks every row), then reads
batches in their shuffled order, each phase in a process of its own that samples its resident memory. The numbers go to
results/stream.json: memory must not grow with the file, nor with the batches read.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

from accord.core.environment import environment
from accord.core.storage import write_json
from accord.data import stream
from benchmarks.texts import RESULTS, docstrings


def write_rows(path: Path, megabytes: int) -> int:
    """Pairs of real words until the file has that size; the number of rows."""
    words = " ".join(docstrings(2000)).split()
    rows = 0
    with path.open("w", encoding="utf-8") as handle:
        while rows % 1000 or handle.tell() < megabytes * 10**6:
            at = rows * 37 % (len(words) - 90)
            row = {
                "id": f"row-{rows}",
                "question": " ".join(words[at : at + 10]) + f" {rows}",
                "answer": " ".join(words[at + 10 : at + 90]),
                "n": rows,
            }
            handle.write(json.dumps(row, ensure_ascii=False) + "\n")
            rows += 1
    return rows


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


class Watch:
    """Samples the resident memory of this process, in MiB."""

    def __init__(self, every: float) -> None:
        self.samples = [resident()]
        self.every = every
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._done.wait(self.every):
            self.samples.append(resident())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.samples.append(resident())


def child(phase: str, path: Path, cache: Path, batches: int, batch: int) -> None:
    begun = time.perf_counter()
    with Watch(0.25) as watch:
        rows = stream(path, cache=cache)
        opened = time.perf_counter() - begun
        drawn = 0
        if phase == "read":
            order = rows.batches(batch, seed=0, name="benchmark")
            for k in range(batches):
                drawn += len(rows.take(order.rows(k)).column("anchor"))
    seconds = time.perf_counter() - begun - opened
    print(json.dumps({"open_seconds": opened, "read_seconds": seconds, "rows": drawn, "samples": watch.samples}))


def run(phase: str, path: Path, cache: Path, batches: int, batch: int) -> dict[str, object]:
    command = [sys.executable, "-m", "benchmarks.stream", "--child", phase, "--file", str(path), "--cache", str(cache)]
    command += ["--batches", str(batches), "--batch", str(batch)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    found = json.loads(done.stdout.splitlines()[-1])
    samples = found.pop("samples")
    late = samples[len(samples) // 4 :]
    return {
        **found,
        "resident_mib": {
            "before": samples[0],
            "largest": max(samples),
            "above_before": round(max(samples) - samples[0], 1),
            "growth_after_first_quarter": round(max(late) - late[0], 1),
            "samples": samples[:: max(1, len(samples) // 60)],
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--batches", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--out", type=Path, default=RESULTS / "stream.json")
    parser.add_argument("--child", choices=["check", "read"])
    parser.add_argument("--file", type=Path)
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.file, options.cache, options.batches, options.batch)
        return
    with tempfile.TemporaryDirectory() as folder:
        path, cache = Path(folder, "rows.jsonl"), Path(folder, "cache")
        rows = write_rows(path, options.megabytes)
        size = path.stat().st_size / 10**6
        check = run("check", path, cache, 0, options.batch)
        read = run("read", path, cache, options.batches, options.batch)
    result = {
        "file_megabytes": round(size, 1),
        "rows": rows,
        "batch": options.batch,
        "batches": options.batches,
        "check": check | {"megabytes_per_second": round(size / float(str(check["open_seconds"])), 1)},
        "read": read | {"rows_per_second": round(int(str(read["rows"])) / float(str(read["read_seconds"])))},
        "environment": environment(),
    }
    write_json(options.out, result)
    print(json.dumps({k: v for k, v in result.items() if k != "environment"}, indent=2))


if __name__ == "__main__":
    main()
