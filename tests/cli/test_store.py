"""`accord store`: what it says, and what it exits with."""

from __future__ import annotations

import json

import numpy as np
import pytest

from accord.cli import main as cli
from accord.retrieval import Store


def run(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["store", *(str(argument) for argument in arguments)])
    shown = capsys.readouterr()
    return stop.value.code or 0, " ".join(shown.out.split()), shown.err


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(0)
    with Store.create(tmp_path / "s", model={"dim": 8}) as store:
        with store.write() as writer:
            writer.add([{"id": str(n), "text": f"text {n}"} for n in range(20)], rng.standard_normal((20, 8)))
        with store.write() as writer:
            writer.delete(["3", "4"])
    return tmp_path / "s"


def test_verify_says_what_is_changed_and_exits_with_three(path, capsys):
    code, text, _ = run(["verify", path], capsys)
    assert (code, "18 documents, 1 files of vectors" in text, "All is as it was written." in text) == (0, True, True)
    (file,) = (path / "segments").iterdir()
    data = file.read_bytes()
    file.write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
    code, text, said = run(["verify", path], capsys)
    assert code == 3
    assert f"changed segments/{file.name}" in text
    assert "accord store repair" in said
    code, text, _ = run(["verify", path, "--json"], capsys)
    assert (code, json.loads(text)["ok"]) == (3, False)
    assert run(["verify", path / "nowhere"], capsys)[0] == 2


def test_compact_and_stats(path, capsys):
    code, text, _ = run(["stats", path], capsys)
    assert code == 0
    assert "deleted rows, still in the files 2" in text
    assert "vector float32 scan 32" in text
    code, text, _ = run(["compact", path], capsys)
    assert (code, "18 documents: 2 dead rows dropped" in text) == (0, True)
    code, text, _ = run(["stats", path, "--json"], capsys)
    assert json.loads(text)["deleted"] == 0


def test_export(path, tmp_path, capsys):
    code, text, _ = run(["export", "files", path, "--out", tmp_path / "out"], capsys)
    assert (code, "Wrote 18 documents" in text) == (0, True)
    assert np.load(tmp_path / "out" / "vectors.npy").shape == (18, 8)
    code, _, said = run(["export", "files", path, "--out", tmp_path / "out", "--documents", "parquet"], capsys)
    assert (code, "Choose another folder" in said) == (2, True)


def test_repair(path, capsys):
    (path / "version.json").unlink()
    assert run(["verify", path], capsys)[0] == 3
    code, text, _ = run(["repair", path], capsys)
    assert (code, "is whole." in text) == (0, True)
    assert run(["verify", path], capsys)[0] == 0
