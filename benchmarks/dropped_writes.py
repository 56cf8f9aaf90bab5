"""Power cuts: a store after everything that was not forced to the disk is gone, again and again.

A writer adds, replaces, updates, deletes and compacts until it is killed. A preloaded library keeps what it forced to
the disk, file by file and folder by folder; from that alone the store is put together again, as the worst case that a
file system may leave. Then every acknowledged change has to be there, and the last one whole or not at all. With
`--kept 0.5` a file that was written further since keeps the newer content half of the time, as a kernel may have
written it by itself.

python -m benchmarks.dropped_writes --cuts 100
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from accord.core.environment import environment
from accord.core.storage import write_json
from accord.retrieval import Store, verify
from accord.retrieval import open as open_store

RESULTS = Path(__file__).parent / "results"
SOURCE = Path(__file__).with_suffix(".c")
DIM = 16
LONGEST = 0.6

WRITER = """
import json, sys
import numpy as np
import accord.retrieval
from accord.retrieval import compact
path, seed = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(seed)
def vectors(tags):
    return np.stack([np.random.default_rng(tag).standard_normal(16) for tag in tags])
def records(tags):
    return [{"id": name, "text": f"word{tag}", "tag": tag} for name, tag in tags.items()]
store = accord.retrieval.open(path)
names = store.ids()
print("ready", flush=True)
for step in range(10**6):
    some = [str(n) for n in rng.choice(names, min(5, len(names)), replace=False)] if names else []
    kind = "add" if len(some) < 5 else ["add", "add", "delete", "replace", "update", "compact"][rng.integers(6)]
    fresh = [f"{seed}-{step}-{n}" for n in range(int(rng.integers(1, 40)))] if kind == "add" else some
    tags = {name: int(rng.integers(2**31)) for name in fresh}
    print(json.dumps({"kind": kind, "tags": tags}), flush=True)
    if kind == "compact":
        compact(path)
        store.refresh()
    else:
        with store.write() as writer:
            if kind == "add":
                writer.add(records(tags), vectors(tags.values()))
            elif kind == "replace":
                writer.upsert(records(tags), vectors(tags.values()))
            elif kind == "update":
                writer.update([{"id": name, "seen": tag} for name, tag in tags.items()])
            else:
                writer.delete(list(tags))
    print("done", flush=True)
    names = store.ids()
"""

FORCE = """
import os, sys
for folder, _, files in os.walk(sys.argv[1]):
    for place in [folder, *(os.path.join(folder, name) for name in files)]:
        fd = os.open(place, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
"""

State = dict[str, dict[str, int]]


def changed(state: State, change: dict[str, Any]) -> State:
    """The state after one change."""
    kind, tags = change["kind"], change["tags"]
    if kind in {"add", "replace"}:
        return state | {name: {"tag": tag} for name, tag in tags.items()}
    if kind == "update":
        return state | {name: state[name] | {"seen": tag} for name, tag in tags.items()}
    if kind == "delete":
        return {name: kept for name, kept in state.items() if name not in tags}
    return state


def read(path: Path) -> State:
    """What a fresh reader finds; texts, words and vectors have to go with the tags."""
    with open_store(path) as store:
        state = {name: dict(store.get(name).metadata) for name in store.ids()}
        for name, kept in state.items():
            assert store.get(name).text == f"word{kept['tag']}"
        for name in list(state)[-3:]:
            tag = state[name]["tag"]
            assert store.search(np.random.default_rng(tag).standard_normal(DIM), 1)[0].id == name
            assert store.search(f"word{tag}", 1, mode="lexical")[0].id == name
        return state


def cut(root: Path, shadow: Path, out: Path, kept: float, rng: np.random.Generator) -> None:
    """Put together in `out` what of `root` was forced to the disk."""
    live = {_key(place): place for place in [root, *root.rglob("*")]}

    def build(key: str, folder: Path) -> None:
        folder.mkdir()
        listed = shadow / "folders" / key
        for line in listed.read_text().splitlines() if listed.is_file() else []:
            inner, kind, name = line.split("\t")
            if kind == "d":
                build(inner, folder / name)
            elif not name.endswith("-shm"):
                forced = shadow / "files" / inner
                content = forced.read_bytes() if forced.is_file() else b""
                if inner in live and rng.random() < kept:
                    content = live[inner].read_bytes()
                (folder / name).write_bytes(content)

    build(_key(root), out)


def _key(place: Path) -> str:
    said = subprocess.run(["stat", "-c", "%i %.9W", place], capture_output=True, text=True, check=True).stdout.split()
    seconds, _, parts = said[1].partition(".")
    return f"{said[0]}-{seconds}-{int(parts)}"


def library(folder: Path) -> Path | None:
    """The preloaded library, or None where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    built = folder / "dropped_writes.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", built, SOURCE, "-ldl"], check=True)
    return built


def power_cuts(folder: Path, built: Path, cuts: int, *, kept: float = 0.0, seed: int = 0) -> dict[str, Any]:
    """Cut the power so many times; raises when something acknowledged is gone."""
    rng = np.random.default_rng(seed)
    root = folder / "0"
    root.mkdir()
    Store.create(root / "store", model={"dim": DIM}).close()
    state: State = {}
    changes = lost = 0
    for number in range(1, cuts + 1):
        shadow = folder / f"shadow{number}"
        for part in ("files", "folders"):
            (shadow / part).mkdir(parents=True)
        extra = {"LD_PRELOAD": str(built), "DURABLE_ROOT": str(root), "DURABLE_SHADOW": str(shadow)}
        scene = os.environ | extra
        subprocess.run([sys.executable, "-S", "-c", FORCE, root], env=scene, check=True)
        words = [sys.executable, "-c", WRITER, str(root / "store"), str(seed * 100_000 + number)]
        process = subprocess.Popen(words, env=scene, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0, LONGEST))
        process.send_signal(signal.SIGKILL)
        lines = [line for line in process.communicate()[0].split("\n")[:-1] if line]
        begun = [json.loads(line) for line in lines if line != "done"]
        done = len(lines) - len(begun)
        for change in begun[:done]:
            state = changed(state, change)
        following = folder / str(number)
        cut(root, shadow, following, kept, rng)
        found = read(following / "store")
        wanted = [state, *(changed(state, change) for change in begun[done:])]
        assert found in wanted, f"cut {number}: {len(state)} documents acknowledged, {len(found)} found"
        report = verify(following / "store")
        assert report.ok, report.problems
        changes, lost = changes + done, lost + (found == state and len(begun) > done)
        state = found
        shutil.rmtree(root)
        shutil.rmtree(shadow)
        root = following
    return {"cuts": cuts, "kept": kept, "acknowledged": changes, "unfinished_dropped": lost, "documents": len(state)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--kept", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        built = library(Path(folder))
        if built is None:
            raise SystemExit("There is no C compiler (`cc`) here.")
        found = power_cuts(Path(folder), built, given.cuts, kept=given.kept, seed=given.seed)
    print(json.dumps(found))
    write_json(RESULTS / "dropped_writes.json", {**found, "environment": environment()})


if __name__ == "__main__":
    main()
