from contextlib import contextmanager

from accord.core.spec import build, to_spec
from accord.data import sources
from accord.data.sources import File


def test_rows_without_an_id_are_numbered(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("text\na\nb\n")
    assert File(path).load()["id"].to_pylist() == ["0", "1"]


def test_an_id_of_the_file_stays(tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_text('{"_id": "x", "text": "a"}\n')
    assert File(path).load().column_names == ["_id", "text"]


def test_progress_is_told_the_bytes(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("text\na\n")
    told = []

    @contextmanager
    def progress(description, *, total, unit="items"):
        told.append((description, total, unit))
        yield told.append

    File(path).load(progress)
    assert told == [("read d.csv", 7, "bytes"), 7]


def test_the_constructor_is_the_recipe_entry():
    source = build({"File": {"path": "faq.jsonl"}}, sources, "sources.faq")
    assert to_spec(source) == {"File": {"path": "faq.jsonl"}}
