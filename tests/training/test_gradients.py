"""Gradients as inner products: against plain autograd, whole, in blocks and projected; batches; steps tried."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from tiny_models import tiny_encoder

from accord.core.errors import InputError
from accord.data import Labelled, Pairs
from accord.encoders import load
from accord.objectives import InfoNCE, SupCon
from accord.training import AdamW, Constant, Settings, TrainingTask, train
from accord.training.gradients import gradient_gramians
from accord.training.layer_groups import layer_groups
from accord.training.lookahead import Lookahead
from accord.training.probe_batches import ProbeBatches

SETTINGS = Settings(steps=10, batch=8, chunk_tokens=64, precision="float32", optimizer=AdamW(lr=1e-3))


@pytest.fixture
def probe(tiny, tasks):
    return ProbeBatches(tiny, tasks, SETTINGS, batches=4)


def plain_gradients(probe):
    """One vector a batch, by group and whole, from one forward pass of the full batch and plain autograd."""
    model, found = probe.model.eval(), []
    groups = layer_groups(name for name, _ in model.named_parameters())
    for task, count in enumerate(probe.counts):
        for k in range(count):
            data = probe.data[task]
            batch = data.batch(probe.numbers[task][k], probe.settings.chunk_tokens)
            rows = torch.cat([data.forward(chunk) for chunk in batch.chunks])
            loss = data.task.loss_weight * data.task.objective(**data.fields(batch, rows))
            named = dict(model.named_parameters())
            parts = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
            flat = {n: torch.zeros_like(p) if g is None else g for (n, p), g in zip(named.items(), parts)}
            found.append({g: torch.cat([flat[n].flatten() for n in names]) for g, names in groups.items()})
    return found


def test_products_are_those_of_plain_autograd(probe):
    expected = plain_gradients(probe)
    found = gradient_gramians(probe, projection=None, held=16)
    assert list(found.groups) == ["embeddings", "layer 0", "layer 1", "layer 2", "head", "all"]
    for group in expected[0]:
        rows = torch.stack([one[group] for one in expected])
        assert np.allclose(found.groups[group], (rows @ rows.T).detach().numpy(), rtol=1e-4, atol=1e-7), group
    assert np.allclose(found.groups["all"], sum(found.groups[g] for g in expected[0]))
    assert found.owners.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert np.allclose(found.losses[:4], [probe.loss(0, k) for k in range(4)])
    assert found.error == 0


@pytest.mark.parametrize("held", [2, 5])
def test_less_memory_gives_the_same_products(probe, held):
    whole, blocks = (gradient_gramians(probe, projection=None, held=n) for n in (16, held))
    for group in whole.groups:
        assert np.allclose(whole.groups[group], blocks.groups[group], rtol=1e-4, atol=1e-4)


def test_a_projection_keeps_cosines_within_its_error(probe):
    exact, near = (gradient_gramians(probe, projection=width).groups["all"] for width in (None, 2048))
    found = gradient_gramians(probe, projection=2048)
    assert found.error == pytest.approx(1 / np.sqrt(2048))
    cosines = [g / np.sqrt(np.outer(np.diag(g), np.diag(g))) for g in (exact, near)]
    assert np.abs(cosines[0] - cosines[1]).max() < 5 * found.error
    assert np.array_equal(near, found.groups["all"])


def test_the_model_is_left_as_it_was(probe, tiny):
    tiny.train()
    before = {name: t.clone() for name, t in tiny.state_dict().items()}
    state = torch.random.get_rng_state()
    ahead = Lookahead(probe, steps=2)
    gradient_gramians(probe, on_gradient=ahead)
    assert all(torch.equal(t, before[name]) for name, t in tiny.state_dict().items())
    assert all(p.grad is None for p in tiny.parameters())
    assert tiny.training
    assert torch.equal(state, torch.random.get_rng_state())


def test_dropout_is_off_unless_it_is_asked_for(tiny, tasks):
    still, moving = (ProbeBatches(tiny, tasks, SETTINGS, batches=2, dropout=on) for on in (False, True))
    assert still.loss(0, 0) != moving.loss(0, 0)
    assert moving.loss(0, 0) == moving.loss(0, 0)


def test_no_row_is_in_two_batches(probe):
    for task in range(2):
        rows = np.concatenate([probe.data[task].stream.rows(k) for k in probe.numbers[task]])
        assert len(set(rows.tolist())) == len(rows)


def test_small_tasks_get_smaller_batches_and_say_so(tiny, pairs):
    task = TrainingTask(name="few", signal=pairs.take(range(12)), objective=InfoNCE())
    probe = ProbeBatches(tiny, [task], SETTINGS, batches=8)
    assert (probe.sizes, probe.counts) == ([3], [4])
    assert "batches of 3, not 8" in probe.notes[0]
    tiny_task = replace(task, signal=pairs.take(range(3)))
    with pytest.raises(InputError, match=r"3 rows.*need 4"):
        ProbeBatches(tiny, [tiny_task], SETTINGS, batches=8)


def test_rows_that_come_back_are_told(tiny, pairs):
    weights = pa.array([1000.0, 1000.0] + [0.001] * 38)
    signal = Pairs.of(pairs.table.append_column("weight", weights))
    task = TrainingTask(name="heavy", signal=signal, objective=InfoNCE(), weights="weight")
    probe = ProbeBatches(tiny, [task], SETTINGS, batches=4)
    assert probe.counts == [4]
    assert "share rows" in probe.notes[0]


def test_batches_without_a_loss_are_not_usable(tiny):
    rows = [{"text": f"file {i}", "label": f"l{i}"} for i in range(8)]
    task = TrainingTask(name="alone", signal=Labelled.of(pa.Table.from_pylist(rows)), objective=SupCon())
    assert ProbeBatches(tiny, [task], SETTINGS, batches=2).usable(0) == []


def test_frozen_weights_have_no_group(tiny, tasks):
    for name, parameter in tiny.named_parameters():
        parameter.requires_grad_("layer.1" in name)
    probe = ProbeBatches(tiny, tasks, SETTINGS, batches=2)
    assert list(gradient_gramians(probe).groups) == ["layer 1", "all"]
    for parameter in tiny.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(InputError, match="nothing to compare"):
        gradient_gramians(probe)


def test_a_tried_step_is_the_first_step_of_a_run(tmp_path, pairs):
    """The losses after a lookahead are those of a model that training itself moved by one step."""
    encoder = tiny_encoder(dropout=0.0)
    settings = replace(SETTINGS, schedule=Constant(), steps=1)
    task = TrainingTask(name="pairs", signal=pairs, objective=InfoNCE())
    probe = ProbeBatches(encoder, [task], settings, batches=4)
    ahead = Lookahead(probe, steps=2)
    found = gradient_gramians(probe, on_gradient=ahead)
    assert ahead.judged.tolist() == [2, 3]
    before = ahead.before(found.losses, found.owners, found.numbers)
    assert before.tolist() == [[found.losses[2], found.losses[3]]]
    encoder.save(tmp_path / "model")
    trained = load(str(tmp_path / "model"))
    train(trained, [task], settings)
    after = ProbeBatches(trained, [task], settings, batches=4).loss(0, 2)
    assert ahead.after[0, 0, 0] == pytest.approx(after, rel=1e-5)
    assert ahead.after[0, 0, 0] != pytest.approx(before[0, 0], rel=1e-5)


def test_weights_are_grouped_by_layer_whatever_the_family():
    names = ["backbone.embed_tokens.weight", "backbone.layers.0.mlp.weight", "backbone.h.1.attn.bias", "heads.0.weight"]
    assert list(layer_groups(names)) == ["embeddings", "layer 0", "layer 1", "head"]
