"""A task streamed from the disk trains as its rows in memory would."""

import json

import pytest
import torch

from accord.core.errors import InputError
from accord.data import Labelled, Pairs
from accord.data.streams import stream
from accord.encoders import load
from accord.objectives import InfoNCE, SupCon
from accord.training import AdamW, Settings, TrainingTask, train
from accord.training.streams import TaskStream
from accord.training.texts import TaskTexts


def settings(**changes):
    usual = {"steps": 6, "batch": 8, "chunk_tokens": 64, "precision": "float32", "checkpoint_every": 2}
    return Settings(**{**usual, "optimizer": AdamW(lr=1e-3), **changes})


@pytest.fixture
def streamed(tmp_path, pairs):
    """The rows of `pairs` as a file, opened as a stream."""
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in pairs.table.to_pylist()))
    return stream(file, signal=Pairs, cache=tmp_path / "cache")


@pytest.fixture
def topics(tmp_path, labelled):
    file = tmp_path / "topics.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in labelled.table.to_pylist()))
    return stream(file, signal=Labelled, cache=tmp_path / "cache")


def test_each_batch_is_the_batch_of_the_rows_in_memory(tiny, streamed, pairs):
    """Prompts and their dropout included; the stream only reads later."""
    common = {"objective": InfoNCE(), "query_prompt": "find: ", "prompt_dropout": 0.4}
    lazy = TaskStream(TrainingTask(name="p", signal=streamed, **common), tiny, batch=8, seed=3)
    whole = TaskTexts(TrainingTask(name="p", signal=pairs, **common), tiny, batch=8, seed=3, stream=lazy.stream)
    for index in (0, 7, 2):
        found, expected = lazy.batch(index, 64), whole.batch(index, 64)
        assert (found.tokens, found.examples) == (expected.tokens, expected.examples)
        assert found.inner.roles.texts == expected.roles.texts
        one, other = (
            {n: t.detach() for n, t in data.fields(b, torch.cat([data.forward(c) for c in b.chunks])).items()}
            for data, b in ((lazy, found), (whole, expected))
        )
        torch.testing.assert_close(one["scores"], other["scores"], rtol=0, atol=1e-5)


def test_reading_ahead_changes_nothing(tiny, streamed):
    task = TrainingTask(name="p", signal=streamed, objective=InfoNCE())
    plain, ahead = (TaskStream(task, tiny, batch=8, seed=0, ahead=a) for a in (False, True))
    for index in (0, 1, 2, 9, 3, 4):
        one, other = plain.batch(index, 64), ahead.batch(index, 64)
        assert one.inner.roles.texts == other.inner.roles.texts
        assert all(torch.equal(a.input_ids, b.input_ids) for a, b in zip(one.chunks, other.chunks))
    assert plain.truncated == ahead.truncated


def test_streams_mix_train_and_resume_bit_for_bit(tiny_folder, streamed, topics, tmp_path):
    tasks = [
        TrainingTask(name="pairs", signal=streamed, objective=InfoNCE()),
        TrainingTask(name="topic", signal=topics, objective=SupCon()),
    ]
    for how in ("homogeneous", "mixed"):
        whole, again = load(str(tiny_folder)), load(str(tiny_folder))
        train(whole, tasks, settings(batches=how), checkpoints=tmp_path / how)
        result = train(again, tasks, settings(batches=how), checkpoints=tmp_path / how, resume=True)
        assert result.resumed_from == 4
        assert all(torch.equal(again.state_dict()[k], v) for k, v in whole.state_dict().items())


def test_class_numbers_are_those_of_the_whole_file(tiny, topics):
    lazy = TaskStream(TrainingTask(name="t", signal=topics, objective=SupCon()), tiny, batch=6, seed=0)
    numbers = {label: n for n, label in enumerate(sorted(topics.describe()["labels"]))}
    for index in range(4):
        batch = lazy.batch(index, 64)
        labels = topics.take(lazy.stream.rows(index)).column("label")
        assert batch.inner.roles.labels.tolist() == [numbers[label] for label in labels]


def test_an_objective_that_the_stream_cannot_feed_is_refused_at_once(tiny, streamed):
    with pytest.raises(InputError, match=r"Task `p`.*`labels`"):
        TaskStream(TrainingTask(name="p", signal=streamed, objective=SupCon()), tiny, batch=8, seed=0)
