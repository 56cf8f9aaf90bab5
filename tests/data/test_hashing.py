import pyarrow as pa
import pytest

from accord.data.hashing import hash_table

COLUMNS = [
    pa.array(["a", None, "ß", ""]),
    pa.array([1, 2, None, 4]),
    pa.array([0.5, -0.0, 1e300, None]),
    pa.array([["a", "b"], [], None, ["c"]]),
    pa.array([[1.5], [], [2.0, 3.0], [4.0]]),
    pa.array([{"x": 1}, {"x": None}, None, {"x": 2}]),
    pa.array([True, False, None, True]),
    pa.array(["a", "b", "a", None]).dictionary_encode(),
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda c: str(c.type))
def test_chunks_and_slices_do_not_matter_and_values_do(column):
    whole = pa.table({"c": column})
    parts = pa.concat_tables([whole.slice(0, 3), whole.slice(3)])
    taken = pa.concat_tables([whole, whole]).slice(4, 4)
    assert hash_table(whole) == hash_table(parts) == hash_table(taken) == hash_table(whole.take([0, 1, 2, 3]))
    assert len({hash_table(whole.take(rows)) for rows in ([0, 1, 2, 3], [0, 1, 3, 2], [0, 1, 2], [0, 0, 2, 3])}) == 4


def test_where_a_text_ends_matters():
    assert hash_table(pa.table({"c": ["ab", "c"]})) != hash_table(pa.table({"c": ["a", "bc"]}))
    assert hash_table(pa.table({"c": [["a", "b"], []]})) != hash_table(pa.table({"c": [["a"], ["b"]]}))


def test_a_missing_text_is_not_an_empty_one():
    assert hash_table(pa.table({"c": ["a", None]})) != hash_table(pa.table({"c": ["a", ""]}))


def test_names_matter_and_their_order_does_not():
    here = pa.table({"a": ["x"], "b": ["y"]})
    assert hash_table(here) == hash_table(here.select(["b", "a"]))
    assert hash_table(here) != hash_table(here.rename_columns(["a", "c"]))
    assert hash_table(here) != hash_table(here.rename_columns(["b", "a"]))
