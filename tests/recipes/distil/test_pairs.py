"""A cross-encoder's scores in two towers: what is learned, what stays, gold scores, raw scores."""

import random

import numpy as np
import pytest
import torch
from tiny_models import WORDS, tiny_encoder
from tiny_pairs import tiny_cross_encoder

from accord.core.errors import InputError
from accord.objectives import PairHead
from accord.recipes.distil.pairs import RawScores, distil_pairs
from accord.training import AdamW, Settings

DRAW = random.Random(0)
COUPLES = [(" ".join(DRAW.choices(WORDS, k=3)), " ".join(DRAW.choices(WORDS, k=3))) for _ in range(24)]
SIDES = tuple(map(list, zip(*COUPLES)))
SETTINGS = Settings(steps=12, batch=24, precision="float32", optimizer=AdamW(lr=3e-3))


@pytest.mark.parametrize("objective", [None, PairHead(dim=32, hidden=16, cosine=1.0)])
def test_the_towers_come_nearer_to_the_teacher(objective):
    teacher, student, losses = tiny_cross_encoder(dropout=0.0), tiny_encoder(layers=1, dropout=0.0), []
    before = teacher.fingerprint()
    found = distil_pairs(
        teacher, student, COUPLES, objective=objective, settings=SETTINGS, on_step=lambda r: losses.append(r.loss)
    )
    assert losses[-1] < 0.7 * losses[0]
    assert teacher.fingerprint() == before
    assert found.towers.encoder is student
    if objective is None:
        error = np.mean((found.towers.score(*SIDES) - teacher.score(*SIDES)) ** 2)
        assert error < losses[0]
    else:
        trained = dict(found.towers.head.named_parameters())
        assert all(torch.equal(weight, PairHead(dim=32, hidden=16).head[name.removeprefix("head.")])
                   for name, weight in objective.named_parameters())  # fmt: skip
        assert not any(torch.equal(weight, trained[name]) for name, weight in objective.named_parameters())


def test_raw_scores_are_those_before_the_activation():
    teacher = tiny_cross_encoder()
    raw = RawScores(teacher).score(*SIDES)
    np.testing.assert_allclose(1 / (1 + np.exp(-raw)), teacher.score(*SIDES), atol=1e-5)
    assert RawScores(teacher).fingerprint() != teacher.fingerprint()


def test_gold_scores_go_with_their_share():
    teacher, student = tiny_cross_encoder(), tiny_encoder(layers=1)
    losses = []
    settings = Settings(steps=1, batch=24, precision="float32")
    head = PairHead(gold=0.5)
    student.eval()
    distil_pairs(
        teacher, student, COUPLES, objective=head, gold=[0.25] * 24, settings=settings,
        on_step=lambda record: losses.append(record.loss),
    )  # fmt: skip
    assert losses[0] > 0
    with pytest.raises(InputError, match=r"share \(0 now\)"):
        distil_pairs(teacher, student, COUPLES, gold=[0.25] * 24)
    with pytest.raises(InputError, match="Got none for 24 pairs"):
        distil_pairs(teacher, student, COUPLES, objective=head)
    with pytest.raises(InputError, match="Got 3"):
        distil_pairs(teacher, student, COUPLES, objective=head, gold=[0.1, 0.2, 0.3])
    with pytest.raises(InputError, match="at least two"):
        distil_pairs(teacher, student, COUPLES[:1])
