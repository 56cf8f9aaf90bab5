"""Training low-rank adapters: nothing else moves, nothing else is kept, and a stop changes nothing."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file
from tiny_models import tiny_encoder

from accord.core.errors import InputError
from accord.core.interrupts import Interrupted
from accord.data import Pairs
from accord.objectives import InfoNCE
from accord.training import AdamW, EarlyStopping, Settings, TrainingTask, train
from accord.training.adapters import LoRA

WORDS = ("read", "write", "open", "close", "list", "file", "row", "name", "code", "text")


@pytest.fixture
def task():
    rows = [{"anchor": f"{a} {b}", "positive": f"{b} the {a}"} for a in WORDS for b in WORDS[:5]]
    return TrainingTask(name="pairs", signal=Pairs.of(pa.Table.from_pylist(rows)), objective=InfoNCE())


def settings(**changes):
    usual = {
        "steps": 6,
        "batch": 8,
        "chunk_tokens": 64,
        "optimizer": AdamW(lr=3e-3),
        "precision": "float32",
        "checkpoint_every": 2,
    }
    return Settings(**usual | changes)


def trained(task, *, seed=0, changes=None, **options):
    encoder = tiny_encoder()
    adapter = LoRA(rank=4, dropout=0.1).attach(encoder, seed=seed)
    train(encoder, [task], settings(**changes or {}), **options)
    return encoder, adapter


def adapters(adapter):
    return {name: (layer.down.detach(), layer.up.detach()) for name, layer in adapter.layers.items()}


def same(a, b):
    return all(torch.equal(x, y) for name in a for x, y in zip(a[name], b[name]))


def test_it_learns_and_the_base_stands_still(task):
    losses = []
    encoder, adapter = trained(task, changes={"steps": 40}, on_step=lambda record: losses.append(record.loss))
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])
    adapter.remove()
    assert encoder.fingerprint() == tiny_encoder().fingerprint()


def test_folded_after_training_it_gives_the_same_vectors(task):
    encoder, adapter = trained(task)
    texts = ["read a file", "the code"]
    wanted = encoder.encode(texts)
    assert np.abs(wanted - tiny_encoder().encode(texts)).max() > 1e-3
    adapter.fold()
    np.testing.assert_allclose(encoder.encode(texts), wanted, atol=1e-6)


def test_checkpoints_hold_the_adapter_alone(task, tmp_path):
    trained(task, checkpoints=tmp_path)
    kept = load_file(tmp_path / "step-00000004" / "model.safetensors")
    assert len(kept) == 2 * 12
    assert all(name.endswith((".down", ".up")) for name in kept)


def test_a_stopped_run_ends_with_the_same_bits(task, tmp_path):
    _, whole = trained(task)

    def stop(record):
        if record.step == 3:
            raise Interrupted("enough")

    with pytest.raises(Interrupted):
        trained(task, checkpoints=tmp_path, on_step=stop)
    _, resumed = trained(task, checkpoints=tmp_path, resume=True)
    assert same(adapters(whole), adapters(resumed))


def test_a_checkpoint_of_another_adapter_is_refused(task, tmp_path):
    trained(task, checkpoints=tmp_path)
    with pytest.raises(InputError, match="belongs to a run with"):
        trained(task, seed=1, checkpoints=tmp_path, resume=True)


def test_early_stopping_keeps_the_best_adapter(task):
    scores = iter([1.0, 0.5, 0.4])
    best = {}
    encoder = tiny_encoder()
    adapter = LoRA(rank=2).attach(encoder)

    def score():
        value = next(scores)
        if value == 1.0:
            best.update({name: tuple(t.clone() for t in pair) for name, pair in adapters(adapter).items()})
        return value

    found = train(encoder, [task], settings(steps=20, early_stopping=EarlyStopping(every=2, patience=2)), score=score)
    assert (found.steps, found.best_step) == (6, 2)
    assert same(best, adapters(adapter))


@pytest.mark.parametrize("changes", [{"cache_above_tokens": 0}, {"gradient_checkpointing": True}])
def test_saving_memory_changes_little(task, changes):
    _, plain = trained(task, changes={"steps": 2})
    _, thrifty = trained(task, changes={"steps": 2} | changes)
    for name, pair in adapters(plain).items():
        for a, b in zip(pair, adapters(thrifty)[name]):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rank": 0}, "`rank` must be at least 1"),
        ({"alpha": 0.0}, "`alpha` must be positive"),
        ({"dropout": 1.0}, "`dropout` must be below 1"),
        ({"targets": "query"}, r"write \[query\]"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        LoRA(**options)
