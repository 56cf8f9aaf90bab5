"""Trans-Encoder: one transformer teaches itself, as an encoder and as a cross-encoder by turns, from texts alone."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from accord.compression.distil.shared_backbone import as_cross_encoder, take_backbone
from accord.compression.distil.towers import Towers
from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.random import derive
from accord.core.records import StepRecord
from accord.core.storage import hash_json, read_json, write_json
from accord.data.signals import Scored
from accord.encoders import load, pairs
from accord.encoders.pairs import CrossEncoder
from accord.encoders.text.transformer import TextEncoder
from accord.objectives import BinaryCrossEntropy, CosineRegression
from accord.recipes.distil.epochs import epoch_settings
from accord.training import Settings, TrainingTask, train

__all__ = ["Alternation", "Stage", "TransEncoded", "trans_encoder"]

log = logging.getLogger(__name__)

Form = TextEncoder | CrossEncoder

FORMAT = "accord-trans-encoder/1"
RECORD = "trans-encoder.json"


@dataclass(frozen=True, kw_only=True)
class Alternation:
    """How the two forms take turns.

    Args:
        cycles: of cross-encoder and encoder.
        cross: training of a cross-encoder; one pass over the pairs in batches of 32 at a rate of 2e-5 when not given.
        bi: training of an encoder; ten passes in batches of 128 at 5e-5 when not given.
        both_orders: whether a cross-encoder learns each pair in both orders.
        restart: whether each form starts from the given model's weights, not from those of the form that labelled.
        pair_length: tokens that a cross-encoder keeps of a pair; what the backbone can read when not given.
        seed: of heads, orders of rows and dropout.
    """

    cycles: int = 3
    cross: Settings | None = None
    bi: Settings | None = None
    both_orders: bool = True
    restart: bool = False
    pair_length: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_at_least("cycles", self.cycles, 1)

    def settings(self, form: str, cycle: int, rows: int) -> Settings:
        """Settings of one stage, with a seed of its own."""
        given = self.cross if form == "cross" else self.bi
        usual = {"cross": (1.0, 32, 2e-5), "bi": (10.0, 128, 5e-5)}[form]
        settings = given or epoch_settings(rows, epochs=usual[0], batch=usual[1], lr=usual[2])
        return replace(settings, seed=derive(self.seed, form, cycle, settings.seed))

    def describe(self) -> dict[str, object]:
        """All of it as plain values."""
        own = {name: getattr(self, name) for name in ("cycles", "both_orders", "restart", "pair_length", "seed")}
        return {**own, **{name: getattr(self, name) and getattr(self, name).describe() for name in ("cross", "bi")}}


@dataclass(frozen=True)
class Stage:
    """One form of one model, trained in one cycle.

    Args:
        cycle: from 1.
        form: "cross" or "bi".
        model: number of the model, from 0.
        steps: of the training.
        seconds: of the training.
        score: by the caller's measure, where there is one.
        resumed: whether an earlier call had trained it.
    """

    cycle: int
    form: str
    model: int
    steps: int
    seconds: float
    score: float | None = None
    resumed: bool = False


@dataclass
class TransEncoded:
    """What came of it.

    Args:
        bi: an encoder a model: that of the best cycle by the caller's measure, else of the last.
        cross: a cross-encoder a model, chosen likewise.
        stages: all of them, in order.
    """

    bi: list[TextEncoder] = field(default_factory=list)
    cross: list[CrossEncoder] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)


def trans_encoder(
    models: Sequence[TextEncoder],
    couples: Sequence[tuple[str, str]],
    rules: Alternation = Alternation(),
    *,
    out: Path | str | None = None,
    score: Callable[[Form], float] | None = None,
    relabel: Callable[[np.ndarray], np.ndarray] | None = None,
    on_step: Callable[[StepRecord], None] | None = None,
    progress: Progress = silent,
) -> TransEncoded:
    r"""Train encoders and cross-encoders on each other's scores of unlabelled pairs.

    In each cycle the encoders' cosines, averaged over the models, label the pairs; a cross-encoder with each encoder's
    weights and a fresh head learns them by binary cross-entropy with soft labels; the cross-encoders' scores, averaged,
    label the pairs anew; and each encoder, with its cross-encoder's weights, learns those by squared error:

    .. math:: y = \operatorname{mean}_m \cos(u_m, v_m) \to \mathrm{BCE}(\sigma(c_m), y), \qquad
              y' = \operatorname{mean}_m \sigma(c_m) \to (\cos(u_m, v_m) - y')^2

    One model distils itself; two or more distil each other.

    Also known as: Trans-Encoder, self-distillation and mutual distillation of sentence pairs.

    Reference: Liu et al. (2022), arXiv:2109.13059, sections 2 and 3.

    Differs from the paper: cosines below 0 count as 0; the models are whatever encoders are given, not SimCSE or
    Mirror-BERT alone; all models see the pairs one after another, not in parallel.

    Args:
        models: encoders to start from, with layers; not changed. Several may differ in everything.
        couples: pairs of texts, near ones and far ones, without labels.
        rules: cycles, settings and how each form starts.
        out: folder in which each stage is saved when it is done; a later call with the same arguments goes on there.
        score: of a form on held-out data, higher is better; chooses the cycle. Without it the last one counts.
        relabel: changes the labels before anything learns them: spreads them over [0, 1], where all lie close together,
            or permutes them, for a control.
        on_step: called with each record of the training.
        progress: opens bars.

    Raises:
        InputError: no model, one without layers, fewer than two pairs, or an `out` of another run.
    """
    _check(models, couples)
    run = _Run(models, couples, rules, None if out is None else Path(out), score, relabel, on_step, progress)
    run.claim_folder()
    labels = _mean_scores([Towers(model) for model in models], couples)
    bi: list[TextEncoder] = list(models)
    for cycle in range(1, rules.cycles + 1):
        cross = [run.cross(cycle, number, bi[number], labels) for number in range(len(models))]
        labels = _mean_scores(cross, couples)
        bi = [run.bi(cycle, number, cross[number], labels) for number in range(len(models))]
        if cycle < rules.cycles:
            labels = _mean_scores([Towers(model) for model in bi], couples)
    return run.done()


class _Run:
    """The stages of one call, and what is best so far."""

    def __init__(
        self,
        models: Sequence[TextEncoder],
        couples: Sequence[tuple[str, str]],
        rules: Alternation,
        out: Path | None,
        score: Callable[[Form], float] | None,
        relabel: Callable[[np.ndarray], np.ndarray] | None,
        on_step: Callable[[StepRecord], None] | None,
        progress: Progress,
    ) -> None:
        self.models = models
        self.couples = couples
        self.rules = rules
        self.out = out
        self.score = score
        self.relabel = relabel
        self.on_step = on_step
        self.progress = progress
        self.stages: list[Stage] = []
        self.best: dict[tuple[str, int], tuple[float | None, Form]] = {}

    def claim_folder(self) -> None:
        """See that the folder is of this run, or empty, and say whose it is.

        Raises:
            InputError: another run's.
        """
        if self.out is None:
            return
        mine = {
            "format": FORMAT,
            "models": [model.fingerprint() for model in self.models],
            "pairs": hash_json([list(pair) for pair in self.couples]),
            "rules": self.rules.describe(),
            "relabelled": self.relabel is not None,
        }
        path = self.out / RECORD
        if path.is_file() and hash_json(read_json(path)) != hash_json(mine):
            raise InputError(f"`out` holds another run ({path}): its models, pairs or rules differ. Name a new folder.")
        self.out.mkdir(parents=True, exist_ok=True)
        write_json(path, mine)

    def cross(self, cycle: int, number: int, labeller: TextEncoder, labels: np.ndarray) -> CrossEncoder:
        """The cross-encoder of a model in a cycle, trained on the encoders' labels."""

        def make() -> CrossEncoder:
            start = self.models[number] if self.rules.restart else labeller
            seed = derive(self.rules.seed, "head", cycle, number)
            return as_cross_encoder(start, seed=seed, max_length=self.rules.pair_length)

        signal = self._signal(labels, both=self.rules.both_orders)
        task = TrainingTask(name="pairs", signal=signal, objective=BinaryCrossEntropy())
        found = self._stage(cycle, "cross", number, make, task)
        assert isinstance(found, CrossEncoder)
        return found

    def bi(self, cycle: int, number: int, labeller: CrossEncoder, labels: np.ndarray) -> TextEncoder:
        """The encoder of a model in a cycle, trained on the cross-encoders' labels."""

        def make() -> TextEncoder:
            fresh = copy.deepcopy(self.models[number])
            fresh.similarity_name = "cosine"
            if not self.rules.restart:
                take_backbone(fresh, labeller)
            return fresh

        task = TrainingTask(name="pairs", signal=self._signal(labels), objective=CosineRegression())
        found = self._stage(cycle, "bi", number, make, task)
        assert isinstance(found, TextEncoder)
        return found

    def done(self) -> TransEncoded:
        """The chosen forms of all models."""
        found = TransEncoded(stages=self.stages)
        for (_, _), (_, form) in sorted(self.best.items(), key=lambda item: item[0]):
            (found.bi if isinstance(form, TextEncoder) else found.cross).append(form)  # type: ignore[arg-type]
        return found

    def _signal(self, labels: np.ndarray, *, both: bool = False) -> Scored:
        """The pairs with labels, in both orders where asked."""
        given = labels if self.relabel is None else np.asarray(self.relabel(labels), dtype=np.float64)
        scores = np.clip(given, 0.0, 1.0).tolist()
        left, right = ([pair[side] for pair in self.couples] for side in (0, 1))
        if both:
            left, right, scores = [*left, *right], [*right, *left], [*scores, *scores]
        return Scored.of({"text1": left, "text2": right, "score": scores})

    def _stage(self, cycle: int, form: str, number: int, make: Callable[[], Form], task: TrainingTask) -> Form:
        """Train a form, or take what an earlier call left of it; then judge it."""
        name = f"cycle-{cycle}-{form}-{number}"
        folder = None if self.out is None else self.out / name
        note = None if folder is None else folder.parent / f"{name}.json"
        if folder is not None and note is not None and note.is_file() and folder.is_dir():
            trained: Form = pairs.load(folder) if form == "cross" else _encoder(folder)
            stage = replace(Stage(**read_json(note)), resumed=True)
        else:
            trained = make()
            settings = self.rules.settings(form, cycle, len(task.signal))
            result = train(trained, [task], settings, run=name, on_step=self.on_step, progress=self.progress)
            value = None if self.score is None else float(self.score(trained))
            stage = Stage(cycle, form, number, result.steps, result.seconds, value)
            if folder is not None and note is not None:
                trained.save(folder, metadata={"trans_encoder": asdict(stage)})
                write_json(note, asdict(stage))
        self._keep(stage, trained)
        return trained

    def _keep(self, stage: Stage, trained: Form) -> None:
        self.stages.append(stage)
        place = (stage.form, stage.model)
        best = self.best.get(place, (None, trained))[0]
        if stage.score is None or best is None or stage.score > best:
            self.best[place] = (stage.score, trained)
        told = "" if stage.score is None else f", score {stage.score:.4f}"
        log.info("Cycle %d, %s of model %d: %d steps%s.", stage.cycle, stage.form, stage.model, stage.steps, told)


def _mean_scores(scorers: Sequence[Towers | CrossEncoder], couples: Sequence[tuple[str, str]]) -> np.ndarray:
    """(pairs,) mean over models of the scores of all pairs."""
    left, right = ([pair[side] for pair in couples] for side in (0, 1))
    return np.stack([scorer.score(left, right) for scorer in scorers]).mean(axis=0, dtype=np.float64)


def _encoder(folder: Path) -> TextEncoder:
    found = load(folder)
    assert isinstance(found, TextEncoder)
    return found


def _check(models: Sequence[TextEncoder], couples: Sequence[tuple[str, str]]) -> None:
    """Refuse what cannot take turns.

    Raises:
        InputError: no model, one without layers, or too few pairs.
    """
    if not models:
        raise InputError("`models` must hold at least one encoder. Got none.")
    for model in models:
        if not isinstance(model, TextEncoder):
            raise InputError(
                f"`models` must be encoders with layers, which can read two texts together. Got {type(model).__name__}."
            )
    if len(couples) < 2:
        raise InputError(f"`couples` must hold at least two pairs. Got {len(couples)}.")
