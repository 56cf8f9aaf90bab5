"""The page and the tables about conflicts, from a record alone."""

import html

import pytest
from rich.console import Console

from accord.core.errors import DataError, InputError
from accord.core.storage import write_json
from accord.reporting import conflict_tables, write_conflict_report

TASKS = ("code <search>", "names")


def line(measure, a, b, value, *, layers="all"):
    return {
        "measure": measure, "a": a, "b": b, "layers": layers, "value": value,
        "low": value - 0.1, "high": value + 0.1, "n": 8, "over": "batches",
    }  # fmt: skip


@pytest.fixture
def record():
    a, b = TASKS
    estimate = {"value": -0.2, "low": -0.3, "high": -0.1, "n": 8}
    rows = [line("gradient_cosine", x, y, v) for x, y, v in ((a, a, 0.5), (b, b, 0.4), (a, b, -0.2))]
    rows += [line("corrected_cosine", a, b, -0.4, layers=group) for group in ("embeddings", "layer 0", "all")]
    rows += [line("gradient_cosine", a, b, -0.3, layers=group) for group in ("embeddings", "layer 0")]
    rows += [line("transfer", x, y, 0.05) for x in TASKS for y in TASKS]
    return {
        "format": "accord-conflict/1",
        "recommendation": {"action": "balance", "sentence": "Balance: they oppose each other."},
        "pairs": [
            {
                "a": a, "b": b, "verdict": "conflict", "sentence": f"{a} and {b}: gradients oppose each other.",
                "batch_cosine": estimate, "cosine": estimate, "ceiling": 0.45, "margin": 0.01, "verdict_level": 0.95,
            }
        ],
        "gradient_verdict": "conflict",
        "tasks": list(TASKS),
        "level": 0.95,
        "settings": {"encoder": "model", "batches": 8, "batch_sizes": [64, 32], "steps": 8, "tolerance": 0.2},
        "rows": rows,
        "notes": ["names: few rows."],
        "environment": {"processor": "one"},
        "seconds": {"gradients": 20.0},
    }  # fmt: skip


def test_the_recommendation_comes_first_and_all_measures_follow(record, tmp_path):
    write_json(tmp_path / "conflict.json", record)
    text = write_conflict_report(tmp_path).read_text()
    assert (
        text.index("Balance: they oppose each other.")
        < text.index("gradients oppose each other")
        < text.index('class="heat"')
    )
    assert "code <search>" not in text
    assert html.escape("code <search>") in text
    for words in ("Cosine, noise taken out, by layer", "embeddings", "Change of the metric", "names: few rows."):
        assert words in text
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert write_conflict_report(tmp_path).read_text() == text


def test_sections_without_measures_are_left_out(record, tmp_path):
    rows = [row for row in record["rows"] if row["measure"] != "transfer"]
    write_json(tmp_path / "conflict.json", {**record, "rows": rows})
    assert "Trained models" not in write_conflict_report(tmp_path).read_text()


def test_the_terminal_shows_the_same(record):
    console = Console(width=80, record=True, color_system=None)
    for part in conflict_tables(record):
        console.print(part)
    text = console.export_text()
    for words in (
        "Balance: they oppose",
        "conflict",
        "\N{MINUS SIGN}0.400",
        "(0.450)",
        "trained on",
        "names: few rows.",
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= 80


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"no conflict\.json"):
        write_conflict_report(tmp_path)
    (tmp_path / "conflict.json").write_text("{")
    with pytest.raises(DataError, match="not valid JSON"):
        write_conflict_report(tmp_path)
    write_json(tmp_path / "conflict.json", {"format": "other"})
    with pytest.raises(DataError, match="not of the format"):
        write_conflict_report(tmp_path)
