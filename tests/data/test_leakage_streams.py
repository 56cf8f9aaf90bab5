"""Leaks in a streamed train part: found block by block, as in memory, and left out."""

import json

import numpy as np
import pytest

from accord.data import Pairs
from accord.data import leakage as room
from accord.data.leakage import find_leaks
from accord.data.streams import stream


@pytest.fixture
def rows():
    return [{"id": str(i), "anchor": f"question {i % 37}", "positive": f"answer {i}"} for i in range(300)]


@pytest.fixture
def streamed(tmp_path, rows):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return stream(file, signal=Pairs, cache=tmp_path / "cache")


def test_the_same_rows_leak_as_in_memory(monkeypatch, streamed, rows):
    monkeypatch.setattr(room, "BLOCK", 64)
    held = Pairs.of([{"anchor": "Question  5", "positive": "x"}, {"anchor": "y", "positive": "ANSWER 299"}])
    other = Pairs.of([{"id": "7", "anchor": "a", "positive": "b"}])
    found = []
    for train in (streamed, Pairs.of(rows)):
        parts = {"a": {"train": train, "test": held}, "b": {"dev": other}}
        found.append(find_leaks(parts, sources={"a": "s", "b": "s"}))
    assert found[0].keep["a"].tolist() == found[1].keep["a"].tolist()
    assert found[0].rows == found[1].rows
    assert found[0].count == len([i for i in range(300) if i % 37 == 5 or i in {7, 299}])


def test_a_selection_is_a_stream_of_its_rows(streamed, rows):
    kept = np.flatnonzero(np.arange(300) % 3)
    chosen = streamed.select(kept)
    assert len(chosen) == len(kept)
    assert chosen.take([0, 5, len(kept) - 1]).ids == [str(kept[i]) for i in (0, 5, len(kept) - 1)]
    assert chosen.select(np.array([1, 4])).take([1]).ids == [str(kept[4])]
    assert len({streamed.fingerprint(), chosen.fingerprint(), chosen.select(np.arange(9)).fingerprint()}) == 3
    batches = chosen.batches(8, seed=0, name="t")
    seen = np.concatenate([batches.rows(k) for k in range(25)])
    assert sorted(seen.tolist()) == list(range(200))
