"""Distil a cross-encoder into two towers: an encoder that gives, from two vectors, the score that the teacher gives."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from accord.compression.distil.towers import Towers
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.records import StepRecord
from accord.core.types import Scores
from accord.data.signals import Pairs, Scored
from accord.encoders.pairs import CrossEncoder
from accord.encoders.static import StaticEncoder
from accord.encoders.text.transformer import TextEncoder
from accord.objectives import PairHead
from accord.recipes.distil.epochs import epoch_settings
from accord.training import Settings, TrainingResult, TrainingTask, train

__all__ = ["DistilledPairs", "RawScores", "distil_pairs"]


@dataclass(frozen=True)
class DistilledPairs:
    """What came of it.

    Args:
        towers: score pairs as the teacher does; the encoder is `towers.encoder`, the trained head `towers.head`.
        result: of the training.
    """

    towers: Towers
    result: TrainingResult


class RawScores:
    """A cross-encoder's raw scores, before its activation: a teacher for a head, whose scores have no bounds.

    Args:
        model: one score a pair.
    """

    def __init__(self, model: CrossEncoder) -> None:
        self.model = model

    def score(self, left: Sequence[str], right: Sequence[str], *, progress: Progress | None = None) -> np.ndarray:
        """Scores of pairs, in their order."""
        return self.model.score(left, right, activation=nn.Identity(), progress=progress)

    def fingerprint(self) -> str:
        """Of the model."""
        return f"raw {self.model.fingerprint()}"


def distil_pairs(
    teacher: Scores,
    student: TextEncoder | StaticEncoder,
    pairs: Sequence[tuple[str, str]],
    *,
    objective: PairHead | None = None,
    gold: Sequence[float] | None = None,
    settings: Settings | None = None,
    on_step: Callable[[StepRecord], None] | None = None,
    progress: Progress = silent,
) -> DistilledPairs:
    """Train an encoder, in place, to score pairs from two vectors as a model does that reads both texts together.

    Also known as: DSE, distilled sentence embedding.

    Reference: Barkan et al. (2020), arXiv:1908.05161, section 3.

    Differs from the paper: cosines unless the objective brings a head, so that the student can be searched by an index;
    the teacher's scores are taken as it gives them (its activation included), raw ones through :class:`RawScores`.

    Args:
        teacher: a trained cross-encoder with one score, :class:`RawScores` of one, or anything that scores pairs. Each
            pair is scored once, before the first step.
        student: any encoder; static ones too.
        pairs: near ones and far ones: a teacher has nothing to say about pairs that are all alike.
        objective: with the sizes of a head and weights of gold scores and cosines; cosines alone when not given.
        gold: scores of the pairs, on the teacher's scale, where the objective gives them a share.
        settings: of the training; three passes over the pairs when not given.
        on_step: called with each record.
        progress: opens the bar.

    Raises:
        InputError: fewer than two pairs, or gold scores that are missing or too many.
    """
    head = copy.deepcopy(PairHead() if objective is None else objective)
    head.trained_in_place = True  # type: ignore[assignment] -- the loop trains this copy, which the towers keep
    if len(pairs) < 2:
        raise InputError(f"`pairs` must hold at least two. Got {len(pairs)}.")
    if (gold is None) != (head.gold == 0) or (gold is not None and len(gold) != len(pairs)):
        given = "none" if gold is None else len(gold)
        raise InputError(
            f"`gold` must hold one score a pair where the objective gives gold scores a share ({head.gold:g} now), and "
            f"be left out where it does not. Got {given} for {len(pairs)} pairs."
        )
    left, right = ([pair[side] for pair in pairs] for side in (0, 1))
    signal = (
        Pairs.of({"anchor": left, "positive": right})
        if gold is None
        else Scored.of({"text1": left, "text2": right, "score": [float(value) for value in gold]})
    )
    task = TrainingTask(name="pairs", signal=signal, objective=head, teacher=teacher)
    chosen = epoch_settings(len(pairs), epochs=3, lr=5e-5) if settings is None else settings
    result = train(student, [task], chosen, run="distil-pairs", on_step=on_step, progress=progress)
    return DistilledPairs(Towers(student, head.cpu().eval()), result)
