"""A small job that one process or several run alike; started by the tests of processes, by itself or by torchrun.

    shared_job.py MODEL OUT NAME NAME ...

A name says what differs from the usual: "a+mixed+dropout=0". Every process writes its weights, or what it raised, to
OUT/NAME-RANK.safetensors or .error; the leading one also writes its records, OUT/NAME.json.
"""

import json
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import torch
from safetensors.torch import save_file

from accord.core.ranks import leads, process_rank
from accord.data import Labelled, Pairs
from accord.data.samplers import RoundRobin
from accord.encoders import load
from accord.objectives import InfoNCE, SupCon
from accord.training import EMA, AdamW, EarlyStopping, Settings, TrainingTask, train
from accord.training.balance import FlatRegions, GradNorm
from accord.training.state import Training

WORDS = (
    *("read", "write", "open", "close", "list", "file", "row", "name", "code", "text"),
    *("send", "load", "parse", "join", "split", "sort", "find", "make", "copy", "move"),
)


def signals():
    couples = [(a, b) for a in WORDS[:10] for b in WORDS[10:14]]
    pairs = [
        {"id": str(i), "anchor": f"{a} {b}", "positive": f"{b} the {a} of a {WORDS[i % 7]}" + " code" * (i % 9)}
        for i, (a, b) in enumerate(couples)
    ]
    topics = [
        {"id": str(i), "text": f"{WORDS[i % 5]} {WORDS[5 + i % 9]} {i}", "label": WORDS[i % 5]} for i in range(50)
    ]
    return Pairs.of(pa.Table.from_pylist(pairs)), Labelled.of(pa.Table.from_pylist(topics))


class Broken(InfoNCE):
    """Not a number, in one process only, from the second call on."""

    def forward(self, scores, ignore=None):
        self.calls = getattr(self, "calls", 0) + 1
        value = super().forward(scores, ignore=ignore)
        return value * float("nan") if self.calls >= 2 and process_rank() == 1 else value


USUAL = {
    "dropout": None,
    "mixed": False,
    "cached": False,
    "recompute": False,
    "balanced": False,
    "flat": False,
    "broken": False,
    "early": False,
    "average": False,
    "fails": False,
    "batch": 12,
    "chunk": 32,
    "kept": False,
    "resume": False,
    "interrupt": "",  # RANK:STEP: that process sends itself Ctrl-C in that step
}


def told_by(name):
    """What a name says."""
    found = dict(USUAL)
    for flag in name.split("+")[1:]:
        key, _, value = flag.partition("=")
        assert key in found
        found[key] = value if ":" in value else float(value) if "." in value else int(value) if value else True
    return SimpleNamespace(**found)


def run(model, out, name):
    told = told_by(name)
    encoder = load(model)
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout) and told.dropout is not None:
            module.p = told.dropout
    pairs, topics = signals()
    rank = process_rank()
    if rank:  # the leading process's weights count
        with torch.no_grad():
            next(encoder.parameters()).add_(1.0)
    tasks = [
        TrainingTask(name="pairs", signal=pairs, objective=Broken() if told.broken else InfoNCE(bidirectional=True)),
        TrainingTask(name="topic", signal=topics, objective=SupCon(), weight=2.0, loss_weight=0.5),
    ]
    settings = Settings(
        steps=6,
        batch=told.batch,
        batches="mixed" if told.mixed else "homogeneous",
        balance=GradNorm() if told.balanced else FlatRegions(inner="PCGrad") if told.flat else None,
        chunk_tokens=told.chunk,
        cache_above_tokens=0 if told.cached else 100_000,
        gradient_checkpointing=told.recompute,
        optimizer=AdamW(lr=1e-3, eps=1e-4),
        sampler=RoundRobin(),
        precision="float32",
        checkpoint_every=3,
        early_stopping=EarlyStopping(every=2, patience=1) if told.early else None,
        average=EMA(decay=0.5) if told.average else None,
    )
    records = []

    def on_step(record):
        records.append(vars(record))

    def score():
        if told.fails:
            raise OSError("the dev part is gone")
        return -len(records) if len(records) > 2 else len(records)

    checkpoints = out / "checkpoints" if told.kept else None
    with interrupted(told.interrupt):
        train(encoder, tasks, settings, checkpoints=checkpoints, resume=told.resume, on_step=on_step, score=score)
    save_file(encoder.state_dict(), out / f"{name}-{rank}.safetensors")
    if leads():
        (out / f"{name}.json").write_text(json.dumps(records))
    else:
        assert not records


@contextmanager
def interrupted(where):
    """Have one process send itself Ctrl-C as it begins a step."""
    plain = Training.step

    def patched(self):
        if where == f"{process_rank()}:{self.result.steps + 1}":
            os.kill(os.getpid(), signal.SIGINT)
        return plain(self)

    Training.step = patched
    try:
        yield
    finally:
        Training.step = plain


def main():
    torch.set_num_threads(1)
    model, out, *names = sys.argv[1:]
    for name in names:
        try:
            run(model, Path(out), name)
        except (Exception, KeyboardInterrupt) as error:
            (Path(out) / f"{name}-{process_rank()}.error").write_text(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
