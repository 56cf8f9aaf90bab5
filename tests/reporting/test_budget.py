"""The page and the tables of a budget, from a record alone."""

import html
import io
import json

import pytest
from rich.console import Console

from accord.core.errors import DataError, InputError
from accord.core.storage import write_json
from accord.reporting import budget_tables, write_frontier

TASKS = ("code <search>", "topic")


def shares(kept):
    one = {"score": kept / 2, "kept": kept, "low": kept - 0.02, "high": kept + 0.02}
    tasks = {TASKS[0]: one | {"kept": kept - 0.1, "n": 90}, TASKS[1]: one | {"n": 60}}
    return one | {"tasks": tasks}


def configuration(size, codec, ms, mb, kept, *, frontier=True, chosen=False, rescore=False, model=90.0):
    seen = frontier or chosen
    name = f"{size} · {codec}{' + rescoring' if rescore else ''}"
    return {
        "name": name, "size": size, "layers": 6, "dim": 384, "width": None, "cut": {}, "backend": "float32",
        "codec": codec, "spec": {}, "rescore": rescore, "ms": ms, "ms_encode": ms - 0.5, "ms_search": 0.5,
        "mb_per_million": mb, "disk_mb_per_million": mb + 768.0 * rescore, "codec_mb": 0.3, "model_mb": model,
        "share": ms * mb / 20000, "frontier": frontier, "chosen": chosen,
        "dev": shares(kept) if seen else {"kept": kept}, "test": shares(kept - 0.01) if seen else None,
        "commands": ["accord index m CORPUS --out STORE --codec Int8 --rescore none"] if seen else [],
    }  # fmt: skip


@pytest.fixture
def record():
    rows = [
        configuration("6x384", "float32", 9.0, 1536.0, 1.0),
        configuration("6x384", "Int8", 7.0, 384.0, 0.995, chosen=True),
        configuration("6x384", "RotatedSign", 6.0, 48.0, 0.99, rescore=True),
        configuration("4x96", "RotatedSign(bits=192)", 4.0, 24.0, 0.91, model=70.0),
        configuration("6x384", "Float16", 9.5, 768.0, 0.98, frontier=False),
        configuration("2x96", "float32", 3.0, 384.0, 0.4, frontier=False),
    ]
    return {
        "format": "accord-budget/1", "model": "m", "recipe": "r", "fingerprint": "f", "whole": "6x384",
        "limits": {"ms": 8.0, "mb_per_million": None, "model_mb": None, "keep": 0.97},
        "documents": 100_000, "level": 0.95,
        "tasks": [{"name": name, "metrics": ["nDCG@10"], "dev": 40, "test": 90} for name in TASKS],
        "verdict": {"status": "chosen", "name": rows[1]["name"], "sentence": "6x384 · Int8 keeps `99`.",
                    "warnings": ["The task topic loses more than that."], "shortfalls": []},
        "configurations": rows,
        "left_out": [{"what": "codecs at 2x96", "why": "keeps 40.0 % before any codec, below 90 %"}],
        "encoded": {"float32": 100}, "seconds": {"sizes": 20.0}, "environment": {"processor": "one"},
        "data_hashes": {},
    }  # fmt: skip


def test_the_page_says_what_was_chosen_first(record, tmp_path):
    write_json(tmp_path / "budget.json", record)
    text = write_frontier(tmp_path).read_text()
    assert text.index("6x384 · Int8 keeps 99.") < text.index("loses more than that") < text.index("<svg viewBox")
    assert "code <search>" not in text
    assert html.escape("code <search>") in text
    for words in ("1 configurations that keep less", "codecs at 2x96", "RotatedSign + rescoring", "+768 on disk",
                  "accord index m CORPUS", "97.5 to 101.5", "(chosen)"):  # fmt: skip
        assert words in text
    assert "<script" not in text


def test_a_page_of_no_choice_has_the_commands_of_all(record, tmp_path):
    record["limits"] = dict.fromkeys(record["limits"])
    for row in record["configurations"]:
        row["chosen"] = False
    record["verdict"] |= {"status": "frontier", "name": None, "warnings": []}
    write_json(tmp_path / "budget.json", record)
    text = write_frontier(tmp_path).read_text()
    assert "The commands of each configuration" in text
    assert "none given" in text


def test_the_same_record_gives_the_same_page(record, tmp_path):
    write_json(tmp_path / "budget.json", record)
    assert write_frontier(tmp_path).read_bytes() == write_frontier(tmp_path).read_bytes()


@pytest.mark.parametrize("width", [80, 120])
def test_the_tables_fit(record, width):
    file = io.StringIO()
    console = Console(file=file, width=width)
    for part in budget_tables(record):
        console.print(part)
    text = file.getvalue()
    assert all(len(one) <= width for one in text.splitlines())
    for words in ("6x384 · Int8 keeps", "* 6x384", "+768", "88.5", "code <search>", "Left out", "accord index"):
        assert words in text
    assert "Float16" not in text  # only the frontier is shown


def test_what_is_no_record_is_refused(tmp_path):
    with pytest.raises(InputError, match="accord budget MODEL"):
        write_frontier(tmp_path)
    (tmp_path / "budget.json").write_text(json.dumps({"format": "other"}))
    with pytest.raises(DataError, match="accord-budget/1"):
        write_frontier(tmp_path)
    (tmp_path / "budget.json").write_text("{")
    with pytest.raises(DataError, match="valid JSON"):
        write_frontier(tmp_path)
