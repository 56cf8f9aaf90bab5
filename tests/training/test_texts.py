"""Which tokens a batch holds: prompts, and texts that go without."""

import numpy as np
import pytest
import torch

from accord.core.errors import InputError
from accord.objectives import FixedTargets, InfoNCE
from accord.training import TrainingTask
from accord.training.texts import TaskTexts

PROMPT = "find: "


def task(signal, dropout):
    return TrainingTask(
        name="p",
        signal=signal,
        objective=InfoNCE(),
        query_prompt=PROMPT,
        document_prompt="the text: ",
        prompt_dropout=dropout,
    )


def prompted(data, batch):
    """Of the queries of a batch, which have the prompt's tokens."""
    ids = [
        chunk.input_ids[i][chunk.attention_mask[i].bool()].tolist() for chunk in batch.chunks for i in range(len(chunk))
    ]
    start = data.encoder.tokenize([PROMPT]).ids[0].tolist()[:-1]
    return np.array([ids[place][: len(start)] == start for place in batch.gather[0]])


def test_the_share_of_bare_texts_is_the_dropout_and_the_rest_has_its_prompt(tiny, pairs):
    data = TaskTexts(task(pairs, 0.3), tiny, batch=20, seed=0)
    found = np.concatenate([prompted(data, data.batch(k, 256)) for k in range(40)])
    assert abs(1 - found.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / len(found))


def test_coins_depend_on_seed_and_step_alone(tiny, pairs):
    first, again = (TaskTexts(task(pairs, 0.5), tiny, batch=20, seed=0) for _ in range(2))
    other = TaskTexts(task(pairs, 0.5), tiny, batch=20, seed=1)
    seen = [prompted(first, first.batch(k, 256)) for k in range(3)]
    assert [prompted(again, again.batch(k, 256)).tolist() for k in (2, 0, 1)] == [seen[k].tolist() for k in (2, 0, 1)]
    assert len({tuple(row) for row in seen}) == 3
    assert prompted(other, other.batch(0, 256)).tolist() != seen[0].tolist()


def test_without_dropout_every_text_has_its_prompt_and_no_bare_text_is_tokenised(tiny, pairs):
    data = TaskTexts(task(pairs, 0.0), tiny, batch=20, seed=0)
    assert prompted(data, data.batch(0, 256)).all()
    assert all(prompt for prompt, _ in data.rows)


def test_dropout_outside_zero_and_one_is_refused(pairs):
    with pytest.raises(InputError, match=r"p\.prompt_dropout"):
        task(pairs, 1.5)


def test_chunks_tell_their_padded_size(tiny, pairs):
    batch = TaskTexts(task(pairs, 0.2), tiny, batch=20, seed=0).batch(0, 96)
    assert list(batch.costs) == [chunk.input_ids.numel() for chunk in batch.chunks]
    assert len(batch.costs) > 2


def test_targets_are_the_vectors_that_the_start_gives_the_labels(tiny, labelled):
    asked = TrainingTask(
        name="t", signal=labelled, objective=FixedTargets("labels", isotropic=True), document_prompt="the "
    )
    data = TaskTexts(asked, tiny, batch=8, seed=0)
    names = sorted(set(labelled.column("label")))
    wanted = FixedTargets(tiny.encode(names, prompt="the "), isotropic=True)
    assert torch.equal(data.task.objective.table, wanted.table)
    assert asked.objective.awaits_labels
    batch = data.batch(0, 64)
    vectors = torch.cat([data.forward(chunk) for chunk in batch.chunks])
    fields = data.fields(batch, vectors)
    assert [names[k] for k in fields["labels"].tolist()] == [text.split()[0] for text in batch.roles.texts[0]]
    assert torch.isfinite(data.task.objective(**fields))
