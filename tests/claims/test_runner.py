import json

import pytest

import claims.__main__ as command
from accord.core.errors import InputError
from claims.runner import data_folders, find, found_claims, run_claim

ROW = {
    *("claim", "paper", "method", "baseline", "metric", "method_score", "baseline_score", "effect", "ci", "p"),
    *("n", "seeds", "seconds", "verdict"),
}


def test_a_run_gives_the_whole_row(claim, data, tmp_path):
    said = []
    row = run_claim(claim, data_folders(claim, str(data), {}), cache=tmp_path / "cache", say=said.append)
    assert row.keys() >= ROW
    assert {"scale", "machine", "versions", "hash", "tasks", "details", "notes", "data", "model"} <= row.keys()
    assert (row["verdict"], row["paper"], row["n"], row["seeds"]) == ("holds", 110, 30, [0, 1])
    assert row["data"] == {"numbers": "numbers"}
    assert said == ["guessed"]
    assert json.loads(json.dumps(row, allow_nan=False)) == json.loads(json.dumps(row))


def test_scale_and_seeds_reach_the_claim(claim, data, tmp_path):
    folders = data_folders(claim, str(data), {})
    assert run_claim(claim, folders, scale="full", cache=tmp_path)["seeds"] == [0, 1, 2]
    assert run_claim(claim, folders, seeds=1, cache=tmp_path)["seeds"] == [0]
    with pytest.raises(InputError, match="`--seeds` must be at least 1"):
        run_claim(claim, folders, seeds=0, cache=tmp_path)


def test_finished_parts_are_not_made_again(claim, data, tmp_path):
    folders = data_folders(claim, str(data), {})
    first = run_claim(claim, folders, cache=tmp_path / "cache")
    files = sorted((tmp_path / "cache" / "guess").glob("*.json"))
    assert len(files) == 2
    stamps = [file.stat().st_mtime_ns for file in files]
    assert run_claim(claim, folders, cache=tmp_path / "cache")["effect"] == first["effect"]
    assert [file.stat().st_mtime_ns for file in files] == stamps
    run_claim(claim, folders, seeds=3, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "guess").glob("*.json"))) == 4


def test_a_role_takes_another_folder(claim, data, tmp_path, monkeypatch):
    monkeypatch.delenv("ACCORD_DATA", raising=False)
    other = data / "others"
    other.mkdir()
    assert data_folders(claim, str(data), {"numbers": "others"}) == {"numbers": other}
    assert data_folders(claim, None, {"numbers": str(other)}) == {"numbers": other}
    with pytest.raises(InputError, match="Did you mean `numbers`"):
        data_folders(claim, str(data), {"number": "others"})
    with pytest.raises(InputError, match=r"--use numbers=FOLDER"):
        data_folders(claim, str(data), {"numbers": "nothing"})


def test_data_come_from_the_environment_or_an_error_says_how(claim, data, monkeypatch):
    monkeypatch.setenv("ACCORD_DATA", str(data))
    assert data_folders(claim, None, {}) == {"numbers": data / "numbers"}
    monkeypatch.delenv("ACCORD_DATA")
    with pytest.raises(InputError, match="--data FOLDER"):
        data_folders(claim, None, {})


def test_claims_are_found_by_listing_the_folder():
    known = found_claims()
    assert "llm_embedder" in known
    assert all(name == claim.name for name, claim in known.items())
    with pytest.raises(InputError, match="Did you mean `llm_embedder`"):
        find("llm_embeder", known)


@pytest.fixture
def alone(claim, monkeypatch, tmp_path):
    """The command line with the made-up claim only, recording into a folder of the test."""
    monkeypatch.setattr(command, "found_claims", lambda: {"guess": claim})
    file = tmp_path / "results.jsonl"
    monkeypatch.setattr(command, "read_results", lambda: read(file))
    monkeypatch.setattr(command, "record", lambda row: write(row, file))
    return file


def read(file):
    from claims.results import read_results

    return read_results(file)


def write(row, file):
    from claims.results import record

    record(row, file)


def test_command_line(alone, data, tmp_path, capsys):
    where = ["--data", str(data), "--cache", str(tmp_path / "cache")]
    assert command.main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["state"] == "not run"
    assert command.main(["run", "guess", *where]) == 0
    assert "holds" in capsys.readouterr().out
    assert not alone.exists()
    assert command.main(["run", "guess", *where, "--scale", "full", "--record", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "holds"
    assert command.main(["list"]) == 0
    assert "current" in capsys.readouterr().out


def test_mistakes_end_with_2_and_one_line(alone, data, capsys):
    for words in (
        ["run", "gues", "--data", str(data)],
        ["run", "guess", "--data", str(data), "--use", "numbers"],
    ):
        assert command.main(words) == 2
        assert capsys.readouterr().err.startswith("error: ")
    assert not alone.exists()
