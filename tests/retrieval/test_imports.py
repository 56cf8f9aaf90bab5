"""Indexes of FAISS and usearch become stores with the same vectors under the same ids."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from accord.core.errors import DataError, InputError
from accord.retrieval import verify
from accord.retrieval.imports import import_faiss, import_usearch

faiss = pytest.importorskip("faiss")
L2 = faiss.METRIC_L2


@pytest.fixture
def matrix(rng, rows):
    return rows(rng, 60)


def written(index, tmp_path, vectors, numbers=None):
    index.train(vectors)
    if numbers is None:
        index.add(vectors)
    else:
        index.add_with_ids(vectors, numbers)
    path = tmp_path / "index.faiss"
    faiss.write_index(index, str(path))
    return path


@pytest.mark.parametrize("words", ["Flat", "HNSW8,Flat", "IVF4,Flat", "IDMap,Flat", "IDMap2,HNSW8", "HNSW8_SQ8,RFlat"])
@pytest.mark.parametrize("metric", [faiss.METRIC_INNER_PRODUCT, L2])
def test_faiss_vectors_come_back_bit_for_bit(tmp_path, matrix, words, metric):
    numbers = np.arange(60) * 7 + 3 if "IDMap" in words else None
    path = written(faiss.index_factory(8, words, metric), tmp_path, matrix, numbers)
    with import_faiss(path, None, tmp_path / "store") as store:
        names = [str(n) for n in (range(60) if numbers is None else numbers)]
        assert store.ids() == names
        assert np.array_equal(store.vectors(), matrix)
        assert store.record["similarity"] == "cosine"
        assert [hit.id for hit in store.search(matrix[5], 1)] == [names[5]]
        assert verify(store.path).ok


def test_products_of_many_lengths_stay_products(tmp_path, matrix):
    long = matrix * np.linspace(0.5, 2, 60, dtype=np.float32)[:, None]
    path = written(faiss.IndexFlatIP(8), tmp_path, long)
    with import_faiss(path, [f"d{n}" for n in range(60)], tmp_path / "store", model={"name": "some"}) as store:
        assert (store.record["similarity"], store.record["name"]) == ("dot", "some")
        assert np.array_equal(store.vectors(["d7"]), long[7:8])
    path = written(faiss.IndexFlatL2(8), tmp_path, long)
    with pytest.raises(InputError, match="length 1 first"):
        import_faiss(path, None, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_approximations_are_refused_or_taken_with_a_warning(tmp_path, matrix, caplog):
    path = written(faiss.index_factory(8, "SQ8", faiss.METRIC_INNER_PRODUCT), tmp_path, matrix)
    with pytest.raises(InputError, match="lossy=True"):
        import_faiss(path, None, tmp_path / "store")
    with caplog.at_level(logging.WARNING), import_faiss(path, None, tmp_path / "store", lossy=True) as store:
        assert np.allclose(store.vectors(), matrix, atol=0.02)
    assert "approximation" in caplog.text


def test_ids_that_do_not_fit_and_files_that_are_none(tmp_path, matrix):
    path = written(faiss.IndexFlatIP(8), tmp_path, matrix)
    for ids, rule in ((["a"], "each of the 60"), ({0: "a"}, "lacks 59 numbers"), (["a"] * 60, "unique")):
        with pytest.raises(InputError, match=rule):
            import_faiss(path, ids, tmp_path / f"store{len(rule)}")
    with import_faiss(path, {n: f"n{n}" for n in range(60)}, tmp_path / "store") as store:
        assert store.ids()[-1] == "n59"
    with pytest.raises(InputError, match="already holds a store"):
        import_faiss(path, None, tmp_path / "store")
    (tmp_path / "bad").write_bytes(b"nothing of the kind")
    for bad in ("bad", "gone"):
        with pytest.raises(DataError, match="cannot read it"):
            import_faiss(tmp_path / bad, None, tmp_path / "none")


@pytest.mark.parametrize(("dtype", "metric"), [("f32", "cos"), ("f32", "ip"), ("f16", "cos")])
def test_usearch(tmp_path, matrix, dtype, metric):
    usearch = pytest.importorskip("usearch.index")
    index = usearch.Index(ndim=8, metric=metric, dtype=dtype)
    index.add(np.arange(60) * 3 + 1, matrix)
    index.save(str(tmp_path / "index.usearch"))
    lossy = dtype != "f32"
    if lossy:
        with pytest.raises(InputError, match="lossy=True"):
            import_usearch(tmp_path / "index.usearch", None, tmp_path / "store")
    with import_usearch(tmp_path / "index.usearch", None, tmp_path / "store", lossy=lossy) as store:
        assert store.ids() == [str(3 * n + 1) for n in range(60)]
        assert np.allclose(store.vectors(), matrix, atol=2e-3 if lossy else 1e-7)
    (tmp_path / "bad").write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match="cannot read it"):
        import_usearch(tmp_path / "bad", None, tmp_path / "none")
