import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from accord.reporting.data_check import bar, data_check_tables

NOTHING = {
    "file": "d.jsonl",
    "rows": 2,
    "usable": 0,
    "signal": None,
    "why": "see the problems",
    "names": {},
    "further": [],
    "problems": [{"line": None, "message": "these columns make no signal"}],
    "problem_count": 3,
    "texts": {},
    "duplicates": None,
    "labels": None,
    "scores": None,
    "overlaps": [],
    "hints": [],
}


def shown(found, width=80):
    console = Console(file=io.StringIO(), width=width)
    for part in data_check_tables(found):
        console.print(part)
    return console.file.getvalue()


@given(st.floats(0, 1), st.integers(1, 60))
def test_a_bar_is_as_long_as_its_share(share, width):
    drawn = bar(share, width)
    assert len(drawn) <= width and abs(len(drawn) - share * width) <= 1
    assert bool(drawn) == (share > 0)


def test_a_file_without_a_signal():
    text = shown(NOTHING)
    assert "no signal; see the problems" in text and "3 problem(s)" in text and "... and 2 more" in text


def test_many_labels_show_both_ends_and_words_are_no_markup():
    counts = {f"[red]label {n}": 40 - n for n in range(30)}
    labels = {"labels": 30, "counts": counts, "singles": 0, "imbalance": 3.6, "entropy": 0.9}
    text = shown({**NOTHING, "labels": labels})
    assert "[red]label 0" in text and "[red]label 29" in text and "[red]label 15" not in text
    assert "the 9 most frequent and the 3 rarest" in text


def test_scores_have_a_picture():
    bins = [{"from": 0.0, "to": 0.5, "count": 1}, {"from": 0.5, "to": 1.0, "count": 3}]
    scores = {"least": 0.0, "greatest": 1.0, "mean": 0.7, "distinct": 4, "histogram": bins}
    assert "scores: 0 to 1, mean 0.7" in shown({**NOTHING, "scores": scores}, width=60)


def test_columns_that_nobody_reads_are_named():
    assert "not read: colour, size" in shown({**NOTHING, "further": ["colour", "size"]})
