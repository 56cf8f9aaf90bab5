"""DistillWeighted: several teachers weighed by how relevant they are to a new task, beside all of them alike.

The paper scores pretrained models by their features on a few labelled examples of a task, and distils them, weighed by
that, into one small model on unlabelled examples; this is better than transfer from a general model.

Here the teachers are encoders of one task each, and the new tasks are three that none of them has seen. A few labelled
rows weigh the teachers. A student of fewer layers learns the teachers' cosines on the task's unlabelled texts.
Decisive: relevance against equal weights. Beside them: the most relevant teacher alone, the labelled rows alone, and
the student as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.base import Claim, Context, Outcome
from claims.judges import mean
from claims.mixture import HELD_OUT, LEARNT, ROLES, SCALES, Mixture, Sizes, experts, mixture, values
from claims.starts import Start
from claims.study import Arm, Cell, Regime, Study, outcome, together

if TYPE_CHECKING:
    from accord import TextEncoder
    from accord.data import Pairs

__all__ = ["CLAIM"]

TARGETS = ("commands", "medicine", "functions")
WEIGHTED, UNIFORM, NEAREST, LABELS = "by relevance", "alike", "the nearest alone", "labels alone"
WORDS = {WEIGHTED: "weighted", UNIFORM: "uniform", NEAREST: "nearest"}
SHOTS = 64
TEXTS = {"quick": 600, "full": 3_000}
STEPS = {"quick": 40, "full": 150}


def run(context: Context) -> Outcome:
    """Weigh the teachers for each new task, and distil."""
    scale = SCALES[context.scale]
    sizes, start = scale.sizes, scale.regimes[0].start
    mix = mixture(context, sizes, held_out=TARGETS)
    parts = {name: _parts(context, mix, name) for name in TARGETS}
    student = Start(name="student", layers=1 if start.layers == 2 else 3)
    regime = Regime(start=student, steps=STEPS[context.scale], rates=(1e-4, 4e-4))

    def arm(how: str, target: str) -> Arm:
        def learn(model: TextEncoder, cell: Cell) -> Mapping[str, Any]:
            of = Cell(regime=scale.regimes[0], rate=cell.rate, seed=cell.seed)
            if how == LABELS:
                return _by_labels(model, parts[target]["few"], cell, sizes.batch)
            key = (target, cell.seed)
            if key not in known:
                known[key] = _known(context, mix, sizes, of, parts[target])
            return _distilled(model, cell, sizes.batch, how, known[key])

        return Arm(name=f"{how}, {target}", train=learn, options={"how": how, "target": target})

    known: dict[tuple[str, int], Known] = {}

    hows = (WEIGHTED, UNIFORM, NEAREST, LABELS)
    found = Study(
        context=context,
        regimes=[regime],
        arms=[*(arm(how, target) for how in hows for target in TARGETS), Arm(name="as it is")],
        dev=lambda model, one: mean(values(model, _of(parts, one, "dev"))),
        test=lambda model, one: values(model, _of(parts, one, "test")),
        max_length=sizes.max_length,
        shared={"sizes": asdict(sizes), "data": mix.fingerprints(), "shots": SHOTS, "texts": TEXTS[context.scale]},
    ).run()
    sides = {
        begun: {
            **{how: together(how, {t: (arms[f"{how}, {t}"], t) for t in TARGETS}) for how in hows},
            "as it is": arms["as it is"],
        }
        for begun, arms in found.items()
    }
    return outcome(
        sides,
        method=WEIGHTED,
        baseline=UNIFORM,
        further=[(WEIGHTED, NEAREST), (WEIGHTED, LABELS), (WEIGHTED, "as it is"), (UNIFORM, "as it is")],
        details={"facts": {name: dict(one.facts) for arms in found.values() for name, one in arms.items()}},
        notes=[f"{SHOTS} labelled rows of each new task; its dev rows choose the learning rate of every way alike."],
    )


def _of(parts: Mapping[str, Mapping[str, Pairs]], arm: Arm, part: str) -> dict[str, Pairs]:
    """What judges an arm: its own target, or all of them."""
    names = [arm.options["target"]] if arm.options else list(parts)
    return {name: parts[name][part] for name in names}


def _parts(context: Context, mix: Mixture, name: str) -> dict[str, Any]:
    """A few labelled rows of a task, texts of it, and its dev and test."""
    from accord.core.random import numpy_generator
    from accord.data import find_leaks
    from claims.data import cut_down, parts_of

    sizes = SCALES[context.scale].sizes
    whole = parts_of(context.data[name], HELD_OUT[name])
    keep = find_leaks({name: whole}).keep[name]
    of = cut_down(whole, keep, queries=sizes.queries, documents=sizes.documents)
    rows = of["train"]
    order = numpy_generator(0, "shots", name).permutation(len(rows))
    few = rows.take(np.sort(order[:SHOTS]))
    most = rows.take(np.sort(order[: TEXTS[context.scale]]))
    texts = list(dict.fromkeys([*most.column("anchor"), *most.column("positive")]))
    return {"few": few, "texts": texts, "dev": of["dev"], "test": mix.held_out[name]}


def _by_labels(model: TextEncoder, few: Pairs, cell: Cell, batch: int) -> Mapping[str, Any]:
    from accord import InfoNCE
    from accord.training import AdamW, Settings, TrainingTask, train

    task = TrainingTask(name="few", signal=few, objective=InfoNCE(mask=("text", "label")))
    settings = Settings(steps=cell.regime.steps, batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed)
    return {"steps": train(model, [task], settings).steps}


@dataclass(frozen=True)
class Known:
    """What the teachers say of a task: vectors of its texts, and how well each fits the labelled rows."""

    texts: Sequence[str]
    vectors: Sequence[np.ndarray]
    relevance: Sequence[float]


def _known(context: Context, mix: Mixture, sizes: Sizes, cell: Cell, parts: Mapping[str, Any]) -> Known:
    teachers = _teachers(context, mix, sizes, cell)
    return Known(
        texts=parts["texts"],
        vectors=[encode(parts["texts"]) for encode in teachers],
        relevance=[_relevance(encode, parts["few"]) for encode in teachers],
    )


def _distilled(model: TextEncoder, cell: Cell, batch: int, how: str, known: Known) -> Mapping[str, Any]:
    """Learn the teachers' cosines on the task's texts."""
    from accord.compression.distil.target_space import joined_vectors
    from accord.data import Pairs
    from accord.objectives import SimilarityDistillation
    from accord.recipes.distil.relevance import teacher_weights
    from accord.recipes.distil.texts import Wanted
    from accord.training import AdamW, Settings, TrainingTask, train

    texts = list(known.texts)
    weights = teacher_weights({"new": known.relevance}, WORDS[how])
    wanted = joined_vectors(known.vectors, weights.tolist())
    half = len(texts) // 2
    rows = Pairs.of({"anchor": texts[:half], "positive": texts[half : 2 * half]})
    task = TrainingTask(name="new", signal=rows, objective=SimilarityDistillation(), teacher=Wanted(texts, wanted))
    settings = Settings(steps=cell.regime.steps, batch=batch, optimizer=AdamW(lr=cell.rate), seed=cell.seed)
    steps = train(model, [task], settings).steps
    told = {name: round(float(weight), 3) for name, weight in zip(LEARNT, weights)}
    return {"steps": steps, "weights": told, "relevance": [round(float(s), 4) for s in known.relevance]}


def _relevance(encode: Callable[[Sequence[str]], np.ndarray], few: Pairs) -> float:
    """How well a teacher's vectors agree with which labelled rows belong together."""
    from accord.compression.distil.relevance import parc

    answers = list(few.column("positive"))
    features = np.concatenate([encode(list(few.column("anchor"))), encode(answers)])
    return parc(features, [*answers, *answers])


def _teachers(context: Context, mix: Mixture, sizes: Sizes, cell: Cell) -> list[Callable[[Sequence[str]], np.ndarray]]:
    """Encoders of one task each, as functions."""
    found: list[Callable[[Sequence[str]], np.ndarray]] = []
    for weights in experts(context, mix, sizes, cell):
        model = cell.regime.start.load(
            context.model, context.cache.parent / "experts", seed=cell.seed, max_length=sizes.max_length
        )
        model.load_state_dict(weights)
        found.append(lambda texts, model=model: model.encode(list(texts), precision="auto"))
    return found


CLAIM = Claim(
    name="several_teachers",
    papers=(74,),
    statement="Teachers weighed by relevance to a new task make a better student than the same teachers weighed alike.",
    method="cosines of six encoders, weighed by how their vectors fit 64 labelled rows",
    baseline="cosines of the six, weighed alike",
    metric="nDCG@10, mean of three new tasks",
    roles=ROLES,
    run=run,
    seeds={"quick": 2, "full": 3},
    method_files=("compression/distil/relevance.py", "recipes/distil/relevance.py"),
)
