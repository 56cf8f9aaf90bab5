import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accord.core.errors import DataError
from accord.data.formats import exact_delimited, exact_jsonl, read_table
from accord.data.signals import Unlabelled

ROWS = [{"text": "one", "n": 1}, {"text": "zwei \u00e9\u4e2d", "n": 2}, {"text": 'with "quotes", commas', "n": 3}]


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".tsv"])
def test_the_formats_agree(tmp_path, ending, compressed):
    if ending == ".jsonl":
        body, numbers = lines(ROWS), [1, 2, 3]
    elif ending == ".csv":
        quoted = ['"' + row["text"].replace('"', '""') + '"' for row in ROWS]
        body, numbers = "text,n\n" + "".join(f"{t},{r['n']}\n" for t, r in zip(quoted, ROWS)), ["1", "2", "3"]
    else:
        body, numbers = "text\tn\n" + "".join(f"{r['text']}\t{r['n']}\n" for r in ROWS), ["1", "2", "3"]
    data = gzip.compress(body.encode()) if compressed else body.encode()
    path = write(tmp_path / f"data{ending}{'.gz' if compressed else ''}", data)
    table = read_table(path)
    assert table["text"].to_pylist() == [row["text"] for row in ROWS]
    assert table["n"].to_pylist() == numbers


def test_parquet(tmp_path):
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "data.parquet")
    assert read_table(tmp_path / "data.parquet").to_pylist() == ROWS
    with pytest.raises(DataError, match=r"cannot be read as Parquet"):
        read_table(write(tmp_path / "bad.parquet", "text"))


values = st.one_of(st.none(), st.text(max_size=8), st.lists(st.text(max_size=3), max_size=3))
NO_SURROGATES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.lists(
        st.fixed_dictionaries({"text": NO_SURROGATES}, optional={"n": st.integers(-9, 9), "b": st.booleans()}),
        min_size=1,
    )
)
def test_the_fast_pass_equals_the_exact_one(tmp_path, rows):
    path = write(tmp_path / "data.jsonl", lines(rows))
    fast, exact = read_table(path), exact_jsonl(path)
    assert fast.to_pylist() == exact.to_pylist()
    assert fast["text"].to_pylist() == [row["text"] for row in rows]


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6))
def test_csv_keeps_every_text(tmp_path, rows):
    body = "a,b\n" + "".join(",".join('"' + c.replace('"', '""') + '"' for c in row) + "\n" for row in rows)
    path = write(tmp_path / "data.csv", body)
    for table in (read_table(path), exact_delimited(path)):
        assert [tuple(row.values()) for row in table.to_pylist()] == rows


def test_texts_that_look_like_dates_numbers_or_nothing_stay_texts(tmp_path):
    rows = [{"text": "2020-01-01", "tags": ["2020-01-02T03:04:05"]}] * 2
    assert read_table(write(tmp_path / "d.jsonl", lines(rows))).to_pylist() == rows
    table = read_table(write(tmp_path / "d.csv", "text,flag\n007,NA\n2020-01-01,null\n"))
    assert table.to_pylist() == [{"text": "007", "flag": "NA"}, {"text": "2020-01-01", "flag": "null"}]


def test_blank_lines_and_a_byte_order_mark(tmp_path):
    path = write(tmp_path / "d.jsonl", b'\xef\xbb\xbf{"text": "a"}\n\n  \n{"text": "b"}')
    assert read_table(path)["text"].to_pylist() == ["a", "b"]
    path = write(tmp_path / "d.csv", b"\xef\xbb\xbftext,n\r\na,1\r\n\r\nb,2\r\n")
    assert read_table(path).to_pylist() == [{"text": "a", "n": "1"}, {"text": "b", "n": "2"}]


def test_unlike_nested_values_are_kept_as_json(tmp_path):
    rows = [{"text": "a", "box": [["red", 1]]}, {"text": "b", "box": None}]
    table = read_table(write(tmp_path / "d.jsonl", lines(rows)))
    assert table["box"].to_pylist() == ['[["red", 1]]', None] and table["text"].to_pylist() == ["a", "b"]


def test_a_line_longer_than_a_block_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("accord.data.formats.BLOCK", 64)
    rows = [{"text": "x" * 50}, {"text": "y" * 500}, {"text": "z"}]
    assert read_table(write(tmp_path / "d.jsonl", lines(rows))).to_pylist() == rows


BAD_JSONL = [
    ('{"text": "a"}\n\n{"text": 5}\n', "line 3: `text` is a number; it is a text in the lines above"),
    ('{"text": "a"}\n{"text": \n', r"line 2: not valid JSON"),
    ('{"text": "a"}\n["b"]\n', "line 2: not an object"),
    ('{"text": "a"}\n{"text": "\\ud800"}\n', "line 2: holds half of a surrogate pair"),
    ('{"n": 1}\n{"n": true}\n', "line 2: `n` is true/false; it is a number"),
    ('{"n": "x"}\n{"n": ["x"]}\n', "line 2: `n` is a list; it is a text"),
    (b'{"text": "a"}\n{"text": "caf\xe9"}\n', r"line 2: not UTF-8 \(byte 0xe9 at position 14\)"),
    ("", "is empty"),
    ("\n\n", "is empty: it holds no rows"),
]


@pytest.mark.parametrize(("body", "match"), BAD_JSONL)
@pytest.mark.parametrize("compressed", [False, True])
def test_bad_jsonl_names_the_line(tmp_path, body, match, compressed):
    data = body if isinstance(body, bytes) else body.encode()
    name = "d.jsonl.gz" if compressed else "d.jsonl"
    with pytest.raises(DataError, match=match) as caught:
        read_table(write(tmp_path / name, gzip.compress(data) if compressed else data))
    assert name in str(caught.value)


BAD_DELIMITED = [
    ("d.csv", 'text,n\na,1\n\n"b\nb",2\nc\n', "line 6: 1 fields, and the heading has 2"),
    ("d.csv", "text,n\na,1,2\n", "line 2: 3 fields"),
    ("d.csv", 'text,n\na,1\n"b,2\n', "line 3: "),
    ("d.tsv", "text\tn\na\t1\nb\t2\t3\n", "line 3: 3 fields"),
    ("d.csv", "text,text\na,b\n", "`text` is named twice"),
    ("d.csv", "text,\na,b\n", "has no name"),
    ("d.csv", "text,n\n", "holds no rows"),
    ("d.tsv", b"text\tn\ncaf\xe9\t1\n", "line 2: not UTF-8"),
]


@pytest.mark.parametrize(("name", "body", "match"), BAD_DELIMITED)
def test_bad_csv_and_tsv_name_the_line(tmp_path, name, body, match):
    with pytest.raises(DataError, match=match):
        read_table(write(tmp_path / name, body))


def test_tsv_is_never_quoted(tmp_path):
    table = read_table(write(tmp_path / "d.tsv", 'text\tn\n"open\t1\n"shut"\t2\n'))
    assert table["text"].to_pylist() == ['"open', '"shut"']


def test_files_that_are_not_there_or_not_known(tmp_path):
    with pytest.raises(DataError, match=r"does not exist"):
        read_table(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match=r"unknown file type. Known endings: .jsonl, .csv"):
        read_table(write(tmp_path / "d.xlsx", "x"))
    with pytest.raises(DataError, match=r"is a folder"):
        read_table(tmp_path)
    with pytest.raises(DataError, match=r"not gzip"):
        read_table(write(tmp_path / "d.jsonl.gz", '{"text": "a"}\n'))
    with pytest.raises(DataError, match=r"cut off"):
        read_table(write(tmp_path / "e.jsonl.gz", gzip.compress(lines(ROWS * 50).encode())[:-20]))


@pytest.mark.parametrize(
    ("name", "body", "line"),
    [
        ("d.jsonl", '{"text": "a"}\n\n{"text": " "}\n', 3),
        ("d.csv", 'n,text\n1,"a\nb"\n2,c\n3,\n', 5),
        ("d.tsv", "n\ttext\n1\ta\n\n2\t \n", 4),
    ],
)
def test_a_row_is_traced_back_to_its_line(tmp_path, name, body, line):
    table = read_table(write(tmp_path / name, body))
    with pytest.raises(DataError, match=rf"{name}, line {line}: `text` is an empty text"):
        Unlabelled.of(table)
    if table.num_rows > 2:  # rows that were filtered since are not traced to a wrong line
        with pytest.raises(DataError, match=rf"{name}, row 2: "):
            Unlabelled.of(table.slice(1))


def test_parquet_rows_have_numbers(tmp_path):
    pq.write_table(pa.table({"text": ["a", ""]}), tmp_path / "d.parquet")
    with pytest.raises(DataError, match=r"d.parquet, row 2: `text` is an empty text"):
        Unlabelled.of(read_table(tmp_path / "d.parquet"))
