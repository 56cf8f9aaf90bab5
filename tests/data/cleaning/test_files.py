import gzip
import json

import pytest

from accord.core.errors import InputError
from accord.data import read
from accord.data.cleaning import dedupe_file

LINES = [
    '{"q": "How do I pay for my last order with a card?", "answer": "By card.", "n": 1.0,   "odd": null}',
    '{"q": "Where is it?", "answer": "On its way.", "n": 2}',
    '{"q": "how do I pay for my  last order with a card?", "answer": "By card.", "n": 3}',
    '{"q": "How do I pay for my last order with a card??", "answer": "By card.", "n": 4}',
]
COLUMNS = {"anchor": "q"}


@pytest.fixture
def faq(tmp_path):
    path = tmp_path / "faq.jsonl"
    path.write_text("\n\n".join(LINES))
    return path


def test_lines_stay_as_they_stand(faq, tmp_path):
    found = dedupe_file(faq, tmp_path / "out.jsonl", columns=COLUMNS)
    assert (found.rows, found.kept, found.exact, found.near, found.signal) == (4, 2, 1, 1, "Pairs")
    assert (tmp_path / "out.jsonl").read_text().splitlines() == LINES[:2]
    assert found.examples[0] == {
        "row": 3,
        "repeats": 1,
        "text": "how do I pay for my  last order with a card?",
        "of": "How do I pay for my last order with a card?",
    }


@pytest.mark.parametrize("name", ["out.jsonl.gz", "out.csv", "out.tsv.gz", "out.parquet"])
def test_any_format_can_be_written_and_read_again(faq, tmp_path, name):
    dedupe_file(faq, tmp_path / name, columns=COLUMNS)
    again = read(tmp_path / name, columns=COLUMNS)
    assert again.column("anchor") == ["How do I pay for my last order with a card?", "Where is it?"]
    assert [float(n) for n in again.column("n")] == [1, 2]


def test_a_stricter_threshold_keeps_more(faq, tmp_path):
    assert dedupe_file(faq, tmp_path / "out.csv", columns=COLUMNS, threshold=1.0).kept == 3


def test_what_cannot_be_done_is_refused_before_anything_is_written(faq, tmp_path):
    with pytest.raises(InputError, match="is the file itself"):
        dedupe_file(faq, faq, columns=COLUMNS)
    with pytest.raises(InputError, match="`ending of the output` must be one of"):
        dedupe_file(faq, tmp_path / "out.txt", columns=COLUMNS)
    with pytest.raises(InputError, match="is a folder"):
        dedupe_file(tmp_path, tmp_path / "out.csv")
    lists = tmp_path / "lists.jsonl"
    lists.write_text(json.dumps({"query": "a", "pos": ["b"]}) + "\n")
    with pytest.raises(InputError, match=r"`pos` holds lists or objects, which \.csv cannot hold"):
        dedupe_file(lists, tmp_path / "out.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["faq.jsonl", "lists.jsonl"]


def test_written_archives_are_the_same_each_time(faq, tmp_path):
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        dedupe_file(faq, tmp_path / name, columns=COLUMNS)
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).decode().splitlines() == LINES[:2]
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
