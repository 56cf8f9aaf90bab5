"""Killed writers, full disks and dead processes: what was acknowledged is there, and the store opens."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import accord.retrieval
from accord.compression.codecs import Int8
from accord.retrieval import Store, verify
from benchmarks import durability

DIM = 16

WRITER = """
import sys
import numpy as np
import accord.retrieval
store = accord.retrieval.open(sys.argv[1])
first, codec = int(sys.argv[2]), store.codec  # loaded before we are ready
print("ready", flush=True)
for batch in range(first, first + 10_000):
    vectors = np.random.default_rng(batch).standard_normal((5, 16))
    with store.write() as writer:
        writer.add([{"id": f"{batch}-{n}", "text": f"text {batch} {n}"} for n in range(5)], vectors)
        if batch % 3 == 2:
            writer.delete([f"{batch - 1}-0"])
            writer.update([{"id": f"{batch - 1}-1", "updated": batch}])
    print(batch, flush=True)
"""

HOLDER = """
import sys, time
import accord.retrieval
with accord.retrieval.open(sys.argv[1]).write() as writer:
    writer.add([{"text": "never committed"}], [[1.0] * 16])
    print("ready", flush=True)
    time.sleep(60)
"""

FULL = """
import resource, sys
import numpy as np
import accord.retrieval
from accord.core.errors import StorageError
rows, text = int(sys.argv[2]), int(sys.argv[3])
store = accord.retrieval.open(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
records = [{"id": f"big-{n}", "text": "x" * text + str(n)} for n in range(rows)]
try:
    with store.write() as writer:
        writer.delete(["0-0"])
        writer.add(records, np.random.default_rng(0).standard_normal((rows, 16)))
except StorageError as error:
    print(error)
else:
    sys.exit("nothing was refused")
assert store.get("0-0") is not None and len(store) == 5
with store.write() as writer:
    writer.add([{"id": "small", "text": "t"}], [[1.0] * 16])
"""


def run(code, *arguments):
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def check_batches(path, acknowledged):
    """Every acknowledged batch is whole; at most the one under way came on top, and it is whole too."""
    with accord.retrieval.open(path) as store:
        names = store.ids()
        by_batch: dict[int, set[str]] = {}
        for name in names:
            by_batch.setdefault(int(name.partition("-")[0]), set()).add(name)
        batches = sorted(by_batch)
        assert set(acknowledged) <= set(batches)
        if not batches:
            return -1
        for batch in batches:
            follower = batch + 1 in by_batch and batch % 3 == 1
            wanted = {f"{batch}-{n}" for n in range(1 if follower else 0, 5)}
            assert wanted == by_batch[batch]
            document = store.get(f"{batch}-1")
            assert document.metadata == ({"updated": batch + 1} if follower else {})
            assert store.get(f"{batch}-4").text == f"text {batch} 4"
        vectors = np.random.default_rng(batches[-1]).standard_normal((5, DIM))
        assert store.search_vectors(vectors, 1)[0] == [[f"{batches[-1]}-{n}"] for n in range(5)]
    report = verify(path)
    assert report.ok, report.problems
    return batches[-1]


def kill_and_check(path, rng, kills):
    acknowledged: list[int] = []
    following = 0
    for _ in range(kills):  # at any moment from the first commit on
        process = run(WRITER, path, following)
        assert process.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        said = [int(line) for line in process.communicate()[0].splitlines() if line.strip()]
        acknowledged += said
        following = check_batches(path, acknowledged) + 1
        following += (3 - following) % 3  # a batch that deletes from the one before always has one before
    assert len(acknowledged) > 3


@pytest.fixture
def path(tmp_path):
    store = Store.create(tmp_path / "store", model={"dim": DIM})
    with store.write() as writer:
        writer.add(
            [{"id": f"0-{n}", "text": f"text 0 {n}"} for n in range(5)],
            np.random.default_rng(0).standard_normal((5, DIM)),
        )
    store.close()
    return store.path


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_to_kills(tmp_path, rng):
    Store.create(tmp_path / "store", model={"dim": DIM}).close()
    kill_and_check(tmp_path / "store", rng, 8)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_to_many_kills(tmp_path, rng):
    Store.create(tmp_path / "store", model={"dim": DIM}).close()
    kill_and_check(tmp_path / "store", rng, 20)


def coded_store(folder):
    codec = Int8().fit(np.random.default_rng(1).standard_normal((50, DIM)).astype(np.float32))
    Store.create(folder, model={"dim": DIM}, codec=codec).close()
    return folder


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_to_kills_with_codes(tmp_path, rng):
    kill_and_check(coded_store(tmp_path / "store"), rng, 8)


def test_the_leftovers_of_a_killed_writer_of_codes_are_removed(tmp_path):
    path = coded_store(tmp_path / "store")
    process = run(HOLDER, path)
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.communicate()
    assert [p.kind for p in verify(path).problems] == ["orphan", "orphan"]  # codes and vectors
    with accord.retrieval.open(path) as store:
        with store.write() as writer:
            writer.add([{"text": "committed"}], [[1.0] * DIM])
        assert len(store) == 1
    assert verify(path).problems == ()


def test_the_lock_and_the_leftovers_of_a_killed_writer_are_taken_over(path):
    process = run(HOLDER, path)
    assert process.stdout.readline() == "ready\n"
    store = accord.retrieval.open(path)
    with pytest.raises(accord.retrieval.StoreLocked, match=f"process {process.pid}"), store.write():
        pass
    assert len(store.search([1.0] * DIM)) == 5  # readers go on
    process.kill()
    process.communicate()
    assert [p.kind for p in verify(path).problems] == ["orphan"]
    with store.write() as writer:
        writer.delete(["0-3"])
    assert len(accord.retrieval.open(path)) == 4
    assert verify(path).problems == ()


@pytest.mark.slow
def test_readers_and_verify_go_on_while_a_writer_works(tmp_path):
    path = tmp_path / "store"
    reader = Store.create(path, model={"dim": DIM})
    process = run(WRITER, path, 0)
    try:
        seen = [0]
        until = time.monotonic() + 8
        while time.monotonic() < until:
            reader.refresh()
            if not len(reader):
                continue
            names = reader.ids()
            assert len(names) == len(reader) == len(reader.search_vectors(np.ones((1, DIM)), 10**6)[0][0])
            assert reader.get(names[-1]) is not None
            assert reader.version >= seen[-1]
            seen.append(reader.version)
            report = verify(path)
            assert report.ok, report.problems
        assert len(set(seen)) > 10
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("rows", "text"), [(20_000, 5), (200, 5_000)], ids=["vectors", "documents"])
def test_a_full_disk_leaves_the_last_commit(path, rows, text):
    process = run(FULL, path, rows, text)
    said = process.communicate()[0]
    assert process.returncode == 0
    assert str(path) in said
    with accord.retrieval.open(path) as store:
        assert sorted(store.ids()) == ["0-0", "0-1", "0-2", "0-3", "0-4", "small"]
    assert verify(path).ok


@pytest.mark.slow
def test_killed_writers_that_also_compact_and_replace(tmp_path, rng):
    done = durability.kills(tmp_path, 6, rng)
    assert (done["lost"], done["unopened"]) == (0, 0)


@pytest.mark.slow
def test_flips_that_change_an_answer_of_any_search_are_found(tmp_path, rng):
    done = durability.flips(tmp_path, 40, rng)
    assert done["crashes"] == 0 and 0 < done["changed"] == done["found"]


@pytest.mark.slow
def test_a_disk_that_fills_up_at_any_moment_of_a_write(tmp_path):
    done = durability.full(tmp_path)
    assert done["refused"] >= 4


@pytest.mark.slow
def test_a_second_writer_is_told_at_once_and_a_dead_one_succeeded(tmp_path):
    assert durability.locks(tmp_path) | {"seconds": 0} == {
        "second_writer": "StoreLocked",
        "seconds": 0,
        "taken_over": True,
    }
