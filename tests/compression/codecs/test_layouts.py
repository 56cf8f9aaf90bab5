"""The bytes of every codec, read by plain loops from what `docs/reference/codec-layouts.md` says alone."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accord.compression.codecs import save
from accord.compression.codecs.base import Codec, kinds

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "codec-layouts.md"
DIM = 20
CASES: list[tuple[str, dict[str, object]]] = [
    ("Float16", {}),
    ("Int8", {}),
    ("Sign", {}),
    ("RotatedSign", {}),
    ("RotatedSign", {"bits": 13}),
    ("RaBitQ", {}),
    ("RaBitQ", {"bits": 3}),
    ("ProductQuantizer", {"parts": 5}),
    ("PCA", {"dim": 9}),
    ("PCA", {"dim": 9, "then": {"RaBitQ": {"bits": 2}}}),
    ("RecurrentBinary", {"bits": 2, "steps": 2}),
    ("RecurrentBinary", {"bits": 1, "dim": 11, "steps": 2}),
]


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """A safetensors file, by its published layout."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    head = json.loads(content[8 : 8 + length])
    head.pop("__metadata__", None)
    body = content[8 + length :]
    return {
        name: np.frombuffer(body[slice(*said["data_offsets"])], {"F32": "<f4"}[said["dtype"]]).reshape(said["shape"])
        for name, said in head.items()
    }


def plane(content: bytes, count: int) -> np.ndarray:
    return np.array([1.0 if content[i // 8] >> (i % 8) & 1 else -1.0 for i in range(count)])


def levels(content: bytes, count: int, planes: int) -> np.ndarray:
    width = -(-count // 8)
    return sum(2.0**-j * plane(content[j * width : (j + 1) * width], count) for j in range(planes))


def vector(kind: str, settings: dict[str, Any], dim: int, arrays: dict[str, np.ndarray], code: bytes, dot: bool) -> Any:
    """The vector that a code stands for."""
    if kind == "Float16":
        return np.array(struct.unpack(f"<{dim}e", code))
    if kind == "Int8":
        return arrays["middle"] + arrays["step"] * np.array(struct.unpack(f"<{dim}b", code))
    if kind == "Sign":
        return arrays["scale"][0] * plane(code, dim)
    if kind == "RotatedSign":
        return arrays["scale"][0] * arrays["rotation"] @ plane(code, settings["bits"] or dim)
    if kind == "RaBitQ":
        _, factor = struct.unpack("<2f", code[-8:])
        return arrays["centre"] + factor * arrays["rotation"] @ levels(code[:-8], dim, settings["bits"])
    if kind == "ProductQuantizer":
        return np.concatenate([arrays["centroids"][m, k] for m, k in enumerate(code)])
    if kind == "PCA":
        then = settings["then"]
        inner, given = (then, {}) if isinstance(then, str) else next(iter(then.items()))
        own = {name.removeprefix("then."): array for name, array in arrays.items() if name.startswith("then.")}
        known = {"bits": 1} | given
        return arrays["mean"] + arrays["axes"] @ vector(inner, known, settings["dim"], own, code, True)
    assert kind == "RecurrentBinary"
    planes, signs, width = settings["bits"], settings["dim"] or dim, -(-(settings["dim"] or dim) // 8)
    bits = np.concatenate([plane(code[j * width : (j + 1) * width], signs) for j in range(planes)])
    length = struct.unpack("<f", code[-4:])[0] if dot else 1.0
    size = np.linalg.norm(levels(code, signs, planes)) / np.sqrt(signs * sum(4.0**-j for j in range(planes)))
    return length * dim**-0.5 * (arrays["read"] @ bits / size + arrays["mean"])


@pytest.mark.parametrize(("kind", "settings"), CASES, ids=str)
@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_bytes_are_what_the_page_says(kind: str, settings: dict[str, object], similarity: str, tmp_path: Path) -> None:
    if kind == "ProductQuantizer":
        pytest.importorskip("faiss")
    draws = np.random.default_rng(5)
    rows = draws.normal(size=(300, DIM)).astype(np.float32) * 1.5 + 0.3
    codec: Codec = kinds()[kind](**settings)
    fitted = codec.fit(rows, similarity=similarity)
    folder = save(fitted, tmp_path / "codec")
    said, arrays = json.loads((folder / "codec.json").read_text()), read_arrays(folder / "codec.safetensors")
    codes = fitted.encode(rows[:7])
    plain = np.array(
        [vector(said["kind"], said["settings"], said["dim"], arrays, bytes(c), similarity == "dot") for c in codes]
    )
    np.testing.assert_allclose(fitted.decode(codes), plain, atol=2e-4, rtol=1e-4)
    queries = rows[10:14].astype(np.float64)
    if similarity == "cosine":
        queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.scores(rows[10:14], codes), queries @ plain.T, atol=2e-3, rtol=1e-3)


def test_every_codec_has_a_heading() -> None:
    assert set(re.findall(r"^### (\w+)$", PAGE.read_text(encoding="utf-8"), re.M)) == set(kinds())
