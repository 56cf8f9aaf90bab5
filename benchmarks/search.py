"""Search in a store, all in with ids and documents, beside FAISS called directly on the same vectors.

    python -m benchmarks.search [--rows 10000 50000 200000] [--kinds HNSW IVF] [--runs 5] [--queries 256]

Made-up vectors of 384 numbers: groups around centres, with a falling spectrum as embeddings have it. For each size:
exact search beside `IndexFlatIP`; HNSW and IVF beside the same kind of index in FAISS over float32 vectors, which is
asked with the least effort that finds as much as the store does; filters that keep from all to a thousandth of the
documents; what it takes to open the store in a fresh process; and to add a thousand documents more. FAISS hands back
numbers of rows; the store hands back documents for single queries, and ids for batches of 64. Runs are interleaved: all
queries to the one, all to the other, and again, as programs would that use one of them; `by_turns` takes turns with
each query, so that each finds the processor's caches as the other left them. A time is the median over queries of the
fastest of its runs, and `processor` the same of the time that all threads used: on a busy machine only that means
something. Results go to results/search.json; `environment.load` says how busy the machine was.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from accord.core.threads import settle

settle()

import faiss  # noqa: E402
import numpy as np  # noqa: E402

from accord.core.environment import environment  # noqa: E402
from accord.core.storage import write_json  # noqa: E402
from accord.retrieval import HNSW, IVF, Store  # noqa: E402
from benchmarks.texts import RESULTS, docstrings  # noqa: E402

DIM, K, BATCH = 384, 10, 64
KINDS: dict[str, HNSW | IVF] = {"HNSW": HNSW(), "IVF": IVF()}
SELECTIVITIES = (1.0, 0.5, 0.1, 0.01, 0.001)
WIDTHS = (10, 16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512)
OPENING = """
import json, sys, time
from accord.core.threads import settle
settle()
import numpy as np
from accord.retrieval import HNSW, IVF, Store
def private():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1024
query = np.ones(384)
before, begun = private(), time.perf_counter()
store = Store(sys.argv[1])
opened, size = time.perf_counter() - begun, private() - before
begun = time.perf_counter()
store.search(query, 10, index={"HNSW": HNSW, "IVF": IVF}[sys.argv[2]]())
first = time.perf_counter() - begun
print(json.dumps({"milliseconds": 1e3 * opened, "private_megabytes": size, "first_search_milliseconds": 1e3 * first,
    "private_megabytes_then": private() - before}))
"""


def vectors(rows: int, seed: int) -> np.ndarray:
    """Unit rows in groups, of which most lie in few directions."""
    shapes, draws = np.random.default_rng(0), np.random.default_rng(seed)
    spectrum = (1 / (1 + np.arange(DIM) / 16)).astype(np.float32)
    turn, _ = np.linalg.qr(shapes.standard_normal((DIM, DIM)))
    centres = shapes.standard_normal((1000, DIM)).astype(np.float32)
    parts = []
    for first in range(0, rows, 50_000):
        count = min(50_000, rows - first)
        part = 0.7 * centres[draws.integers(0, len(centres), count)] + draws.standard_normal((count, DIM), dtype="f4")
        part = (part * spectrum) @ turn.astype(np.float32)
        parts.append((part / np.linalg.norm(part, axis=1, keepdims=True)).astype(np.float32))
    return np.concatenate(parts)


def documents(first: int, count: int) -> list[dict[str, object]]:
    """Documents of up to 240 characters."""
    words = docstrings(200)
    return [
        {"id": f"doc-{n:07}", "text": words[n % len(words)][:240] + f" ({n})", "at": n}
        for n in range(first, first + count)
    ]


def filled(folder: Path, rows: np.ndarray) -> tuple[Store, float]:
    """A store of documents, and the seconds it took."""
    begun = time.perf_counter()
    store = Store.create(folder, model={"dim": DIM})
    for first in range(0, len(rows), 50_000):
        part = rows[first : first + 50_000]
        with store.write() as writer:
            writer.add(documents(first, len(part)), part)
    return store, time.perf_counter() - begun


def timed(
    works: dict[str, Callable[[int], object]], count: int, runs: int, *, by_turns: bool = False
) -> dict[str, dict[str, float]]:
    """Milliseconds a call of each work: the median over its inputs of the fastest of interleaved runs.

    Args:
        works: from the number of an input to whatever they do with it.
        count: inputs.
        runs: of each.
        by_turns: all works with one input, then with the next; otherwise all inputs with one work, then with the next.
    """
    wall = {name: np.full(count, np.inf) for name in works}
    cpu = {name: np.full(count, np.inf) for name in works}
    turns = [(number, name) for name in works for number in range(count)]
    if by_turns:
        turns.sort(key=lambda turn: turn[0])
    for _ in range(runs):
        for number, name in turns:
            begun, used = time.perf_counter(), time.process_time()
            works[name](number)
            wall[name][number] = min(wall[name][number], time.perf_counter() - begun)
            cpu[name][number] = min(cpu[name][number], time.process_time() - used)
    return {
        name: {"milliseconds": 1e3 * float(np.median(wall[name])), "processor": 1e3 * float(np.median(cpu[name]))}
        for name in works
    }


def ratio(times: dict[str, dict[str, float]]) -> dict[str, float]:
    return {of: times["accord"][of] / times["faiss"][of] for of in times["accord"]}


def beside(
    store: Store, queries: np.ndarray, index: object, search: Callable[[np.ndarray], object], runs: int, exact: bool
) -> dict[str, object]:
    """One kind of search, singly and in batches, beside FAISS."""
    found: dict[str, object] = {}
    singles = 30 if exact else len(queries)
    batches = [queries[n : n + BATCH] for n in range(0, len(queries) - BATCH + 1, BATCH)]
    for name, count, ours, theirs in (
        (
            "one query, with documents",
            singles,
            lambda n: store.search(queries[n], K, index=index),
            lambda n: search(queries[n : n + 1]),
        ),
        (
            f"{BATCH} queries, with ids",
            len(batches),
            lambda n: store.search_vectors(batches[n], K, index=index),
            lambda n: search(batches[n]),
        ),
    ):
        works = {"accord": ours, "faiss": theirs}
        times, turns = timed(works, count, runs), timed(works, count, runs, by_turns=True)
        found[name] = {**times, "times_faiss": ratio(times), "times_faiss_by_turns": ratio(turns)}
    return found


def share(scores: np.ndarray, exact: np.ndarray) -> float:
    return float((scores >= exact[:, -1:] - 1e-6).mean())


def approximate(
    store: Store, rows: np.ndarray, queries: np.ndarray, exact: np.ndarray, settings: HNSW | IVF, runs: int
) -> dict[str, object]:
    begun = time.perf_counter()
    store.build_index(settings)
    seconds = time.perf_counter() - begun
    recall = share(store.search_vectors(queries, K, index=settings)[1], exact)
    begun = time.perf_counter()
    if isinstance(settings, HNSW):
        peer = faiss.IndexHNSWFlat(DIM, settings.links, faiss.METRIC_INNER_PRODUCT)
        peer.hnsw.efConstruction = settings.ef_construction
        asked = [(f"efSearch {n}", faiss.SearchParametersHNSW(efSearch=n)) for n in WIDTHS]
    else:
        lists = settings.lists_of(len(rows))
        peer = faiss.IndexIVFFlat(faiss.IndexFlatIP(DIM), DIM, lists, faiss.METRIC_INNER_PRODUCT)
        peer.cp.max_points_per_centroid = 64
        asked = [(f"nprobe {n}", faiss.SearchParametersIVF(nprobe=n)) for n in WIDTHS if n <= lists]
        peer.train(rows)
    peer.add(rows)
    peer_seconds = time.perf_counter() - begun
    shares = [share(peer.search(queries, K, params=parameters)[0], exact) for _, parameters in asked]
    chosen = next((n for n, value in enumerate(shares) if value >= recall), len(asked) - 1)
    parameters = asked[chosen][1]
    times = beside(store, queries, settings, lambda some: peer.search(some, K, params=parameters), runs, False)
    (made,) = [one for one in store.stats().indexes if one.kind == type(settings).__name__]
    return {
        "settings": repr(settings),
        "recall@10": recall,
        "faiss_recall@10": shares[chosen],
        "faiss_asked_with": asked[chosen][0],
        "build_seconds": seconds,
        "faiss_build_seconds": peer_seconds,
        "bytes_per_row": made.bytes / len(rows),
        **times,
    }


def filters(store: Store, queries: np.ndarray, total: int, runs: int) -> list[dict[str, object]]:
    found = []
    for selectivity in SELECTIVITIES:
        where = f"at < {int(total * selectivity)}"
        exact = store.search_vectors(queries, K, where=where, index="exact")[1]
        scores = store.search_vectors(queries, K, where=where)[1]
        times = timed({"accord": lambda n, where=where: store.search(queries[n], K, where=where)}, 30, runs)
        found.append(
            {
                "selectivity": selectivity,
                "recall@10": share(scores, exact),
                "rows": int(np.isfinite(scores).sum(axis=1).min()),
                **times["accord"],
            }
        )
    return found


def adding(path: Path, count: int, commits: int = 7) -> float:
    """Seconds of a commit of a thousand documents to a store of so many: the median."""
    seconds = []
    with Store(path) as store:
        for number in range(commits):
            records, rows = documents(count + 1000 * number, 1000), vectors(1000, 10 + number)
            begun = time.perf_counter()
            with store.write() as writer:
                writer.add(records, rows)
            seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def measured(count: int, asked: int, runs: int, kinds: list[str]) -> dict[str, object]:
    rows, queries = vectors(count, 1), vectors(asked, 2)
    with tempfile.TemporaryDirectory() as folder:
        store, seconds = filled(Path(folder) / "store", rows)
        store.recall.share = 0.0
        flat = faiss.IndexFlatIP(DIM)
        flat.add(rows)
        exact = flat.search(queries, K)[0]
        result: dict[str, object] = {
            "rows": count,
            "fill_seconds": seconds,
            "exact": beside(store, queries, "exact", lambda some: flat.search(some, K), runs, True),
        }
        flat.reset()
        for kind in kinds:
            result[kind] = approximate(store, rows, queries, exact, KINDS[kind], runs)
        result["filters"] = filters(store, queries[:100], count, max(1, runs // 2))
        store.close()
        opening = [sys.executable, "-c", OPENING]
        opened = [
            json.loads(subprocess.run([*opening, str(store.path), kinds[-1]], check=True, capture_output=True).stdout)
            for _ in range(3)
        ]
        result["open"] = {name: statistics.median(one[name] for one in opened) for name in opened[0]}
        result["add_1000_seconds"] = adding(store.path, count)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 50_000, 200_000])
    parser.add_argument("--kinds", nargs="+", choices=sorted(KINDS), default=list(KINDS))
    parser.add_argument("--queries", type=int, default=256)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS / "search.json")
    options = parser.parse_args()
    result: dict[str, object] = {"environment": environment("faiss-cpu"), "sizes": []}
    for count in options.rows:
        found = measured(count, options.queries, options.runs, options.kinds)
        print(json.dumps(found, indent=2), flush=True)
        result["sizes"] = [*result["sizes"], found]
        write_json(options.out, result)


if __name__ == "__main__":
    main()
