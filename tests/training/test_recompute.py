"""Recomputed layers give the very gradients, and nothing stays switched on."""

import pytest
import torch
from torch import nn

from accord.core.errors import InputError
from accord.data.samplers import RoundRobin
from accord.encoders import load
from accord.training import AdamW, Settings, train
from accord.training.memory.recompute import recomputed


def on(model):
    return [name for name, module in model.named_modules() if getattr(module, "gradient_checkpointing", False)]


def hooks(model):
    return sum(len(module._forward_hooks) for module in model.modules())


@pytest.mark.parametrize("cached", [False, True])
def test_training_takes_the_same_steps_bit_for_bit_with_dropout(tiny_folder, tasks, cached):
    found = []
    for wanted in (False, True):
        encoder = load(str(tiny_folder))
        losses = []
        settings = Settings(
            steps=4,
            batch=8,
            chunk_tokens=64,
            cache_above_tokens=0 if cached else 100_000,
            gradient_checkpointing=wanted,
            optimizer=AdamW(lr=1e-3),
            sampler=RoundRobin(),
            precision="float32",
        )
        train(encoder, tasks, settings, on_step=lambda record, kept=losses: kept.append(record.loss))
        found.append((losses, {name: t.clone() for name, t in encoder.state_dict().items()}))
        assert not on(encoder)
        assert not hooks(encoder)
    assert found[0][0] == found[1][0]
    assert all(torch.equal(found[0][1][name], found[1][1][name]) for name in found[0][1])


def test_layers_are_recomputed_within_and_left_as_they_were_also_after_an_error(tiny):
    tiny.train()
    calls = []
    layer = tiny.backbone.encoder.layer[0].intermediate
    layer.register_forward_hook(lambda *_: calls.append(1))
    batch = tiny.prepare(["read the file", "write a row"])
    for wanted, expected in ((False, 1), (True, 2)):
        calls.clear()
        with recomputed(tiny, wanted):
            tiny(batch).tokens.sum().backward()
        assert len(calls) == expected
    with pytest.raises(ZeroDivisionError), recomputed(tiny):
        assert on(tiny)
        raise ZeroDivisionError
    assert not on(tiny)
    with recomputed(tiny), recomputed(tiny):
        pass
    assert not on(tiny)


def test_a_model_without_layers_to_recompute_is_refused():
    with (
        pytest.raises(InputError, match=r"`train\.gradient_checkpointing` needs a transformer"),
        recomputed(nn.Linear(2, 2)),
    ):
        pass
