"""A codec's folder: whole or refused, whatever was changed in it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from accord.compression.codecs import Int8, check_made_for, load, save
from accord.core.errors import InputError


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    codec = Int8().fit(rng.normal(size=(30, 6)), made_for="0123456789abcdef")
    return save(codec, tmp_path / "int8", seed=7, fidelity={"recall": 0.5})


def test_says_what_it_is(folder: Path) -> None:
    found = json.loads((folder / "codec.json").read_text())
    assert found["format"] == "accord-codec/1"
    assert (found["kind"], found["settings"], found["seed"]) == ("Int8", {"tail": 0.0005}, 7)
    assert (found["dim"], found["code_bytes"], found["fidelity"]) == (6, 6, {"recall": 0.5})
    assert found["versions"]["numpy"] == np.__version__


def test_every_flipped_byte_of_the_arrays_is_refused(folder: Path) -> None:
    file = folder / "codec.safetensors"
    content = file.read_bytes()
    for place in range(0, len(content), 11):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(InputError, match="has changed since it was written"):
            load(folder)
    file.write_bytes(content[:-1])
    with pytest.raises(InputError, match="has changed"):
        load(folder)
    file.unlink()
    with pytest.raises(InputError, match=r"lacks codec\.safetensors"):
        load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dim", 5), ("code_bytes", 7), ("similarity", "dot"), ("made_for", "another"), ("settings", {"tail": 0.1}),
        ("kind", "Float16"), ("kind", "os:system"), ("format", "accord-codec/9"), ("similarity", None),
    ],
)  # fmt: skip
def test_every_changed_field_that_matters_is_refused(folder: Path, key: str, value: object) -> None:
    file = folder / "codec.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(InputError):
        load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": "accord-codec/1"}', "\xff"])
def test_a_broken_description_is_refused(folder: Path, text: str) -> None:
    (folder / "codec.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"codec\.json"):
        load(folder)


def test_replaces_a_codec_but_nothing_else(folder: Path, tmp_path: Path, rng: np.random.Generator) -> None:
    save(Int8(tail=0.0).fit(rng.normal(size=(30, 4))), folder)
    assert load(folder).dim == 4
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(InputError, match="is no codec folder"):
        save(load(folder), tmp_path / "thesis")
    with pytest.raises(InputError, match="is no codec folder"):
        load(tmp_path / "thesis")


def test_another_model_is_refused_by_hash(folder: Path) -> None:
    codec = load(folder)
    check_made_for(codec, "0123456789abcdef")
    with pytest.raises(InputError, match="made for the model 0123456789ab, but MiniLM is ffffffffffff"):
        check_made_for(codec, "f" * 64, model="MiniLM")
