"""Tokens of a student and a teacher through the loop: what the fields hold, chunks that change nothing, refusals."""

import copy

import numpy as np
import pytest
import torch
from tiny_models import WORDS, tiny_encoder

from accord.core.errors import InputError
from accord.core.types import View
from accord.data import Pairs, Unlabelled, stream
from accord.encoders import StaticEncoder
from accord.evaluation.encoding import CachedEncoder
from accord.objectives import FeatureAlignment, InfoNCE, TokenRelations
from accord.training import AdamW, Settings, TrainingTask, train
from accord.training.features import TaskFeatures
from accord.training.memory.chunked import full_graph, grad_cache
from accord.training.readers import read_task

TEXTS = [f"{a} the {b} of {c}" * (1 + k % 2) for k, (a, b, c) in enumerate(zip(WORDS[:18], WORDS[7:], WORDS[13:]))]
BRIDGED = {"layers": [[1, 2], [2, 4]], "projection": [32, 48]}


@pytest.fixture(scope="module")
def teacher():
    return tiny_encoder(seed=1, layers=4, hidden=48)


@pytest.fixture
def student():
    return tiny_encoder(layers=2, dropout=0.0)


@pytest.fixture(scope="module")
def signal():
    return Unlabelled.of({"text": [*TEXTS, TEXTS[0]]})


def task(signal, objective, teacher, **options):
    return TrainingTask(name="t", signal=signal, objective=objective, teacher=teacher, **options)


def reader(student, signal, objective, teacher, **options) -> TaskFeatures:
    return read_task(task(signal, objective, teacher, **options), student, batch=8, seed=0)


def fields(data, chunk_tokens=10_000, index=0):
    batch = data.batch(index, chunk_tokens)
    return data.fields(batch, torch.cat([data.forward(chunk) for chunk in batch.chunks]))


def test_fields_are_what_the_models_give_text_by_text(student, teacher, signal):
    data = reader(student, signal, FeatureAlignment(outputs=1.0, fusion=8, **BRIDGED), teacher, query_prompt="query ")
    found = fields(data, 40)
    texts = sorted(set(signal.take(data.stream.rows(0)).column("text")), key=list(signal.column("text")).index)
    assert found["owners"].unique().tolist() == list(range(len(texts)))
    for number, text in enumerate(texts):
        mine = found["owners"] == number
        for name, model, layers in (("", student, [0, 1, 2]), ("teacher_", teacher, [0, 2, 4])):
            tokens = student.tokenize([text], prompt="query ")
            batch = student.collate(tokens.ids, np.array([0]), prompt_tokens=tokens.prompt_tokens)
            with torch.no_grad():
                alone = model(batch, views=(View(), View(layer=0)))
            torch.testing.assert_close(found[f"{name}embeddings"][number], alone.pooled[View()][0])
            expected = torch.stack([alone.hidden[layer][0] for layer in layers])
            torch.testing.assert_close(found[f"{name}hidden"][:, mine], expected)


def test_tokens_are_those_of_the_last_layer(student, teacher, signal):
    found = fields(reader(student, signal, TokenRelations(), teacher))
    deep = fields(reader(student, signal, FeatureAlignment(**BRIDGED), teacher))
    torch.testing.assert_close(found["tokens"], deep["hidden"][-1])
    torch.testing.assert_close(found["teacher_tokens"], deep["teacher_hidden"][-1])
    assert set(found) == {"tokens", "teacher_tokens", "owners", "embeddings"}


def gradients(student, data, chunk_tokens, method):
    """Loss and gradients of a batch."""
    batch = data.batch(0, chunk_tokens)
    student.zero_grad()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        value = method(
            lambda k: data.forward(batch.chunks[k]),
            len(batch.chunks),
            lambda outputs: data.task.objective(**data.fields(batch, torch.cat(list(outputs)))),
        )
    return value, [p.grad.clone() for p in student.parameters() if p.grad is not None]


@pytest.mark.parametrize("objective", [TokenRelations(sampled=20), FeatureAlignment(outputs=1.0, **BRIDGED)])
def test_chunks_and_gradient_caching_change_nothing(student, teacher, signal, objective):
    data = reader(student, signal, objective, teacher)
    found = [gradients(student, data, *how) for how in ((10_000, full_graph), (20, full_graph), (20, grad_cache))]
    assert len(data.batch(0, 20).chunks) > 3
    for value, others in found[1:]:
        torch.testing.assert_close(value, found[0][0], rtol=1e-5, atol=1e-6)
        for one, other in zip(others, found[0][1], strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("objective", [TokenRelations(outputs=1.0), FeatureAlignment(outputs=1.0)])
def test_a_student_that_equals_its_teacher_has_nothing_to_learn(student, signal, objective):
    data = reader(student, signal, objective, copy.deepcopy(student))
    assert objective(**fields(data)).item() == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("objective", [TokenRelations(sampled=64), FeatureAlignment(fusion=8, **BRIDGED)])
def test_the_student_learns_and_the_teacher_stays(student, teacher, signal, objective):
    before, losses = teacher.fingerprint(), []
    settings = Settings(steps=6, batch=8, precision="float32", optimizer=AdamW(lr=1e-2))
    train(student, [task(signal, objective, teacher)], settings, on_step=lambda record: losses.append(record.loss))
    assert losses[-1] < 0.8 * losses[0]
    assert teacher.fingerprint() == before
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_streams_and_remembered_teachers_give_the_same(student, teacher, signal, tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(f'{{"text": "{text}"}}\n' for text in signal.column("text")), encoding="utf-8")
    rows = stream(path, signal=Unlabelled)
    objective = FeatureAlignment(**BRIDGED)
    streamed = reader(student, rows, objective, CachedEncoder(teacher))
    assert objective(**fields(streamed, 60)).item() > 0


def test_what_cannot_be_compared_is_refused_by_name(student, teacher, signal):
    objective = FeatureAlignment(**BRIDGED)
    with pytest.raises(InputError, match="teacher's `hidden`"):
        reader(student, signal, objective, None)
    with pytest.raises(InputError, match="teacher is the model that is trained"):
        reader(student, signal, TokenRelations(), student)
    with pytest.raises(InputError, match="texts alone"):
        reader(student, Pairs.of({"anchor": ["a"], "positive": ["b"]}), objective, teacher)
    with pytest.raises(InputError, match="the teacher is a Letters"):
        reader(student, signal, objective, Letters())
    with pytest.raises(InputError, match="can read 32"):
        reader(student, signal, objective, tiny_encoder(layers=4, hidden=48, positions=32, max_length=32))
    with pytest.raises(InputError, match="layer 4 of the teacher, which has 3"):
        reader(student, signal, objective, tiny_encoder(layers=3, hidden=48))
    with pytest.raises(InputError, match="prompt_dropout"):
        reader(student, signal, objective, teacher, prompt_dropout=0.5)


def test_another_tokenizer_is_refused(student, teacher, signal):
    other = copy.deepcopy(teacher)
    other.tokenizer.add_tokens(["[extra]"])
    with pytest.raises(InputError, match="cut texts into other tokens"):
        reader(student, signal, FeatureAlignment(**BRIDGED), other)


def test_static_students_have_no_layers(teacher, signal):
    static = StaticEncoder(torch.randn(len(teacher.tokenizer), 8), teacher.tokenizer)
    with pytest.raises(InputError, match="the student is a StaticEncoder"):
        read_task(task(signal, TokenRelations(), teacher), static, batch=4, seed=0)


def test_other_objectives_have_their_own_reader(student, signal):
    assert not isinstance(read_task(task(signal, InfoNCE(), None), student, batch=4, seed=0), TaskFeatures)


class Letters:
    """An encoder without layers."""

    def encode_query(self, texts, *, prompt_name=None, progress=None):
        return np.ones((len(texts), 2), dtype=np.float32)

    encode_document = encode_query
