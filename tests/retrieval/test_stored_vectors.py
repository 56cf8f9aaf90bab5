"""Vectors come out as they went in, by id, whatever segment they lie in."""

import numpy as np
import pytest

from accord.compression.codecs import Int8
from accord.core.errors import InputError
from accord.retrieval import Store


@pytest.fixture
def three(empty, rows, rng):
    matrix = rows(rng, 6)
    for first in (0, 2, 4):
        with empty.write() as writer:
            writer.add([{"id": f"d{n}", "text": "x"} for n in (first, first + 1)], matrix[first : first + 2])
    return empty, matrix


def test_they_come_in_the_order_that_is_asked_for(three):
    store, matrix = three
    np.testing.assert_array_equal(store.vectors(["d5", "d0", "d3", "d0"]), matrix[[5, 0, 3, 0]])
    with store.write() as writer:
        writer.delete(["d1"])
    np.testing.assert_array_equal(store.vectors(), matrix[[0, 2, 3, 4, 5]])
    assert store.vectors([]).shape == (0, 8)


def test_an_unknown_id_and_codes_alone_are_refused(three, tmp_path, rows, rng):
    with pytest.raises(InputError, match="no document with the id 'nobody'"):
        three[0].vectors(["d1", "nobody"])
    codec = Int8().fit(rows(rng, 20), made_for="f0")
    with Store.create(tmp_path / "codes", model={"dim": 8, "fingerprint": "f0"}, codec=codec, rescore="none") as store:
        with store.write() as writer:
            writer.add([{"id": "a", "text": "a"}], rows(rng, 1))
        with pytest.raises(InputError, match="codes only"):
            store.vectors()
