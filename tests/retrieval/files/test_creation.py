"""New stores of codes: a codec that does not fit is refused, the one that does is copied."""

from __future__ import annotations

import numpy as np
import pytest

import accord.retrieval
from accord.compression import codecs
from accord.core.errors import InputError, StorageError
from accord.retrieval import Store, verify

MODEL = {"dim": 8, "fingerprint": "f0"}


def fitted(dim=8, similarity="cosine", made_for="f0"):
    rows = np.random.default_rng(2).standard_normal((40, dim)).astype(np.float32)
    return codecs.Int8().fit(rows, similarity=similarity, made_for=made_for)


@pytest.mark.parametrize(
    ("codec", "match"),
    [
        (fitted(dim=9), "dimension 9.*Fit a codec"),
        (fitted(similarity="dot"), "similarity dot.*Fit a codec"),
        (fitted(made_for="f1"), "made for the model f1.*Fit a codec"),
        ("nowhere", "no codec folder"),
    ],
)
def test_a_codec_that_does_not_fit(tmp_path, codec, match):
    with pytest.raises(InputError, match=match):
        Store.create(tmp_path / "s", model=MODEL, codec=codec)
    assert not (tmp_path / "s").exists()
    with pytest.raises(InputError, match="rescore"):
        Store.create(tmp_path / "s", model=MODEL, codec=fitted(), rescore="float8")


def test_a_codec_folder_is_copied_as_it_is(tmp_path):
    codecs.save(fitted(), tmp_path / "codec", seed=7)
    store = Store.create(tmp_path / "s", model=MODEL, codec=tmp_path / "codec")
    for file in (tmp_path / "codec").iterdir():
        assert (store.path / "codecs" / "vector.code" / file.name).read_bytes() == file.read_bytes()
    assert codecs.identity(store.codec) == codecs.identity(fitted())
    assert verify(store.path).problems == ()


def test_an_empty_store_of_codes_says_so(tmp_path):
    store = Store.create(tmp_path / "s", model=MODEL, codec=fitted())
    with pytest.raises(InputError, match="holds no documents"):
        store.search(np.ones(8))
    with store.write() as writer, pytest.raises(InputError, match=r"shape \(1, 8\). Got \(1, 7\)"):
        writer.add([{"text": "t"}], np.ones((1, 7)))


def test_going_on_needs_the_same_codec_and_rescoring(tmp_path):
    Store.create(tmp_path / "s", model=MODEL, codec=fitted()).close()
    Store.create(tmp_path / "s", model=MODEL, codec=fitted(), exist_ok=True).close()
    for options, what in (
        ({}, "codec: Int8"),
        ({"codec": codecs.Float16().fit(np.eye(8), made_for="f0")}, "codec: Int8"),
        ({"codec": fitted(), "rescore": "none"}, "rescoring: float16, not none"),
    ):
        with pytest.raises(InputError, match=f"another {what}"):
            Store.create(tmp_path / "s", model=MODEL, exist_ok=True, **options)


def test_what_half_precision_cannot_hold(tmp_path):
    codec = fitted(similarity="dot")
    for rescore in ("float16", "float32"):
        store = Store.create(tmp_path / rescore, model=MODEL | {"similarity": "dot"}, codec=codec, rescore=rescore)
        with store.write() as writer:
            if rescore == "float16":
                with pytest.raises(InputError, match=r'vectors\[1\] must be at most 65,504.*rescore="float32"'):
                    writer.add([{"text": "t"}, {"text": "u"}], [[1.0] * 8, [1e5] * 8])
            else:
                writer.add([{"text": "t"}, {"text": "u"}], [[1.0] * 8, [1e5] * 8])
                assert len(store) == 0


def test_a_changed_codec_is_an_error_with_the_cure(coded):
    path = coded.path
    coded.close()
    file = path / "codecs" / "vector.code" / "codec.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with accord.retrieval.open(path) as store:
        assert store.get("d07").text == "text 7"
        with pytest.raises(StorageError, match=r"was changed.*Put back the file with SHA-256"):
            store.search(np.ones(8))
        with pytest.raises(StorageError, match="was changed"), store.write() as writer:
            writer.add([{"text": "t"}], np.ones((1, 8)))
    file.unlink()
    with accord.retrieval.open(path) as store, pytest.raises(StorageError, match="is missing"):
        store.search(np.ones(8))
    file.write_bytes(whole)
    with accord.retrieval.open(path) as store:
        assert len(store.search(np.ones(8))) == 10


def test_stats(coded, filled):
    stats = coded.stats()
    assert (stats.documents, stats.deleted, stats.codec, stats.rescore) == (30, 0, "Int8", "float16")
    assert (stats.scanned_bytes_per_vector, stats.float32_ratio, stats.scanned_bytes) == (8, 4.0, 240)
    assert [(c.field, c.dtype, c.use, c.bytes_per_row) for c in stats.columns] == [
        ("vector.code", "|u1", "scan", 8),
        ("vector", "<f2", "rescore", 16),
    ]
    assert stats.disk_bytes > sum(column.bytes for column in stats.columns)
    with filled.write() as writer:
        writer.delete(["d00"])
    stats = filled.stats()
    assert (stats.documents, stats.deleted, stats.codec, stats.rescore) == (29, 1, None, "exact")
    assert stats.scanned_bytes_per_vector == 32
