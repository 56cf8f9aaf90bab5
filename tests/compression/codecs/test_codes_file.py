"""Files of codes: for the codec that made them, whole, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from accord.compression.codecs import Int8, Sign, read_codes, write_codes
from accord.core.errors import InputError, StorageError


@pytest.fixture
def codec(rng: np.random.Generator) -> Int8:
    return Int8().fit(rng.normal(size=(30, 6)))


@pytest.fixture
def file(tmp_path: Path, codec: Int8, rng: np.random.Generator) -> Path:
    return write_codes(tmp_path / "codes.npy", codec, codec.encode(rng.normal(size=(20, 6))))


def test_is_a_plain_array_of_bytes(file: Path, codec: Int8) -> None:
    codes = np.load(file)
    assert (codes.dtype, codes.shape) == (np.uint8, (20, 6))
    for mapped in (False, True):
        np.testing.assert_array_equal(read_codes(file, codec, mapped=mapped), codes)


def test_every_flipped_byte_is_refused(file: Path, codec: Int8) -> None:
    content = file.read_bytes()
    for place in range(0, len(content), 7):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(InputError, match=r"codes\.npy"):
            read_codes(file, codec)


def test_a_wrong_length_is_refused(file: Path, codec: Int8) -> None:
    for wrong in (np.zeros((20, 7), dtype=np.uint8), np.zeros((19, 6), dtype=np.uint8), np.zeros((20, 6))):
        np.save(file, wrong)
        with pytest.raises(InputError, match=r"uint8 of shape|must hold 20 codes"):
            read_codes(file, codec)
    file.write_bytes(b"")
    with pytest.raises(InputError, match="cannot be read"):
        read_codes(file, codec)


def test_codes_of_another_codec_are_refused_by_hash(file: Path, rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match=r"was encoded by the codec \w{12} \(Int8\), not by \w{12} \(Sign\)"):
        read_codes(file, Sign().fit(rng.normal(size=(30, 6))))


def test_what_is_missing_is_named(file: Path, codec: Int8) -> None:
    beside = file.with_name("codes.npy.json")
    said = json.loads(beside.read_text())
    beside.write_text(json.dumps(said | {"format": "other"}))
    with pytest.raises(InputError, match="must have the format accord-codes/1"):
        read_codes(file, codec)
    beside.unlink()
    with pytest.raises(InputError, match=r"codes\.npy\.json is missing"):
        read_codes(file, codec)
    with pytest.raises(InputError, match="suffix"):
        write_codes(file.with_suffix(".bin"), codec, np.zeros((1, 6), dtype=np.uint8))


def test_a_full_disk_leaves_nothing_half_written(file: Path, codec: Int8, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(StorageError, match="disk is full"):
        write_codes(file, codec, np.zeros((3, 6), dtype=np.uint8))
    assert file.read_bytes() == before
