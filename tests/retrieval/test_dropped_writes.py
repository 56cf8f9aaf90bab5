"""After a power cut a store is what was acknowledged; a writer that forgets to force a folder to the disk is caught."""

from __future__ import annotations

import pytest

dropped_writes = pytest.importorskip("benchmarks.dropped_writes")


@pytest.fixture
def built(tmp_path):
    (tmp_path / "library").mkdir()
    made = dropped_writes.library(tmp_path / "library")
    if made is None:
        pytest.skip("no C compiler here")
    return made


@pytest.mark.slow
@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_nothing_acknowledged_is_lost_with_what_was_not_forced_to_the_disk(tmp_path, built, kept):
    (tmp_path / "cuts").mkdir()
    found = dropped_writes.power_cuts(tmp_path / "cuts", built, 4, kept=kept)
    assert found["acknowledged"] > 0


@pytest.mark.slow
def test_a_careless_writer_is_caught(tmp_path, built, monkeypatch):
    careless = "import accord.retrieval.files.segments as s; s.fsync_path = lambda path: None"
    monkeypatch.setattr(dropped_writes, "WRITER", dropped_writes.WRITER.replace("rng =", f"{careless}\nrng =", 1))
    (tmp_path / "cuts").mkdir()
    with pytest.raises((AssertionError, OSError)):
        dropped_writes.power_cuts(tmp_path / "cuts", built, 6)
