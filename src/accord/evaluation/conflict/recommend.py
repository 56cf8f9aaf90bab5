"""What to do about it: one sentence a pair, one recommendation, and what each rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from accord.evaluation.conflict.estimate import Estimate
from accord.evaluation.conflict.verdict import CONFLICT, NO_CONFLICT, UNDECIDED, PairConflict

__all__ = ["Evidence", "PairVerdict", "Recommendation", "recommend"]

JOINTLY, BALANCE, MERGE, MEASURE = "train jointly", "balance", "merge", "undecided: measure more"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that was measured of a pair.

    Args:
        gradients: always.
        there: what training on a changed in the primary metric of b, where it was measured.
        back: what training on b changed in that of a.
        barrier: of the loss between a model of a and one of b.
    """

    gradients: PairConflict
    there: Estimate | None = None
    back: Estimate | None = None
    barrier: Estimate | None = None


@dataclass(frozen=True)
class PairVerdict:
    """What is said of a pair.

    Args:
        a: a task.
        b: another.
        verdict: "conflict", "no conflict" or "undecided".
        sentence: with the evidence.
    """

    a: str
    b: str
    verdict: str
    sentence: str


@dataclass(frozen=True)
class Recommendation:
    """One recommendation.

    Args:
        action: "train jointly", "balance", "merge" or "undecided: measure more".
        sentence: the recommendation with its reason.
        pairs: what is said of each pair.
    """

    action: str
    sentence: str
    pairs: Sequence[PairVerdict] = field(default=())


def recommend(evidence: Sequence[Evidence]) -> Recommendation:
    """Turn measurements into one recommendation.

    The rule, whose thresholds are zero, noise, and the price of the cure:

    1. A pair conflicts, or does not, by its gradients
       (:func:`~accord.evaluation.conflict.verdict.gradient_verdict`).
    2. Where transfer was measured it can take that back: gradients that agree while training on one task costs the
       other (interval below zero), or that oppose each other while training on each helps the other (both intervals
       above zero), leave the pair undecided.
    3. No pair conflicts: train jointly. Some pair conflicts: merge separately trained models where the loss barrier of
       each such pair was measured and none is above zero, else balance gradients. Otherwise measure more.

    The rule reads one point of training, its first; a comparison of finished models (`accord fit`) decides.

    Args:
        evidence: one a pair of tasks.
    """
    pairs = [_judge(one) for one in evidence]
    conflicting = [one for one, said in zip(evidence, pairs) if said.verdict == CONFLICT]
    names = "; ".join(f"{one.gradients.a} and {one.gradients.b}" for one in conflicting)
    if conflicting:
        barriers = [one.barrier for one in conflicting]
        if all(barrier is not None and barrier.low <= 0 for barrier in barriers):
            return Recommendation(
                MERGE,
                f"Train apart and merge: the gradients of {names} oppose each other, and between the models of each "
                "such pair no loss barrier shows.",
                pairs,
            )
        steep = any(barrier is not None and barrier.low > 0 for barrier in barriers)
        why = (
            "a loss barrier between their models speaks against merging"
            if steep
            else "whether their models would merge was not measured"
        )
        return Recommendation(BALANCE, f"Balance: the gradients of {names} oppose each other, and {why}.", pairs)
    if any(said.verdict == UNDECIDED for said in pairs) or not pairs:
        open_ = [said for said in pairs if said.verdict == UNDECIDED]
        named = "; ".join(f"{said.a} and {said.b}" for said in open_)
        sentence = (
            f"Undecided, measure more: {named} stay open. More batches make gradients surer, and finished models side "
            "by side (`accord fit`) decide."
        )
        return Recommendation(MEASURE, sentence, pairs)
    sentence = "No conflict: train jointly. What opposition the batches leave possible costs less than its cure."
    return Recommendation(JOINTLY, sentence, pairs)


def _judge(evidence: Evidence) -> PairVerdict:
    """The verdict of one pair, with its sentence."""
    pair = evidence.gradients
    verdict, words = pair.verdict, _gradient_words(pair)
    moves = [(pair.a, pair.b, evidence.there), (pair.b, pair.a, evidence.back)]
    known = [(a, b, move) for a, b, move in moves if move is not None]
    costs = [(a, b, move) for a, b, move in known if move.high < 0]
    helps = [(a, b, move) for a, b, move in known if move.low > 0]
    parts = [f"training on {a} costs {b} {_number(move)}" for a, b, move in costs]
    parts += [f"training on {a} helps {b} {_number(move)}" for a, b, move in helps]
    if known and not parts:
        parts = ["neither gains or loses measurably by training on the other"]
    contradicted = (verdict == NO_CONFLICT and costs) or (verdict == CONFLICT and len(helps) == 2)
    if contradicted:
        verdict = UNDECIDED
    transfer = f"; {'but ' if contradicted else ''}{', '.join(parts)}" if parts else ""
    return PairVerdict(pair.a, pair.b, verdict, f"{pair.a} and {pair.b}: {words}{transfer}.")


def _gradient_words(pair: PairConflict) -> str:
    if not pair.batch_cosine.known:
        return f"too few batches to tell ({pair.batch_cosine.n} a task)"
    corrected = f", {_signed(pair.cosine.value)} without noise" if math.isfinite(pair.cosine.value) else ""
    shown = (
        f"cosine of batches {_number(pair.batch_cosine)}, {_signed(pair.ceiling)} at most{corrected}; let pass down "
        f"to {_signed(-pair.margin)}"
    )
    if pair.verdict == NO_CONFLICT:
        agree = "agree" if pair.batch_cosine.low > 0 else "do not oppose each other measurably"
        return f"gradients {agree} ({shown})"
    return f"{'gradients oppose each other' if pair.verdict == CONFLICT else 'not enough to tell'} ({shown})"


def _number(estimate: Estimate) -> str:
    """A signed number with its interval."""
    return f"{_signed(estimate.value)} [{_signed(estimate.low)}, {_signed(estimate.high)}]"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")
