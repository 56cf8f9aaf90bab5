import dataclasses
import importlib.util
import sys
from pathlib import Path

import pytest

from accord.core.errors import DataError, InputError
from claims.results import _statements, code_hash, read_results, record, state


def test_a_result_is_stale_when_a_method_file_is_another(claim):
    row = {"claim": "guess", "hash": code_hash(claim)}
    assert state(claim, None) == "not run"
    assert state(claim, row) == "current"
    assert state(dataclasses.replace(claim, method_files=("core/progress.py",)), row) == "stale"


ONE = "def run(context):\n    return 1\n"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("def run(context):\n    return 2\n", "stale"),
        ("def run(context):\n    return '1'\n", "stale"),
        ("def run(context):\n    pass\n    return 1\n", "stale"),
        ('"""What it is."""\n\nimport os\n\n\n' + ONE, "current"),
        ("def run(context):\n    'Say one.'\n    from os import path\n\n    return 1  # the least\n", "current"),
    ],
)
def test_a_result_is_stale_when_the_claims_own_file_does_something_else(
    claim, tmp_path, monkeypatch, changed, expected
):
    file = tmp_path / "made_up_claim.py"
    file.write_text(ONE)
    spec = importlib.util.spec_from_file_location("made_up_claim", file)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "made_up_claim", module)
    spec.loader.exec_module(module)
    own = dataclasses.replace(claim, run=module.run)
    row = {"claim": "guess", "hash": code_hash(own)}
    assert state(own, row) == "current"
    file.write_text(changed)
    assert state(own, row) == expected


def test_a_result_outlives_the_move_of_a_method_file():
    own = importlib.import_module("claims.knn_embed")
    text = Path(own.__file__).read_text()
    moved = text.replace('"retrieval/choices/knn_embed.py"', '"retrieval/elsewhere/knn_embed.py"')
    assert moved != text
    assert _statements(text) == _statements(moved)


def test_recording_replaces_the_row_of_the_same_claim(tmp_path):
    file = tmp_path / "results.jsonl"
    assert read_results(file) == {}
    record({"claim": "b", "effect": 1}, file)
    record({"claim": "a", "effect": 2}, file)
    record({"claim": "b", "effect": 3}, file)
    assert list(read_results(file)) == ["a", "b"]
    assert read_results(file)["b"]["effect"] == 3
    assert len(file.read_text().splitlines()) == 2


def test_a_bad_line_is_named(tmp_path):
    file = tmp_path / "results.jsonl"
    file.write_text('{"claim": "a"}\n{"effect": 1}\n')
    with pytest.raises(DataError, match="line 2"):
        read_results(file)


def test_a_quick_result_never_replaces_a_full_one(tmp_path):
    file = tmp_path / "results.jsonl"
    record({"claim": "a", "scale": "quick", "effect": 1}, file)
    record({"claim": "a", "scale": "full", "effect": 2}, file)
    with pytest.raises(InputError, match="full scale"):
        record({"claim": "a", "scale": "quick", "effect": 3}, file)
    assert read_results(file)["a"]["effect"] == 2
