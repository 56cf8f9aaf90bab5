"""Texts with hidden tokens through the loop: labels are what stood there, chunks change nothing, the table learns."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_encoder

from accord.core.errors import InputError
from accord.core.types import View
from accord.data import Labelled, Unlabelled, stream
from accord.encoders import StaticEncoder, load
from accord.objectives import BagOfTokens, InfoNCE, MaskedTokens
from accord.training import AdamW, Settings, TrainingTask, train
from accord.training.memory.chunked import full_graph, grad_cache
from accord.training.readers import read_task
from accord.training.tokens import TaskTokens

TEXTS = [f"{a} the {b} of a {c} and read" for a in ("open", "close", "sort") for b in ("file", "row") for c in
         ("list", "name", "code", "text")]  # fmt: skip


@pytest.fixture
def signal():
    return Unlabelled.of({"text": [*TEXTS, "[SEP]", "read"]})


def reader(encoder, signal, objective, *, batch=26, seed=0, **options) -> TaskTokens:
    return read_task(
        TrainingTask(name="t", signal=signal, objective=objective, **options), encoder, batch=batch, seed=seed
    )


def hidden_tokens(data, chunk_tokens, index=0):
    """Every place of a batch: the text's ids as the encoder sees them -> places and labels."""
    batch = data.batch(index, chunk_tokens)
    found, start = {}, 0
    for chunk in batch.chunks:
        length = chunk.batch.input_ids.shape[1]
        for place in chunk.places.tolist():
            row = chunk.batch.input_ids[place // length][chunk.batch.attention_mask[place // length].bool()]
            found.setdefault(tuple(row.tolist()), []).append((place % length, int(batch.labels[start])))
            start += 1
    assert start == len(batch.labels)
    return found


def test_labels_are_the_tokens_that_stood_there(signal):
    encoder = tiny_encoder()
    texts = {tuple(ids) for ids in encoder.tokenizer(list(signal.column("text")))["input_ids"]}
    found = hidden_tokens(reader(encoder, signal, MaskedTokens(rate=0.3)), 64)
    for row, places in found.items():
        whole = list(row)
        for place, label in places:
            whole[place] = label
        assert tuple(whole) in texts
        assert not {label for _, label in places} & set(encoder.tokenizer.all_special_ids)
    assert len(found) == 25  # one text holds no ordinary token


def test_masks_do_not_depend_on_chunks_and_change_from_batch_to_batch(signal):
    data = reader(tiny_encoder(), signal, MaskedTokens())
    same = reader(tiny_encoder(seed=1), signal, MaskedTokens())
    assert hidden_tokens(data, 10_000) == hidden_tokens(data, 20) == hidden_tokens(same, 40)
    assert hidden_tokens(data, 64, index=1) != hidden_tokens(data, 64)
    other = reader(tiny_encoder(), signal, MaskedTokens(), seed=1)
    assert hidden_tokens(other, 64) != hidden_tokens(data, 64)


def test_prompts_are_neither_hidden_nor_predicted(signal):
    data = reader(tiny_encoder(), signal, MaskedTokens(rate=0.9), query_prompt="query : ")
    for row, places in hidden_tokens(data, 64).items():
        assert data.encoder.tokenizer.convert_ids_to_tokens(row[1:3]) == ["query", ":"]
        assert min(place for place, _ in places) >= 3
    bag = reader(tiny_encoder(), signal, BagOfTokens(), query_prompt="query : ")
    batch = bag.batch(0, 64)
    assert "query" not in bag.encoder.tokenizer.convert_ids_to_tokens(np.unique(batch.labels).tolist())


def test_logits_are_the_hidden_states_times_the_table(signal):
    encoder = tiny_encoder(dropout=0.0)
    data = reader(encoder, signal, MaskedTokens())
    batch = data.batch(0, 64)
    chunk = batch.chunks[0]
    head = encoder.token_heads["places"]
    hidden = encoder(chunk.batch).tokens.flatten(0, 1)[chunk.places]
    table = encoder.backbone.get_input_embeddings().weight
    wanted = head.norm(torch.nn.functional.gelu(head.dense(hidden))) @ table.T + head.bias
    torch.testing.assert_close(data.forward(chunk), wanted)


def test_the_vector_of_a_text_predicts_each_of_its_tokens_once(signal):
    encoder = tiny_encoder(dropout=0.0)
    data = reader(encoder, signal, BagOfTokens(rate=0.5))
    batch = data.batch(0, 40)
    outputs = torch.cat([data.forward(chunk) for chunk in batch.chunks])
    labels = data.fields(batch, outputs)["labels"]
    assert outputs.shape == labels.shape == (26, len(encoder.tokenizer))
    special = set(encoder.tokenizer.all_special_ids)
    wanted = sorted(sorted(set(ids) - special) for ids in encoder.tokenizer(list(signal.column("text")))["input_ids"])
    assert sorted(torch.nonzero(row)[:, 0].tolist() for row in labels) == wanted
    assert set(labels.unique().tolist()) == {0.0, 1.0}
    vectors = torch.cat([encoder(chunk.batch).pooled[View()] for chunk in batch.chunks]) * 32**0.5
    torch.testing.assert_close(outputs, vectors @ encoder.backbone.get_input_embeddings().weight.T)


@pytest.mark.parametrize("objective", [MaskedTokens(rate=0.3), BagOfTokens()])
def test_gradients_reach_the_table_and_do_not_depend_on_chunks_or_the_cache(signal, objective):
    found = []
    for chunk_tokens, method in ((10_000, full_graph), (30, full_graph), (30, grad_cache)):
        encoder = tiny_encoder(dropout=0.0)
        data = reader(encoder, signal, objective)
        batch = data.batch(0, chunk_tokens)

        def loss(outputs, data=data, batch=batch):
            return objective(**data.fields(batch, torch.cat(list(outputs))))

        value = method(lambda k, data=data, batch=batch: data.forward(batch.chunks[k]), len(batch.chunks), loss)
        table = encoder.backbone.get_input_embeddings().weight
        never = encoder.tokenizer.convert_tokens_to_ids("z")
        assert table.grad[never].abs().max() > 0  # it is in no text: only the head sees its row
        found.append((value, {name: p.grad for name, p in encoder.named_parameters() if p.grad is not None}))
    value, gradients = found[0]
    assert any(name.startswith("token_heads.") for name in gradients)
    for other, theirs in found[1:]:
        torch.testing.assert_close(other, value, rtol=1e-5, atol=0)
        for name, gradient in gradients.items():
            torch.testing.assert_close(theirs[name], gradient, rtol=1e-3, atol=1e-5)


def test_hidden_tokens_train_beside_another_task(signal, pairs, tiny_folder, tmp_path):
    encoder = load(str(tiny_folder), device="cpu")
    tasks = [
        TrainingTask(name="masked", signal=signal, objective=MaskedTokens()),
        TrainingTask(name="bag", signal=signal, objective=BagOfTokens()),
        TrainingTask(name="pairs", signal=pairs, objective=InfoNCE()),
    ]
    settings = Settings(steps=6, batch=12, batches="mixed", precision="float32", checkpoint_every=2)
    seen = []
    train(encoder, tasks, settings, checkpoints=tmp_path, on_step=seen.append)
    assert {record.task for record in seen} == {"masked", "bag", "pairs"}
    assert sorted(encoder.token_heads) == ["places", "texts"]
    resumed = load(str(tiny_folder), device="cpu")
    assert train(resumed, tasks, settings, checkpoints=tmp_path, resume=True).resumed_from == 4
    for (name, one), (_, other) in zip(encoder.state_dict().items(), resumed.state_dict().items()):
        assert torch.equal(one, other), name


def test_a_stream_hides_what_the_same_rows_in_memory_would(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(f'{{"text": "{text}"}}\n' for text in TEXTS))
    losses = []
    for _ in range(2):
        encoder, seen = tiny_encoder(), []
        task = TrainingTask(name="t", signal=stream(path, signal=Unlabelled), objective=MaskedTokens())
        train(encoder, [task], Settings(steps=3, batch=8, precision="float32"), on_step=seen.append)
        losses.append([record.loss for record in seen])
    assert losses[0] == losses[1] and len(losses[0]) == 3


def test_what_cannot_hide_tokens_is_refused(signal):
    encoder = tiny_encoder()
    static = StaticEncoder(torch.ones(len(encoder.tokenizer), 2), encoder.tokenizer)
    with pytest.raises(InputError, match="a static model does not read in their context"):
        reader(static, signal, MaskedTokens())
    with pytest.raises(InputError, match="hides tokens of texts alone, and the rows are Labelled"):
        reader(encoder, Labelled.of({"text": TEXTS, "label": TEXTS}), MaskedTokens())
    encoder.tokenizer.mask_token = None
    with pytest.raises(InputError, match="has no mask token"):
        reader(encoder, signal, MaskedTokens())


@pytest.mark.slow
@pytest.mark.parametrize("objective", [MaskedTokens(), BagOfTokens()])
def test_a_few_steps_on_docstrings_lower_the_loss(minilm, objective):
    from accord.data.sources import PythonLibrary

    table = PythonLibrary(cap_per_module=20).load()
    docs = Unlabelled.of({"text": table.column("summary").to_pylist()})
    encoder, losses = minilm.cut(View(layer=1)), []
    encoder.max_length = 32
    settings = Settings(steps=14, batch=24, optimizer=AdamW(lr=1e-3), precision="float32")
    train(encoder, [TrainingTask(name="t", signal=docs, objective=objective)], settings, on_step=losses.append)
    first, last = (sum(record.loss for record in part) / 3 for part in (losses[:3], losses[-3:]))
    assert last < 0.9 * first
