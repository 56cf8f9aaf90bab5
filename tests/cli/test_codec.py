"""`accord codec` and `accord encode --codec` as a user types them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tiny_models import tiny_encoder_folder

from accord.cli import main as cli
from accord.compression import codecs

WORDS = ("file", "row", "list", "name", "code", "text", "tree", "queue", "date", "path", "thread", "socket")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    rows = [{"text": f"{a} {b} {c}"} for a in WORDS for b in WORDS for c in ("is open", "is closed", "was lost")]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def accord(capsys):
    """Run a command; gives exit code, standard output and standard error."""

    def run(*words):
        with pytest.raises(SystemExit) as stop:
            cli.main(list(map(str, words)))
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return run


def test_fit_encode_and_report(accord, model, corpus, tmp_path):
    folder, vectors, codes = tmp_path / "codec", tmp_path / "vectors.npy", tmp_path / "codes.npy"
    code, text, error = accord(
        "codec", "fit", model, corpus, "--kind", "rabitq", "--bits", 2, "--out", folder, "--json"
    )
    assert (code, error.count("Error")) == (0, 0)
    found = json.loads(text)
    assert (found["kind"], found["settings"], found["seed"]) == ("RaBitQ", {"bits": 2}, 0)
    assert (found["fitted_on"], found["fidelity"]["vectors"] + found["fidelity"]["queries"]) == (389, 43)
    assert accord("encode", model, corpus, "--out", vectors)[0] == 0
    code, text, _ = accord("codec", "encode", folder, vectors, "--out", codes)
    assert code == 0
    assert text.startswith(f"Wrote 432 codes of {found['code_bytes']} bytes to")
    fitted = codecs.load(folder)
    np.testing.assert_array_equal(codecs.read_codes(codes, fitted), fitted.encode(np.load(vectors)))
    code, text, _ = accord("encode", model, corpus, "--codec", folder, "--out", tmp_path / "direct.npy", "--json")
    assert json.loads(text)["code_bytes"] == fitted.code_bytes
    np.testing.assert_array_equal(np.load(tmp_path / "direct.npy"), np.load(codes))
    code, text, _ = accord("codec", "report", folder)
    assert code == 0
    for words in ("RaBitQ(bits=2)", "recall@10, float queries", "queries as codes", "scored again", "of float32"):
        assert words in text
    code, text, _ = accord("codec", "report", folder, vectors, "--candidates", 50, "--json")
    assert json.loads(text)["fidelity"]["candidates"] == 50


def test_vectors_in_place_of_texts_with_a_limit_and_settings(accord, model, tmp_path, rng):
    from accord import load

    vectors = tmp_path / "vectors.npy"
    np.save(vectors, rng.normal(size=(900, load(str(model)).dim)).astype(np.float32))
    words = ("codec", "fit", model, vectors, "--kind", "pca", "--set", "dim=8", "--set", "then={Int8: {tail: 0.0}}")
    code, text, error = accord(*words, "--limit", 300, "--seed", 5, "--out", tmp_path / "pca")
    assert code == 0, error
    assert "fitted on 300 vectors" in " ".join(text.split())
    assert "Nothing was measured" in text
    codec = codecs.load(tmp_path / "pca")
    assert codec.settings == {"dim": 8, "whiten": False, "then": {"Int8": {"tail": 0.0}}}
    assert codec.code_bytes == 8


def test_a_codec_of_another_model_is_refused_by_hash(accord, model, corpus, tmp_path):
    other = tiny_encoder_folder(tmp_path / "other", seed=9)
    accord("codec", "fit", model, corpus, "--kind", "sign", "--out", tmp_path / "codec")
    code, _, error = accord("encode", other, corpus, "--codec", tmp_path / "codec", "--out", tmp_path / "codes.npy")
    assert code == 2
    assert "was made for the model" in error
    assert not (tmp_path / "codes.npy").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--kind", "int9"), "Did you mean `Int8`?"),
        (("--kind", "int8", "--set", "tial=0.1"), "Did you mean `tail`?"),
        (("--kind", "int8", "--set", "tail"), "`--set` takes NAME=VALUE"),
        (("--kind", "rabitq", "--bits", "9"), "`bits` must be a whole number from 1 to 8. Got 9"),
        (("--kind", "int8", "--bits", "2"), "Unknown key `bits` in the settings of Int8"),
        (("--kind", "int8", "--set", "tail=high"), "`tail` must lie in [0, 1]. Got 'high'"),
        (("--kind", "int8", "--column", "txt"), "Did you mean `text`?"),
    ],
)
def test_mistakes_are_named(accord, model, corpus, tmp_path, words, message):
    code, _, error = accord("codec", "fit", model, corpus, "--out", tmp_path / "codec", *words)
    assert code == 2
    assert message in error.replace("\n", " ")
    assert not (tmp_path / "codec").exists()


def test_files_that_are_no_vectors_are_refused(accord, model, corpus, tmp_path):
    accord("codec", "fit", model, corpus, "--kind", "sign", "--out", tmp_path / "codec")
    np.save(tmp_path / "whole.npy", np.arange(6).reshape(2, 3))
    (tmp_path / "text.npy").write_text("no vectors")
    for name, message in (
        ("none", "does not exist"),
        ("whole", "must hold floats"),
        ("text", "no .npy file"),
    ):
        code, _, error = accord(
            "codec", "encode", tmp_path / "codec", tmp_path / f"{name}.npy", "--out", tmp_path / "c.npy"
        )
        assert code == 2
        assert message in error
    code, _, error = accord("codec", "report", tmp_path / "codec", "--queries", tmp_path / "whole.npy")
    assert (code, "Give a .npy file of vectors as well" in error) == (2, True)
