"""Vectors are found again by what made them, and by nothing else."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import tiny_encoder, tiny_encoder_folder

import accord.encoders.cache as cache_module
from accord.core.errors import InputError
from accord.core.types import View
from accord.encoders import load
from accord.encoders.cache import VectorCache

TEXTS = ["read the file", "write a row", "", "two lists", "read the file", "ünïcode"]


@pytest.fixture
def encoder():
    return tiny_encoder(prompts={"query": "query: ", "code": "code "})


@pytest.fixture
def cache(tmp_path):
    return VectorCache(tmp_path / "vectors")


class Counted:
    """An encoder that notes what it was asked to encode."""

    def __init__(self, encoder):
        self.encoder, self.asked = encoder, []

    def __getattr__(self, name):
        return getattr(self.encoder, name)

    def encode(self, texts, **options):
        self.asked.append(list(texts))
        return self.encoder.encode(texts, **options)


def test_vectors_are_those_of_the_encoder_and_each_text_is_encoded_once(encoder, cache):
    counted = Counted(encoder)
    first = cache.encode(counted, TEXTS)
    np.testing.assert_allclose(first, encoder.encode(TEXTS), atol=1e-6)
    assert counted.asked == [["read the file", "write a row", "", "two lists", "ünïcode"]]
    again = cache.encode(counted, [*TEXTS[::-1], "seven"])
    np.testing.assert_array_equal(again[:6], first[::-1])
    assert counted.asked[1:] == [["seven"]]
    assert (cache.encoded, cache.reused) == (6, 5)
    assert cache.encode(counted, []).shape == (0, encoder.dim)


def test_what_one_process_wrote_the_next_one_reads(encoder, tmp_path):
    VectorCache(tmp_path).encode(encoder, TEXTS)
    counted = Counted(encoder)
    np.testing.assert_allclose(VectorCache(tmp_path).encode(counted, TEXTS), encoder.encode(TEXTS), atol=1e-6)
    assert not counted.asked


def test_two_models_of_one_name_never_meet(cache, tmp_path):
    """sentence-transformers 6.2 keys its mining cache by the base model's name, which two local models share."""
    vectors = []
    for seed in (0, 1):
        folder = tiny_encoder_folder(tmp_path / "model", seed=seed)  # the same path, replaced
        model = load(folder)
        vectors.append(cache.encode(model, TEXTS))
        np.testing.assert_allclose(vectors[-1], model.encode(TEXTS), atol=1e-6)
    assert np.abs(vectors[0] - vectors[1]).max() > 0.1


@pytest.mark.slow
def test_the_mining_cache_of_sentence_transformers_mixes_models_up_and_ours_does_not(tmp_path):
    """The bug itself, so that this test says when it is gone: model B is given the vectors of model A."""
    datasets = pytest.importorskip("datasets")
    util = pytest.importorskip("sentence_transformers.util")
    from sentence_transformers import SentenceTransformer

    words = ["read", "write", "open", "close", "sort", "send", "parse", "join"]
    rows = {"anchor": [f"{w} the file" for w in words], "positive": [f"{w} a row" for w in words]}
    found, ours = [], []
    cache = VectorCache(tmp_path / "ours")
    for seed in (0, 1):
        folder = tiny_encoder_folder(tmp_path / f"model{seed}", seed=seed)
        mined = util.mine_hard_negatives(
            datasets.Dataset.from_dict(rows), SentenceTransformer(str(folder)), num_negatives=2, range_max=4,
            output_format="n-tuple", output_scores=True, verbose=False, cache_folder=str(tmp_path / "theirs"),
        )  # fmt: skip
        found.append(mined["scores"])
        ours.append(cache.encode(load(folder), rows["anchor"]))
    if list(found[0]) != list(found[1]):
        pytest.skip("sentence-transformers no longer keys its cache by a name")
    assert np.abs(ours[0] - ours[1]).max() > 0.1


def test_a_model_that_was_trained_further_starts_afresh(encoder, cache):
    before = cache.encode(encoder, TEXTS)
    with torch.no_grad():
        next(encoder.parameters()).mul_(1.5)
    after = cache.encode(encoder, TEXTS)
    np.testing.assert_allclose(after, encoder.encode(TEXTS), atol=1e-6)
    assert np.abs(after - before).max() > 1e-3


def test_all_that_decides_a_vector_is_part_of_the_key(encoder, cache):
    def lower_length():
        encoder.max_length = 5

    def other_rules():
        from tokenizers import normalizers

        encoder.max_length = 64
        encoder.tokenizer.backend_tokenizer.normalizer = normalizers.Strip()

    cache.encode(encoder, TEXTS)
    for change, options in (
        (None, {"role": "query"}),
        (None, {"role": "document", "prompt_name": "code"}),
        (None, {"view": View(dim=8)}),
        (None, {"view": View(layer=1)}),
        (None, {"precision": "bfloat16"}),
        (lower_length, {}),
        (other_rules, {}),
    ):
        if change is not None:
            change()
        counted = Counted(encoder)
        cache.encode(counted, TEXTS, **options)
        assert counted.asked, (change, options)
        cache.encode(counted, TEXTS, **options)
        assert len(counted.asked) == 1
    assert len(list(cache.folder.iterdir())) == 8


def test_roles_are_what_the_encoder_makes_of_them(encoder, cache):
    encoder.default_prompt_name = "code"
    for role, wanted in (
        ("query", encoder.encode_query(TEXTS)),
        ("document", encoder.encode_document(TEXTS)),
        ("text", encoder.encode(TEXTS)),
    ):
        np.testing.assert_allclose(cache.encode(encoder, TEXTS, role=role), wanted, atol=1e-6)


def test_half_the_disk_costs_half_a_thousandth(encoder, tmp_path):
    whole, half = VectorCache(tmp_path / "a"), VectorCache(tmp_path / "b", stored="float16")
    vectors = whole.encode(encoder, TEXTS)
    found = half.encode(encoder, TEXTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, vectors, rtol=2**-11, atol=1e-7)
    out = np.empty((len(TEXTS), encoder.dim), dtype=np.float16)
    assert half.encode(encoder, TEXTS, out=out) is out
    with pytest.raises(InputError, match="`out` must be"):
        half.encode(encoder, TEXTS, out=out[:2])


def test_a_damaged_segment_is_left_aside_with_a_word(encoder, cache, caplog):
    wanted = cache.encode(encoder, TEXTS)
    (segment,) = cache.folder.rglob("*.vectors")
    segment.write_bytes(segment.read_bytes()[:-5])
    counted = Counted(encoder)
    np.testing.assert_array_equal(cache.encode(counted, TEXTS), wanted)
    assert counted.asked
    assert segment.name in caplog.text


def test_many_small_segments_become_one(encoder, cache):
    texts = [f"text {n}" for n in range(24)]
    for text in texts:
        cache.encode(encoder, [text, "one for all"])
    assert len(list(cache.folder.rglob("*.vectors"))) < 20
    counted = Counted(encoder)
    np.testing.assert_allclose(cache.encode(counted, texts), encoder.encode(texts), atol=1e-6)
    assert not counted.asked


def test_an_interrupted_encode_keeps_whole_segments(encoder, cache, monkeypatch):
    monkeypatch.setattr(cache_module, "WINDOW", 2)

    class Stops(Counted):
        def encode(self, texts, **options):
            if len(self.asked) == 2:
                raise KeyboardInterrupt
            return super().encode(texts, **options)

    with pytest.raises(KeyboardInterrupt):
        cache.encode(Stops(encoder), TEXTS)
    counted = Counted(encoder)
    np.testing.assert_allclose(cache.encode(counted, TEXTS), encoder.encode(TEXTS), atol=1e-6)
    assert counted.asked == [["ünïcode"]]


CHILD = """
import sys, time
sys.path.insert(0, sys.argv[3])
import accord.encoders.cache as cache_module
from accord.encoders import load
cache_module.WINDOW = 3
encoder = load(sys.argv[1])
encode = encoder.encode
def slow(texts, **options):
    time.sleep(0.05)
    return encode(texts, **options)
encoder.encode = slow
cache_module.VectorCache(sys.argv[2]).encode(encoder, [f"text {n}" for n in range(3000)])
"""


@pytest.mark.slow
def test_a_killed_process_leaves_whole_segments_only(tmp_path):
    model, folder = tiny_encoder_folder(tmp_path / "model"), tmp_path / "vectors"
    tests = str(Path(__file__).resolve().parents[1])
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(model), str(folder), tests])
    deadline = time.monotonic() + 60
    while len(list(folder.rglob("*.vectors"))) < 5 and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    encoder = load(model)
    counted = Counted(encoder)
    texts = [f"text {n}" for n in range(3000)]
    vectors = VectorCache(folder).encode(counted, texts)
    np.testing.assert_allclose(vectors, encoder.encode(texts), atol=1e-5)
    (new,) = counted.asked
    assert 0 < len(new) <= 3000 - 15
    assert len(new) % 3 == 0


def test_memory_holds_the_rows_asked_for(encoder, cache):
    """Segments are mapped: reading a few rows of many leaves the rest on the disk."""
    texts = [f"text {n}" for n in range(500)]
    cache.encode(encoder, texts)
    space = cache_module._Space(next(p for p in cache.folder.iterdir()), encoder.dim, "float32", {})
    assert all(isinstance(vectors, np.memmap) for _, vectors in space.segments)


def test_what_cannot_be_kept_is_refused(encoder, cache, tmp_path):
    class Nameless:
        def encode_query(self, texts):
            return np.zeros((len(texts), 2))

    class Broken(Counted):
        def encode(self, texts, **options):
            return np.full((len(texts), self.encoder.dim), np.nan, dtype=np.float32)

    with pytest.raises(InputError, match="Nameless has no fingerprint"):
        cache.encode(Nameless(), TEXTS)
    with pytest.raises(InputError, match="NaN or infinity for 'read the file'"):
        cache.encode(Broken(encoder), TEXTS)
    with pytest.raises(InputError, match="`role` must be one of"):
        cache.encode(encoder, TEXTS, role="passage")
    with pytest.raises(InputError, match="must hold strings"):
        cache.encode(encoder, ["a", 3])
    with pytest.raises(InputError, match="prompt"):
        cache.encode(encoder, TEXTS, role="query", prompt_name="no such")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        VectorCache(tmp_path / "file")
