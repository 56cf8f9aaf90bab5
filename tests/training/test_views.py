"""Several sizes in a step: drawn by its number, equal under gradient caching, with any objective inside."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from tiny_models import tiny_encoder
from tiny_pairs import tiny_cross_encoder

from accord.compression.elastic import Matryoshka, Matryoshka2d, NestedDropout, Slimmable, Starbucks
from accord.core.errors import InputError
from accord.core.random import derive
from accord.core.types import View
from accord.data import Scored, Unlabelled
from accord.encoders import StaticEncoder
from accord.objectives import (
    AnglE,
    BagOfTokens,
    CoSENT,
    FixedTargets,
    InfoNCE,
    MaskedTokens,
    SupCon,
    TokenRelations,
    VectorDistillation,
)
from accord.training import AdamW, Settings, TrainingTask, train
from accord.training.memory.chunked import full_graph, grad_cache
from accord.training.readers import read_task
from accord.training.step import Part, Step

SIZES = [[3, 32], [2, 16], [1, 8]]
METHODS = {
    "starbucks": Starbucks(SIZES),
    "matryoshka": Matryoshka([16, 8], per_step=1),
    "2d": Matryoshka2d(SIZES),
    "nested": NestedDropout([16, 8], share=1.0),
    "slimmable": Slimmable([[3, 32, 48], [3, 32, 32], [2, 16, 16]]),
}


def task(signal, objective, **options):
    return TrainingTask(name="t", signal=signal, objective=objective, **options)


def gradients(encoder, data, index=0, *, method, chunk_tokens=64):
    """Loss and gradients of one batch, with dropout by the number of the chunk."""
    encoder.train()
    encoder.zero_grad(set_to_none=True)
    batch = data.batch(index, chunk_tokens)

    def forward(number):
        torch.manual_seed(derive(7, number))
        return data.forward(batch.chunks[number])

    def loss(outputs):
        return data.task.objective(**data.fields(batch, torch.cat(list(outputs))))

    value = method(forward, len(batch.chunks), loss)
    encoder.eval()
    return float(value), {n: p.grad.clone() for n, p in encoder.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_grad_cache_equals_the_full_batch_with_the_same_dropout_masks(method, pairs):
    encoder = tiny_encoder().double()
    data = read_task(task(pairs, method.of(InfoNCE(temperature=0.5))), encoder, batch=16, seed=0)
    value, expected = gradients(encoder, data, method=full_graph)
    again, found = gradients(encoder, data, method=grad_cache)
    assert len(data.batch(0, 64).chunks) > 2
    assert again == pytest.approx(value, abs=1e-12)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=0, atol=1e-12)


def test_the_loss_is_that_of_the_cut_models(pairs):
    encoder = tiny_encoder(dropout=0.0).double()
    inner = InfoNCE(temperature=0.5)
    data = read_task(task(pairs, Starbucks(SIZES, alignment=0.0).of(inner)), encoder, batch=16, seed=0)
    value, _ = gradients(encoder, data, method=full_graph, chunk_tokens=4096)
    alone = []
    for layer, dim in SIZES:
        small = encoder.cut(View(layer, dim)).double()
        plain = read_task(task(pairs, inner), small, batch=16, seed=0)
        alone.append(gradients(small, plain, method=full_graph, chunk_tokens=4096)[0])
    assert value == pytest.approx(sum(alone), abs=1e-9)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_sizes_depend_on_seed_and_number_alone(method, pairs):
    encoder = tiny_encoder()
    first, again = (read_task(task(pairs, method.of(InfoNCE())), encoder, batch=8, seed=0) for _ in range(2))
    other = read_task(task(pairs, method.of(InfoNCE())), encoder, batch=8, seed=1)
    drawn = [first.batch(k, 256).drawn for k in range(8)]
    assert [again.batch(k, 64).drawn for k in reversed(range(8))] == drawn[::-1]
    varies = len({one.views for one in drawn}) > 1
    assert varies == (not isinstance(method, Starbucks))
    assert not varies or [other.batch(k, 256).drawn for k in range(8)] != drawn


def test_a_run_that_is_resumed_ends_where_an_unbroken_one_does(pairs, tmp_path):
    def run(steps_before_stop):
        encoder = tiny_encoder()
        objective = Matryoshka2d(SIZES).of(InfoNCE())
        settings = Settings(steps=4, batch=8, checkpoint_every=2, precision="float32", optimizer=AdamW(lr=1e-3))
        seen = []

        def stop(record):
            seen.append(record)
            if len(seen) == steps_before_stop:
                raise KeyboardInterrupt

        folder = tmp_path / str(steps_before_stop)
        if steps_before_stop:
            with pytest.raises(KeyboardInterrupt):
                train(encoder, [task(pairs, objective)], settings, checkpoints=folder, on_step=stop)
            encoder = tiny_encoder()
        train(encoder, [task(pairs, objective)], settings, checkpoints=folder, resume=bool(steps_before_stop))
        return encoder.state_dict()

    whole, broken = run(0), run(3)
    assert all(torch.equal(whole[name], broken[name]) for name in whole)


def embeddings_only(pairs, labelled):
    scored = Scored.of(
        pa.table({"text1": pairs.column("anchor"), "text2": pairs.column("positive"), "score": [0.1, 0.9] * 20})
    )
    targets = np.random.default_rng(0).normal(size=(5, 32)).astype(np.float32)
    return {
        "cosent": (scored, CoSENT(), {}),
        "angle": (scored, AnglE(), {}),
        "labelled": (labelled, SupCon(), {}),
        "targets": (labelled, FixedTargets(targets), {}),
        "targets of labels": (labelled, FixedTargets("labels"), {}),
        "teacher": (pairs, VectorDistillation(), {"teacher": tiny_encoder(seed=3)}),
        "projection": (pairs, VectorDistillation(projection=[32, 32]), {"teacher": tiny_encoder(seed=3)}),
    }


@pytest.mark.parametrize(
    "name", ["cosent", "angle", "labelled", "targets", "targets of labels", "teacher", "projection"]
)
def test_any_objective_trains_every_size(name, pairs, labelled):
    signal, inner, options = embeddings_only(pairs, labelled)[name]
    encoder = tiny_encoder()
    data = read_task(task(signal, Starbucks(SIZES).of(inner), **options), encoder, batch=16, seed=0)
    batch = data.batch(0, 256)
    outputs = torch.cat([data.forward(chunk) for chunk in batch.chunks])
    fields = data.fields(batch, outputs)
    assert [one.view for one in fields["views"]] == [View(), View(2, 16), View(1, 8)]
    value = data.task.objective(**fields)
    assert torch.isfinite(value)
    value.backward()
    assert encoder.backbone.get_input_embeddings().weight.grad.abs().sum() > 0


@pytest.mark.parametrize("inner", [MaskedTokens(rate=0.3), BagOfTokens()], ids=["places", "texts"])
def test_every_size_predicts_hidden_tokens_from_its_own_dimensions(inner):
    encoder = tiny_encoder(dropout=0.0).double()
    signal = Unlabelled.of({"text": [f"{a} the {b} of a row" for a in ("open", "close") for b in ("file", "list")]})
    data = read_task(task(signal, Starbucks(SIZES).of(inner)), encoder, batch=4, seed=0)
    encoder.double()
    batch = data.batch(0, 4096)
    fields = data.fields(batch, torch.cat([data.forward(chunk) for chunk in batch.chunks]))
    whole, middle, small = (one.fields["logits"] for one in fields["views"])
    vocabulary = encoder.backbone.get_input_embeddings().weight.shape[0]
    assert whole.shape == middle.shape == small.shape == (len(whole), vocabulary)
    head = encoder.token_heads["places" if isinstance(inner, MaskedTokens) else "texts"]
    chunk = batch.chunks[0].chunk
    if isinstance(inner, MaskedTokens):
        cut = encoder.cut(View(1)).forward(chunk.batch).tokens.flatten(0, 1)[chunk.places]
    else:
        cut = encoder(chunk.batch, [View(1, 8)]).pooled[View(1, 8)] * 8**0.5
    padded = torch.cat([cut[:, :8], torch.zeros(len(cut), 24, dtype=cut.dtype)], dim=1)
    torch.testing.assert_close(small, head(padded, encoder.backbone.get_input_embeddings().weight))
    again, expected = (gradients(encoder, data, method=method)[1] for method in (grad_cache, full_graph))
    for name, gradient in expected.items():
        torch.testing.assert_close(again[name], gradient, rtol=0, atol=1e-12)


def test_a_static_encoder_has_dimensions_only(pairs):
    tokenizer = tiny_encoder().tokenizer
    encoder = StaticEncoder(np.random.default_rng(0).normal(size=(len(tokenizer), 16)).astype(np.float32), tokenizer)
    data = read_task(task(pairs, Starbucks([8, 4]).of(InfoNCE())), encoder, batch=8, seed=0)
    batch = data.batch(0, 256)
    assert torch.isfinite(data.task.objective(**data.fields(batch, data.forward(batch.chunks[0]))))
    with pytest.raises(InputError, match="Task `t`: A static model has no layers"):
        read_task(task(pairs, Starbucks([[2, 8]]).of(InfoNCE())), encoder, batch=8, seed=0)


def test_sizes_that_a_model_does_not_have_are_refused(pairs):
    with pytest.raises(InputError, match="Task `t`: The size 4x32 is larger than the model"):
        read_task(task(pairs, Starbucks([[4, 32]]).of(InfoNCE())), tiny_encoder(), batch=8, seed=0)
    with pytest.raises(InputError, match="a cross-encoder gives scores and no vectors"):
        read_task(task(pairs, Starbucks([[2, 8]]).of(InfoNCE())), tiny_cross_encoder(), batch=8, seed=0)


def test_objectives_that_no_size_can_feed_are_refused():
    signal = Unlabelled.of({"text": ["open the file", "close the row"]})
    narrow = Slimmable([[3, 32, 16]])
    with pytest.raises(InputError, match="predicted at the whole width"):
        read_task(task(signal, narrow.of(MaskedTokens())), tiny_encoder(), batch=2, seed=0)
    with pytest.raises(InputError, match="TokenRelations reads what lies below the vectors"):
        taught = task(signal, Starbucks(SIZES).of(TokenRelations()), teacher=tiny_encoder(seed=1))
        read_task(taught, tiny_encoder(), batch=2, seed=0)


def test_several_tasks_share_a_mixed_step(tasks):
    encoder = tiny_encoder()
    method = Matryoshka2d(SIZES)
    elastic = [TrainingTask(name=t.name, signal=t.signal, objective=method.of(t.objective)) for t in tasks]
    data = [read_task(t, encoder, batch=8, seed=0) for t in elastic]
    step = Step([Part(d, d.batch(0, 64), 0.5) for d in data], seed=0, autocast=_plain, where="here")
    with torch.random.fork_rng(devices=[]):
        value = step.loss([step.forward(number) for number in range(len(step.chunks))])
    assert torch.isfinite(value)


def _plain():
    return torch.autocast("cpu", enabled=False)
