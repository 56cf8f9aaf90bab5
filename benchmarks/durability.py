"""What a store survives: killed writers, flipped bytes, a second writer, a dead one's lock, and a full disk.

    python -m benchmarks.durability [--kills 500] [--flips 1000] [--work DIR] [--out FILE]

**Kills**: a writer adds, deletes, updates, replaces and compacts in a loop and says, on a pipe, what was acknowledged;
it is killed at a random moment, and a fresh reader has to find every acknowledged block whole, at most the one under
way on top, and nothing that `verify` complains about. **Flips**: one bit of a copy is changed at a random place of its
files; whenever `get` or a search of any kind answers otherwise than before, `verify` must have said so, and neither may
end in anything but an answer or an error of accord. Power cuts have their own program, `benchmarks.dropped_writes`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

import accord.retrieval
from accord.core.environment import environment
from accord.core.errors import AccordError
from accord.core.storage import write_json
from accord.retrieval import Store, verify
from benchmarks.texts import RESULTS

DIM = 16
ROWS = 5
WORDS = [f"w{n}" for n in range(40)]

WRITER = """
import sys
import numpy as np
import accord.retrieval
from accord.retrieval import compact
from benchmarks.durability import block
store = accord.retrieval.open(sys.argv[1])
print("ready", flush=True)
for number in range(int(sys.argv[2]), 10**9):
    print(f"begin {number}", flush=True)
    if number % 7 == 6:
        compact(sys.argv[1])
        store.refresh()
    block(store, number)
    print(f"end {number}", flush=True)
"""
FULL = """
import resource, sys
import numpy as np
import accord.retrieval
from accord.core.errors import StorageError
store = accord.retrieval.open(sys.argv[1])
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
records = [{"id": f"big-{n}", "text": "word " * 40 + str(n)} for n in range(4000)]
try:
    with store.write() as writer:
        writer.add(records, np.random.default_rng(0).standard_normal((4000, 16)))
except StorageError as error:
    print("refused", error)
else:
    print("written")
"""


def text_of(number: int, row: int) -> str:
    """The words of a document."""
    return " ".join(np.random.default_rng([number, row]).choice(WORDS, 12)) + f" {number} {row}"


def block(store: Store, number: int) -> None:
    """One acknowledged block of changes."""
    with store.write() as writer:
        records = [{"id": f"{number}-{n}", "text": text_of(number, n), "by": number} for n in range(ROWS)]
        writer.add(records, vectors_of(number))
        if number % 3 == 2:
            writer.delete([f"{number - 1}-0"])
            writer.update([{"id": f"{number - 1}-1", "by": number}])
            writer.upsert([{"id": f"{number - 1}-2", "text": text_of(number, 9), "by": number}], vectors_of(number)[:1])


def vectors_of(number: int) -> np.ndarray:
    """The vectors of a block."""
    return np.random.default_rng(number).standard_normal((ROWS, DIM))


def wanted(blocks: int) -> dict[str, tuple[str, int]]:
    """Text and writer of each document after so many blocks."""
    there = {f"{b}-{n}": (text_of(b, n), b) for b in range(blocks) for n in range(ROWS)}
    for number in range(2, blocks, 3):
        del there[f"{number - 1}-0"]
        there[f"{number - 1}-1"] = (text_of(number - 1, 1), number)
        there[f"{number - 1}-2"] = (text_of(number, 9), number)
    return there


def look(path: Path, acknowledged: int, truth: dict[int, dict[str, tuple[str, int]]]) -> int:
    """Compare the store with what was acknowledged; returns how many blocks it holds.

    Raises:
        AssertionError: something is lost, half there, or not as `verify` wants it.
    """
    with accord.retrieval.open(path) as store:
        names = store.ids()
        blocks = 1 + max((int(name.partition("-")[0]) for name in names), default=-1)
        assert acknowledged <= blocks <= acknowledged + 1, (acknowledged, blocks)
        there = truth.setdefault(blocks, wanted(blocks))
        assert set(names) == set(there)
        for name in names[-40:]:
            document = store.get(name)
            assert document is not None and (document.text, document.metadata["by"]) == there[name]
        if blocks:
            newest = vectors_of(blocks - 1)
            found, _ = store.search_vectors(newest[3:], 1)
            assert found == [[f"{blocks - 1}-3"], [f"{blocks - 1}-4"]]
            hits = store.search(str(blocks - 1), len(names), mode="lexical")
            assert f"{blocks - 1}-4" in {hit.id for hit in hits}
    report = verify(path)
    assert report.ok, report.problems
    return blocks


def kills(folder: Path, times: int, rng: np.random.Generator) -> dict[str, Any]:
    """Kill a writer at random moments; a new store every 25 kills, so that all sizes are met."""
    done: Counter[str] = Counter(lost=0, unopened=0)
    for number in range(times):
        path = folder / f"killed-{number // 25}"
        if number % 25 == 0:
            Store.create(path, model={"dim": DIM}).close()
            acknowledged, truth = 0, {}
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(acknowledged)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.0, 1.0))
        process.send_signal(signal.SIGKILL)
        said = [line.split() for line in process.communicate()[0].splitlines()]
        ends = [int(line[1]) for line in said if line[0] == "end" and len(line) == 2]
        acknowledged = max([acknowledged, *(end + 1 for end in ends)])
        done["acknowledged"] += len(ends)
        done["during a block"] += bool(said) and said[-1][0] == "begin"
        try:
            held = look(path, acknowledged, truth)
        except (AssertionError, AccordError) as error:
            done["lost" if isinstance(error, AssertionError) else "unopened"] += 1
            print(f"kill {number}: {error!r}", file=sys.stderr)
            break  # whatever follows would only repeat it
        done["whole though not acknowledged"] += held > acknowledged
        acknowledged = held
    return {"kills": times, **done}


def made(path: Path) -> Store:
    """A small store of everything: deleted rows, words, metadata, several segments."""
    store = Store.create(path, model={"dim": DIM})
    for number in range(8):
        block(store, number)
    return store


def answers(path: Path, names: list[str]) -> Any:
    """What `get` and searches of all kinds say; an error of accord is an answer that differs."""
    try:
        with accord.retrieval.open(path) as store:
            said: list[Any] = [store.record, store.ids(), [store.get(name) for name in names]]
            queries = np.eye(DIM, dtype=np.float32) - 0.2
            found, scores = store.search_vectors(queries, len(names))
            said += [found, scores.tobytes(), store.search_vectors(queries, 3, where="by >= 4")[0]]
            said += [[(h.id, h.score) for h in store.search(word, len(names), mode="lexical")] for word in WORDS]
            return said
    except AccordError as error:
        return type(error).__name__


def flips(folder: Path, times: int, rng: np.random.Generator) -> dict[str, Any]:
    """Flip bits one at a time in copies."""
    store = made(folder / "flipped")
    names = store.ids()
    store.close()
    truth = answers(store.path, names)
    files = [file for file in sorted(store.path.rglob("*")) if file.is_file() and not file.name.endswith("-shm")]
    sizes = np.array([file.stat().st_size for file in files])
    done: Counter[str] = Counter(changed=0, found=0, reported=0, crashes=0)
    for number in range(times):
        copied = folder / "copy"
        shutil.rmtree(copied, ignore_errors=True)
        shutil.copytree(store.path, copied)
        victim = files[number % len(files)] if number % 2 else files[rng.choice(len(files), p=sizes / sizes.sum())]
        flip(copied / victim.relative_to(store.path), rng)
        try:
            report, differs = verify(copied), answers(copied, names) != truth
        except Exception as error:
            done["crashes"] += 1
            print(f"{victim.name}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        done["changed"] += differs
        done["found"] += differs and not report.ok
        done["reported"] += not report.ok
    return {"flips": times, **done}


def flip(file: Path, rng: np.random.Generator) -> None:
    """Change one bit of a file."""
    data = bytearray(file.read_bytes())
    data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    file.write_bytes(data)


def locks(folder: Path) -> dict[str, Any]:
    """A second writer, and the lock of a dead one."""
    store = made(folder / "locked")
    holder = f"""
import sys, time, accord.retrieval
with accord.retrieval.open({str(store.path)!r}).write() as writer:
    print("ready", flush=True)
    time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    begun, name = time.perf_counter(), ""
    try:
        with store.write():
            pass
    except AccordError as error:
        name = type(error).__name__
    seconds = time.perf_counter() - begun
    process.kill()
    process.communicate()
    block(store, 8)
    return {"second_writer": name, "seconds": round(seconds, 4), "taken_over": store.get("8-0") is not None}


def full(folder: Path) -> dict[str, Any]:
    """A disk that fills up at several moments of a write: files may grow to a limit and no further."""
    refused = 0
    limits = [3_000, 30_000, 100_000, 300_000, 600_000, 1_000_000]
    for number, limit in enumerate(limits):
        store = made(folder / f"full-{number}")
        names = store.ids()
        store.close()
        run = subprocess.run(
            [sys.executable, "-c", FULL, str(store.path), str(limit)], stdout=subprocess.PIPE, text=True, check=True
        )
        refused += run.stdout.startswith("refused")
        with accord.retrieval.open(store.path) as again:
            assert len(again) in {len(names), len(names) + 4000} and set(names) <= set(again.ids())
        assert verify(store.path).ok
    return {"limits": limits, "refused": refused, "lost": 0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="A folder for the stores; a temporary one when not given.")
    parser.add_argument("--out", type=Path, default=RESULTS / "durability.json")
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    with tempfile.TemporaryDirectory(dir=arguments.work) as place:
        folder, begun = Path(place), time.perf_counter()
        found = {
            "locks": locks(folder),
            "full_disk": full(folder),
            "flips": flips(folder, arguments.flips, rng),
            "kills": kills(folder, arguments.kills, rng),
            "environment": environment(),
        }
        found["seconds"] = round(time.perf_counter() - begun, 1)
    with suppress(OSError):
        write_json(arguments.out, found)
    print(json.dumps({key: value for key, value in found.items() if key != "environment"}, indent=1))


if __name__ == "__main__":
    main()
