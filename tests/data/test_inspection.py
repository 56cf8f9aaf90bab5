"""Every bad row is found with its line, and what is said of the good ones is right."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from accord.core.errors import DataError, InputError
from accord.data import Labelled, Pairs, Ranked, Scored, Unlabelled, inspect
from accord.data.faults import Fault
from accord.data.problems import faulty_rows
from accord.data.signals import Signal
from accord.data.tolerant import read_tolerantly

GOOD = {"query": "How do I pay?", "answer": "By card."}


def write(path, lines):
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["d.jsonl", "d.jsonl.gz"])
def test_all_bad_lines_are_found(name, tmp_path):
    lines = [
        GOOD,
        {"query": "", "answer": "x"},
        "{broken",
        "[1, 2]",
        {"query": 5, "answer": "x"},
        "",
        {"query": "a"},
        {"query": " ", "answer": None},
        GOOD,
    ]
    found = inspect(write(tmp_path / name, lines))
    assert [problem.line for problem in found.problems] == [2, 3, 4, 5, 7, 8, 8]
    assert (found.rows, found.usable, found.problem_count, found.signal) == (8, 2, 7, "Pairs")
    words = [
        "empty text",
        "not valid JSON",
        "not an object",
        "is a number; it is a text in most lines",
        "`answer` is mis",
    ]
    for problem, word in zip(found.problems, words):
        assert word in problem.message
    assert not found.passed
    short = inspect(tmp_path / name, listed=2)
    assert len(short.problems) == 2 and short.problem_count == 7


def test_a_csv_with_broken_records_and_letters(tmp_path):
    path = tmp_path / "d.csv"
    path.write_bytes(b'query,answer\na,b\nc\n"d\ne",f\ng,\xff\nh,\n')
    found = inspect(path)
    assert [(p.line, p.message.split(",")[0][:12]) for p in found.problems] == [
        (3, "1 fields"),
        (6, "not UTF-8. C"),
        (7, "`answer` is "),
    ]
    assert found.usable == 2


def test_an_archive_that_breaks_off(tmp_path):
    path = tmp_path / "d.jsonl.gz"
    lines = [{**GOOD, "n": n * n} for n in range(2000)]
    write(path, lines)
    path.write_bytes(path.read_bytes()[:-200])
    found = inspect(path, near=False)
    assert found.problem_count >= 1 and "damaged from here on" in found.problems[-1].message
    assert 0 < found.usable < 2000


def test_parquet_names_rows(tmp_path):
    path = tmp_path / "d.parquet"
    pq.write_table(pa.table({"text": ["a", "", None], "label": ["x", "y", "z"]}), path)
    assert [problem.line for problem in inspect(path).problems] == [2, 3]


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        ([{"name": "a"}], "make no signal"),
        ([{"anchor": "a", "positive": "b", "text": "c", "label": "d"}], "signal=Pairs or signal=Labelled"),
    ],
)
def test_an_open_signal_is_a_problem_of_the_file(lines, match, tmp_path):
    found = inspect(write(tmp_path / "d.jsonl", lines))
    assert found.signal is None and found.problem_count == 1 and match in found.problems[0].message
    assert found.problems[0].line is None and set(found.columns) == set(lines[0])


def test_a_column_of_the_wrong_kind_is_one_problem(tmp_path):
    found = inspect(write(tmp_path / "d.jsonl", [{"text": n, "label": "x"} for n in range(50)]), signal=Labelled)
    assert found.problem_count == 1 and "must hold texts" in found.problems[0].message and found.usable == 0


def test_what_is_said_of_labelled_rows(tmp_path):
    rows = [{"text": f"a question about billing {n}" * (1 + n % 3), "label": "billing"} for n in range(30)]
    rows += [{"text": "where is it", "label": "shipping"}, {"text": "Where  is it", "label": "other"}]
    found = inspect(write(tmp_path / "d.jsonl", rows), long=60)
    assert found.labels.counts == {"billing": 30, "other": 1, "shipping": 1}
    assert (found.labels.labels, found.labels.singles, found.labels.imbalance) == (3, 2, 30)
    assert found.texts["text"].texts == 32 == sum(bin_["count"] for bin_ in found.texts["text"].histogram)
    assert found.texts["text"].long == 10
    assert found.duplicates.exact == 1 and found.duplicates.near > 5
    assert any("hold the name of their label" in hint for hint in found.hints)
    assert any("`classes: equal`" in hint for hint in found.hints)
    assert found.passed


def test_what_is_said_of_pairs_and_scores(tmp_path):
    rows = [{"anchor": f"title {n}", "positive": f"Title {n} and more", "score": n / 10, "weight": 1} for n in range(9)]
    rows.append({"anchor": "title 1", "positive": "title 2", "score": 2, "weight": 1})
    found = inspect(write(tmp_path / "d.jsonl", rows), signal=Pairs, near=False)
    assert found.duplicates.near is None
    assert found.overlaps == [
        {"of": "anchor", "in": "positive", "share": 0.1},
        {"of": "positive", "in": "anchor", "share": 0.1},
    ]
    assert (found.scores.least, found.scores.greatest, found.scores.distinct) == (0, 2, 10)
    hints = " ".join(found.hints)
    assert "word for word" in hints and "split: {by: anchor}" in hints and "`weights: weight`" in hints


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        (Pairs, {"anchor": ["a", None, "", "b"], "positive": ["x", "y", "z", " "]}),
        (Labelled, {"text": ["a", "b", None], "label": [1.0, 0.5, float("nan")]}),
        (Scored, {"text1": ["a"] * 5, "text2": ["b"] * 5, "score": ["1", "x", "nan", None, "inf"]}),
        (Scored, {"text1": ["a"] * 3, "text2": ["b"] * 3, "score": [1.0, float("nan"), float("inf")]}),
        (Ranked, {"query": ["a"] * 4, "pos": [["b"], [], None, ["", "c"]], "neg": [None, ["x"], [], [None]]}),
        (Ranked, {"query": ["a"] * 3, "pos": [["b"]] * 3, "pos_scores": [[1.0], [1.0, 2.0], None]}),
        (Unlabelled, {"text": ["a"] * 4, "id": ["x", "y", "x", None]}),
    ],
)
def test_what_is_refused_and_what_is_left_agree_with_the_signal(kind, rows):
    table = pa.table(rows)
    problems, good = faulty_rows(kind, table, {})
    assert problems
    assert set(range(table.num_rows)) - set(good.tolist()) == {row for row, _ in problems}
    assert len(kind.of(table.take(pa.array(good)))) == len(good)
    with pytest.raises(DataError) as first:
        kind.of(table)
    assert any(message in str(first.value) for _, message in problems)
    for row, message in problems:
        with pytest.raises(DataError) as alone:
            kind.of(table.slice(0, row + 1).take(pa.array([*(g for g in good if g < row), row])))
        assert isinstance(alone.value, DataError) and message


def test_files_that_hold_nothing_are_refused(tmp_path):
    (tmp_path / "empty.jsonl").write_text("")
    for name, match in (("empty.jsonl", "is empty"), ("none.jsonl", "does not exist"), ("x.txt", "does not exist")):
        with pytest.raises(DataError, match=match):
            inspect(tmp_path / name)
    with pytest.raises(InputError, match="is a folder"):
        inspect(tmp_path)


def test_a_file_without_faults_reads_as_ever(tmp_path):
    path = write(tmp_path / "d.jsonl", [GOOD, "", GOOD])
    read = read_tolerantly(path)
    assert read.lines.tolist() == [1, 3] and not read.problems
    assert issubclass(Pairs, Signal) and Fault.__doc__


@pytest.mark.parametrize("name", ["d.csv", "d.jsonl"])
def test_a_file_without_rows_is_a_problem(name, tmp_path):
    (tmp_path / name).write_text("text,label\n" if name == "d.csv" else "\n\n")
    found = inspect(tmp_path / name)
    assert (found.passed, found.signal, [one.message for one in found.problems]) == (
        False, None, ["The file holds no rows."],
    )  # fmt: skip


def test_where_no_line_can_be_read_nothing_is_said_of_columns(tmp_path):
    found = inspect(write(tmp_path / "d.jsonl", ["[1]", "[2]"]))
    assert [one.line for one in found.problems] == [1, 2]


def test_columns_that_are_not_read_are_named(tmp_path):
    found = inspect(write(tmp_path / "d.jsonl", [{"id": "1", **GOOD, "genre": "bank", "note": {"a": 1}}]))
    assert found.further == ("genre", "note")


def test_a_part_that_no_signal_has_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no signal has a part `ancor`\. Did you mean `anchor`"):
        inspect(write(tmp_path / "d.jsonl", [GOOD]), columns={"ancor": "query"})


def test_another_encoding_is_named_with_its_cure(tmp_path):
    (tmp_path / "d.csv").write_bytes("text,label\na,b\n".encode("utf-16"))
    with pytest.raises(DataError, match=r"line 1: not UTF-8 .* iconv -f utf-16"):
        inspect(tmp_path / "d.csv")


def test_a_quotation_mark_that_stays_open_is_named(tmp_path):
    (tmp_path / "d.csv").write_text('text,label\n"how,a\nwhy,b\n')
    (problem,) = inspect(tmp_path / "d.csv").problems
    assert "never closed" in problem.message


def test_pairs_with_classes_are_shown_both_ways_out(tmp_path):
    rows = [{"premise": f"a {n}", "hypothesis": f"b {n}", "label": n % 3} for n in range(6)]
    (problem,) = inspect(write(tmp_path / "d.jsonl", rows)).problems
    assert "cross-encoder, say signal=Labelled" in problem.message
    columns = {"text": "premise", "text2": "hypothesis", "label": "label"}
    assert inspect(tmp_path / "d.jsonl", signal=Labelled, columns=columns).passed
