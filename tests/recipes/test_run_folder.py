"""The log of steps forgets what a resumed run repeats, and survives a line cut in half."""

import json

from accord.core.records import StepRecord
from accord.recipes.run_folder import RunFolder, StepLog


def record(run, step, loss=0.5):
    return StepRecord(
        run=run, step=step, task="t", loss=loss, learning_rate=0.1, gradient_norm=1.0, examples=2, tokens=9, seconds=0.1
    )


def test_a_resumed_run_repeats_no_line(tmp_path):
    path = RunFolder(tmp_path).steps
    log = StepLog(path)
    for step in (1, 2, 3):
        log(record("joint", step))
    log(record("single:a", 1))
    with path.open("a") as handle:
        handle.write('{"run": "joint", "st')
    resumed = StepLog(path)
    resumed(record("joint", 3, loss=0.25))
    resumed(record("joint", 4))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(r["run"], r["step"]) for r in rows] == [
        ("joint", 1),
        ("joint", 2),
        ("single:a", 1),
        ("joint", 3),
        ("joint", 4),
    ]
    assert rows[3]["loss"] == 0.25


def test_names_of_runs_are_safe_file_names(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.trained("joint") == tmp_path / "model"
    assert folder.trained("single:code-search").name == "single-code-search"
    assert folder.checkpoints("joint@1").name == "joint-seed-1"
