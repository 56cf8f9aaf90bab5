"""What a run found, in one sentence that claims no more than the comparisons show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from accord.reporting.rows import Difference

__all__ = ["headline"]

PHRASES = (
    ("better", "better than {}"),
    ("worse", "worse than {}"),
    ("same", "not distinguishable from {}"),
    ("unmeasured", "not measured against {}"),
)
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def headline(differences: Sequence[Difference], models: Sequence[str], measured: int) -> str:
    """Count the verdicts on primary metrics of the model that the run gives, or of the first that was compared.

    Args:
        differences: ordered, the leading model first.
        models: names of all models.
        measured: how many primary scores a model has.

    Returns:
        One sentence.
    """
    primary = [d for d in differences if d.primary]
    if not primary:
        return _without_comparisons(models, measured)
    subject = primary[0].a
    mine = [d for d in primary if d.a == subject]
    opponents = list(dict.fromkeys(d.b for d in mine))
    main = [b for b in ("base", "single", "joint") if b in opponents] or opponents[:1]
    clauses = [_clause([d for d in mine if d.b == b], opponent=b, leading=not index) for index, b in enumerate(main)]
    name = f"The {subject} encoder" if subject in {"joint", "balanced", "merged"} else subject
    sentence = f"{name} is {clauses[0]}"
    for opponent, clause in zip(main[1:], clauses[1:]):
        sentence += f"; against {_called(opponent)} it is {clause}"
    return f"{sentence}."


def _clause(rows: Sequence[Difference], *, opponent: str, leading: bool) -> str:
    counts = Counter(row.verdict for row in rows)
    unit = "task" if len({row.task for row in rows}) == len(rows) else "measure"
    parts = []
    for verdict, phrase in PHRASES:
        number = counts[verdict]
        if not number:
            continue
        words = phrase.format(_called(opponent)) if leading and not parts else _bare(phrase)
        if len(rows) == 1:
            extent = f"the task {rows[0].task}"
        elif number < len(rows):
            extent = str(number) if parts else f"{number} of {len(rows)} {unit}s"
        elif verdict in {"same", "unmeasured"}:
            extent = f"any of {number} {unit}s"
        else:
            extent = f"both {unit}s" if number == 2 else f"all {number} {unit}s"
        parts.append(f"{words} on {extent}")
    return _listed(parts)


def _bare(phrase: str) -> str:
    return phrase.rsplit(" ", 2)[0]


def _called(opponent: str) -> str:
    called = {"base": "the base", "single": "each task trained alone", "joint": "the joint encoder"}
    return called.get(opponent, opponent)


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _without_comparisons(models: Sequence[str], measured: int) -> str:
    if not measured:
        return "This run measured nothing yet."
    amount = NUMBERS[len(models)] if len(models) < len(NUMBERS) else str(len(models))
    plural = "model was" if len(models) == 1 else "models were"
    return (
        f"{amount.capitalize()} {plural} measured and none compared: the scores alone do not say which is better."
        if len(models) > 1
        else f"{amount.capitalize()} {plural} measured; there is nothing to compare it with."
    )
