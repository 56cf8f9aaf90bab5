"""Segment files: readable by any tool, exact headers, hashes that notice every byte."""

from __future__ import annotations

import io

import numpy as np
import pytest

from accord.core.errors import StorageError
from accord.retrieval.files.segments import SegmentFile, changed_blocks, header, map_segment, write_segment


@pytest.mark.parametrize(("rows", "dim"), [(1, 1), (12_345_678_901, 4096)])
def test_the_header_is_numpys(rows, dim):
    data = io.BytesIO(header("<f4", rows, dim))
    assert np.lib.format.read_magic(data) == (1, 0)
    assert np.lib.format.read_array_header_1_0(data) == ((rows, dim), False, np.dtype("<f4"))
    assert data.read() == b""


def test_a_finished_file_is_whole_and_every_changed_byte_is_noticed(tmp_path, rng):
    parts = [rng.standard_normal((n, 3)).astype(np.float32) for n in (4, 1)]
    segment = write_segment(tmp_path, 7, parts)
    assert (segment.start, segment.end, segment.rows) == (7, 12, 5)
    assert np.array_equal(map_segment(tmp_path, segment), np.concatenate(parts))
    assert [file.name for file in tmp_path.iterdir()] == [segment.name]
    assert changed_blocks(tmp_path, segment) is None
    file = tmp_path / segment.name
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert changed_blocks(tmp_path, segment) == [0]
        if place < 128:
            with pytest.raises(StorageError, match="changed header"):
                map_segment(tmp_path, segment)


def test_an_abandoned_file_leaves_nothing(tmp_path):
    file = SegmentFile(tmp_path, 0, 2)
    file.append(np.ones((3, 2)))
    assert np.array_equal(file.row_array(), np.ones((3, 2)))
    file.abandon()
    assert list(tmp_path.iterdir()) == []


def test_rows_cannot_be_written_through_the_map(tmp_path):
    segment = write_segment(tmp_path, 0, [np.ones((2, 2), dtype=np.float32)])
    with pytest.raises(ValueError, match="read-only"):
        map_segment(tmp_path, segment)[0, 0] = 5
