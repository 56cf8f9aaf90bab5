"""Codecs: search over planes of signs beside FAISS's binary scan, and the speed of encoding.

    python -m benchmarks.codecs [--codes 1000000] [--bits 256] [--vectors 100000]

One core. Each search finds the 10 best of all codes for a few queries. FAISS's `IndexBinaryFlat` scans one plane of the
same bits; the ratio divides our seconds by FAISS's and by the number of pairs of planes that are compared, which is one
for signs, four for two planes on either side. Runs are interleaved, and times are those of the processor, so that a
loaded machine does not decide; the load is written beside them. Results go to results/codecs.json.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

from accord.core.threads import settle

settle()

import faiss  # noqa: E402
import numpy as np  # noqa: E402

from accord.compression import codecs  # noqa: E402
from accord.core.environment import environment  # noqa: E402
from accord.core.storage import write_json  # noqa: E402
from accord.maths.hamming import hamming_search, plane_search  # noqa: E402
from benchmarks.texts import RESULTS  # noqa: E402

DIM = 384
ENCODED = {
    "Float16": codecs.Float16(),
    "Int8": codecs.Int8(),
    "PCA, 96 to Int8": codecs.PCA(dim=96, then="Int8"),
    "Sign": codecs.Sign(),
    "RotatedSign": codecs.RotatedSign(),
    "RotatedSign, 768 bits": codecs.RotatedSign(bits=768),
    "RaBitQ, 1 bit": codecs.RaBitQ(),
    "RaBitQ, 2 bits": codecs.RaBitQ(bits=2),
    "ProductQuantizer, 48 parts": codecs.ProductQuantizer(parts=48),
    "RecurrentBinary, 1 bit": codecs.RecurrentBinary(bits=1, steps=0),
    "RecurrentBinary, 2 bits": codecs.RecurrentBinary(bits=2, steps=0),
}


def fastest(works: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Processor seconds of the fastest of interleaved runs."""
    seconds = dict.fromkeys(works, float("inf"))
    for _ in range(runs):
        for name, work in works.items():
            begun = time.process_time()
            work()
            seconds[name] = min(seconds[name], time.process_time() - begun)
    return seconds


def searches(count: int, bits: int, runs: int) -> list[dict[str, object]]:
    draws = np.random.default_rng(0)
    rows = []
    planes = {n: draws.integers(0, 256, (count, n * bits // 8), dtype=np.uint8) for n in (1, 2, 4)}
    index = faiss.IndexBinaryFlat(bits)
    index.add(planes[1])
    for queries in (1, 10, 100):
        asked = {n: draws.integers(0, 256, (queries, n * bits // 8), dtype=np.uint8) for n in planes}
        works: dict[str, Callable[[], object]] = {
            "faiss": lambda asked=asked: index.search(asked[1], 10),
            "1": lambda asked=asked: hamming_search(asked[1], planes[1], 10),
        }
        for n in (2, 4):
            works[str(n)] = lambda asked=asked, n=n: plane_search(
                asked[n], planes[n], 10, dim=bits, query_planes=n, code_planes=n
            )
        seconds = fastest(works, runs if queries < 100 else max(1, runs // 3))
        scan = seconds.pop("faiss")
        rows.append(
            {
                "queries": queries,
                "faiss_milliseconds_per_query": 1e3 * scan / queries,
                "milliseconds_per_query": {f"{n} planes": 1e3 * s / queries for n, s in seconds.items()},
                "times_faiss_per_pair_of_planes": {f"{n} planes": s / scan / int(n) ** 2 for n, s in seconds.items()},
            }
        )
    return rows


def encoding(count: int, runs: int) -> dict[str, object]:
    vectors = np.random.default_rng(0).normal(size=(count, DIM)).astype(np.float32)
    fitted = {name: codec.fit(vectors[:5000]) for name, codec in ENCODED.items()}
    seconds = fastest({name: lambda codec=codec: codec.encode(vectors) for name, codec in fitted.items()}, runs)
    return {name: {"seconds": s, "bytes": fitted[name].code_bytes} for name, s in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--bits", type=int, default=256)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS / "codecs.json")
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    result = {
        "environment": environment("faiss-cpu"),
        "search": {
            "codes": options.codes,
            "bits_of_a_plane": options.bits,
            "rows": searches(options.codes, options.bits, options.runs),
        },
        "encoding": {
            "vectors": options.vectors,
            "dim": DIM,
            "codecs": encoding(options.vectors, max(1, options.runs // 2)),
        },
    }
    print(json.dumps({name: value for name, value in result.items() if name != "environment"}, indent=2))
    write_json(options.out, result)


if __name__ == "__main__":
    main()
