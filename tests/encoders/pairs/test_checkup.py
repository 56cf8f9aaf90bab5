"""The doctor knows cross-encoders and names what changed."""

import json

import pytest
from tiny_pairs import tiny_cross_encoder_folder

from accord.core.errors import CheckFailed
from accord.encoders import doctor
from accord.encoders.pairs.saving import PROBE_PAIRS
from accord.encoders.probes import PROBES


def change(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_saved_model_passes(tmp_path):
    report = doctor(tiny_cross_encoder_folder(tmp_path / "m"))
    assert report.passed
    assert {"files", "loads", "labels", "activation", "scores", "independent of the batch"} <= {
        check.name for check in report.checks
    }


@pytest.mark.parametrize(
    ("file", "values", "named"),
    [
        ("tokenizer_config.json", {"model_max_length": 20}, "truncation"),
        ("tokenizer_config.json", {"model_input_names": ["input_ids", "attention_mask"]}, "token types"),
        ("config.json", {"layer_norm_eps": 1e-2}, "scores"),
    ],
)
def test_what_changed_is_named(tmp_path, file, values, named):
    folder = tiny_cross_encoder_folder(tmp_path / "m")
    change(folder / file, **values)
    report = doctor(folder)
    assert any(failure.startswith(f"{named}:") for failure in report.failures)
    with pytest.raises(CheckFailed, match=named):
        report.raise_for_failures()


def test_each_probe_text_stands_once_on_each_side():
    assert sorted(left for left, _ in PROBE_PAIRS) == sorted(right for _, right in PROBE_PAIRS) == sorted(PROBES)
    assert all(left != right for left, right in PROBE_PAIRS)


def test_a_folder_without_a_manifest_is_looked_at_too(tmp_path):
    folder = tiny_cross_encoder_folder(tmp_path / "m", labels=3)
    (folder / "accord.json").unlink()
    assert doctor(folder).passed
