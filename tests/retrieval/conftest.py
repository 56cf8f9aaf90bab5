"""Small stores that every test of this room starts from."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from accord.compression.codecs import Int8
from accord.retrieval import Store

DIM = 8


def unit_rows(rng, rows, dim=DIM):
    matrix = rng.standard_normal((rows, dim)).astype(np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def rows():
    """Unit rows from a generator."""
    return unit_rows


@pytest.fixture
def empty(tmp_path):
    with Store.create(tmp_path / "store", model={"dim": DIM, "fingerprint": "f0"}) as store:
        yield store


@pytest.fixture(scope="session")
def thirty(tmp_path_factory):
    rng = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("thirty") / "store"
    with Store.create(path, model={"dim": DIM, "fingerprint": "f0"}) as store:
        for first, last in ((0, 20), (20, 29), (29, 30)):
            with store.write() as writer:
                writer.add(
                    [
                        {"id": f"d{n:02}", "text": f"text {n}", "title": f"Title {n}", "n": n, "tags": ["a", None]}
                        for n in range(first, last)
                    ],
                    unit_rows(rng, last - first),
                )
    return path


@pytest.fixture(scope="session")
def thirty_coded(tmp_path_factory):
    rng = np.random.default_rng(4)
    path = tmp_path_factory.mktemp("coded") / "store"
    codec = Int8().fit(unit_rows(rng, 50), made_for="f0")
    with Store.create(path, model={"dim": DIM, "fingerprint": "f0"}, codec=codec) as store:
        for first, last in ((0, 20), (20, 30)):
            with store.write() as writer:
                records = [{"id": f"d{n:02}", "text": f"text {n}"} for n in range(first, last)]
                writer.add(records, unit_rows(rng, last - first))
    return path


@pytest.fixture
def coded(thirty_coded, tmp_path):
    """Thirty documents with int8 codes and half-precision vectors, in two commits."""
    with Store(shutil.copytree(thirty_coded, tmp_path / "coded")) as store:
        yield store


@pytest.fixture
def filled(thirty, tmp_path):
    """Thirty documents with the ids d00 to d29, in three commits."""
    with Store(shutil.copytree(thirty, tmp_path / "store")) as store:
        yield store
