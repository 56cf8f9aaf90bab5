import pyarrow as pa
import pytest

from accord.core.errors import InputError
from accord.data.formats import read_table
from accord.data.write import write_table

ROWS = pa.table({"text": ["naïve\nline", '"quoted", \\ and \t tab', "日本"], "numbers": [[1.5], [], [0.1, -2.0]]})


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".parquet"])
def test_rows_read_back(tmp_path, ending):
    write_table(ROWS, tmp_path / f"deep/rows{ending}")
    assert read_table(tmp_path / f"deep/rows{ending}").to_pylist() == ROWS.to_pylist()
    first = (tmp_path / f"deep/rows{ending}").read_bytes()
    write_table(ROWS, tmp_path / f"deep/rows{ending}")
    assert (tmp_path / f"deep/rows{ending}").read_bytes() == first
    assert [p.name for p in (tmp_path / "deep").iterdir()] == [f"rows{ending}"]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".tsv", ".tsv.gz"])
def test_flat_rows_read_back_as_strings(tmp_path, ending):
    flat = pa.table({"text": ["naïve", '"quoted", \\', ""], "number": [1.5, 2.0, None]})
    write_table(flat, tmp_path / f"rows{ending}")
    assert read_table(tmp_path / f"rows{ending}").to_pylist() == [
        {"text": "naïve", "number": "1.5"},
        {"text": '"quoted", \\', "number": "2.0"},
        {"text": "", "number": ""},
    ]


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("rows.txt", "one of .jsonl, .csv"),
        ("rows.csv", "`numbers` holds lists or objects"),
        ("rows.tsv", "`text` holds a tab or a new line in row 1"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_before_anything_is_written(tmp_path, name, match):
    with pytest.raises(InputError, match=match):
        write_table(ROWS, tmp_path / name)
    assert not list(tmp_path.iterdir())
