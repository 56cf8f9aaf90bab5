"""The recipe: one YAML file that says what to learn, from what, how, and how it is judged.

Unknown keys are errors with a suggestion; objects are `Class` or `{Class: {arguments}}` from their room's `__all__`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from accord.core.checks import did_you_mean
from accord.core.errors import RecipeError

__all__ = ["FORMAT", "EncoderSpec", "EvaluateSpec", "IndexSpec", "RecipeSpec", "SplitSpec", "TaskSpec", "TrainSpec"]

FORMAT = "accord-recipe/1"

Thing = str | dict[str, Any]
"""An object: `Class` or `{Class: {arguments}}`."""

STRATEGIES = ("joint", "merged", "balanced")
"""Ways to one encoder for all tasks, the simplest first."""

Signal = Literal["Pairs", "Labelled", "Scored", "Ranked", "Unlabelled"]


def _listed(value: object) -> object:
    return value if isinstance(value, list) or value is None else [value]


def _name(value: str) -> str:
    if not value or any(c in value for c in "/\\:\0") or value.startswith("."):
        raise ValueError(f"a name may not be empty, start with a dot or hold / \\ or :, and this one is {value!r}")
    return value


Name = Annotated[str, AfterValidator(_name)]
Things = Annotated[list[Thing], BeforeValidator(_listed)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Spec(BaseModel):
    """What all parts of a recipe share: frozen, and no key that nobody reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EncoderSpec(Spec):
    """The model to start from: a path, a hub name, `package:MODULE` or a run folder."""

    model: str
    kind: Literal["encoder", "cross-encoder"] = "encoder"
    num_labels: Annotated[int, Field(ge=1)] | Annotated[list[str], Field(min_length=1)] | None = None
    max_length: Annotated[int, Field(ge=4)] | None = None
    attention: Literal["bidirectional", "causal"] | None = None
    task_tokens: bool = False

    @model_validator(mode="after")
    def _labels_have_a_head(self) -> EncoderSpec:
        if self.num_labels is not None and self.kind != "cross-encoder":
            raise ValueError("`num_labels` is of cross-encoders: set `kind: cross-encoder`, or leave it out")
        if self.kind == "cross-encoder" and (self.attention is not None or self.task_tokens):
            raise ValueError("`attention` and `task_tokens` are of encoders: leave them out for `kind: cross-encoder`")
        return self


class SplitSpec(Spec):
    """How rows are divided: all rows of one value of `by` stay together."""

    by: str = "id"
    stratify: str | None = None
    dev: Fraction = 0.05
    test: Fraction = 0.15


class PromptSpec(Spec):
    """Texts put before queries and documents, in training and evaluation; saved with the model."""

    query: str = ""
    document: str = ""
    dropout: Fraction = 0.0


class TaskSpec(Spec):
    """One task: rows of a source, what they mean, what to minimise, how to judge it."""

    source: str
    signal: Signal | None = None
    columns: dict[str, str] = {}
    synthesis: Thing | None = None
    split: SplitSpec = SplitSpec()
    dev_source: str | None = None
    test_source: str | None = None
    min_per_label: Annotated[int, Field(ge=1)] = 2
    per_label: Annotated[int, Field(ge=2)] = 4
    classes: Literal["proportional", "equal"] = "proportional"
    weights: str | None = None
    objective: Thing
    teacher: str | None = None
    evaluate: Things
    weight: Positive = 1.0
    loss_weight: Positive = 1.0
    random_negatives: Annotated[int, Field(ge=0)] = 4
    prompts: PromptSpec = PromptSpec()

    @property
    def sources(self) -> list[str]:
        """All sources that the task reads, its own first."""
        return [name for name in (self.source, self.dev_source, self.test_source) if name is not None]


class EarlyStoppingSpec(Spec):
    """Stop when the mean primary score on the dev splits has not risen for `patience` scores."""

    every: Annotated[int, Field(ge=1)] = 50
    patience: Annotated[int, Field(ge=1)] = 3


class AutoSpec(Spec):
    """How the strategy is chosen: what it may cost, and how many batches of each task the conflict is measured on."""

    budget: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 4.0
    batches: Annotated[int, Field(ge=4)] = 8


class TrainSpec(Spec):
    """How to train; `steps` or `epochs`, not both."""

    strategy: Literal["joint", "balanced", "merged", "auto"] = "joint"
    balance: Thing | None = None
    merge: Thing | None = None
    auto: AutoSpec | None = None
    sampler: Thing = "Proportional"
    batch: Annotated[int, Field(ge=2)] = 64
    batches: Literal["homogeneous", "mixed"] = "homogeneous"
    chunk_tokens: Annotated[int, Field(ge=1)] = 1024
    cache_above_tokens: Annotated[int, Field(ge=0)] = 65_536
    steps: Annotated[int, Field(ge=1)] | None = None
    epochs: Positive | None = None
    adapter: Thing | None = None
    sizes: Annotated[list[int | list[int | None]], Field(min_length=1)] | None = None
    elastic: Thing | None = None
    optimizer: Thing = "AdamW"
    schedule: Thing = "Cosine"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    gradient_checkpointing: bool = False
    clip: Positive = 1.0
    checkpoint_every: Annotated[int, Field(ge=1)] = 50
    early_stopping: EarlyStoppingSpec | None = None
    average: Thing | None = None

    @model_validator(mode="after")
    def _steps_or_epochs(self) -> TrainSpec:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either `steps` or `epochs`, not both and not neither")
        return self


class EvaluateSpec(Spec):
    """What is compared, and how surely.

    `single-task` trains each task alone on the very batches that the joint run gives it; the names of strategies train
    a further encoder for all tasks.
    """

    baselines: list[Literal["base", "single-task", "joint", "balanced", "merged"]] = ["base", "single-task"]
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    resamples: Annotated[int, Field(ge=100)] = 2000
    precision: Literal["auto", "float32", "bfloat16"] = "auto"


class IndexSpec(Spec):
    """Which column of which task's source the finished model indexes for `accord search`."""

    task: str
    column: str


class RecipeSpec(Spec):
    """A whole recipe."""

    format: Literal["accord-recipe/1"]
    seeds: Annotated[list[int], Field(min_length=1)] = [0]
    encoder: EncoderSpec
    sources: Annotated[dict[Name, Thing], Field(min_length=1)]
    tasks: Annotated[dict[Name, TaskSpec], Field(min_length=1)]
    leakage: Literal["drop", "report", "refuse"] = "drop"
    train: TrainSpec
    evaluate: EvaluateSpec = EvaluateSpec()
    index: IndexSpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_strategy(cls, value: Any) -> Any:
        """What is balanced or merged stands beside the joint encoder, unless the recipe says otherwise."""
        train = value.get("train") if isinstance(value, Mapping) else None
        if not isinstance(train, Mapping):
            return value
        strategy, judged = train.get("strategy"), value.get("evaluate", {})
        if strategy == "auto" and "auto" not in train:
            value = {**value, "train": {**train, "auto": {}}}
        if strategy in {"balanced", "merged"} and isinstance(judged, Mapping) and "baselines" not in judged:
            value = {**value, "evaluate": {**judged, "baselines": ["base", "single-task", "joint"]}}
        return value

    @property
    def strategies(self) -> list[str]:
        """The strategies whose encoders may be made, the run's own first; of `auto` the simplest first."""
        own = STRATEGIES if self.train.strategy == "auto" else (self.train.strategy,)
        return list(dict.fromkeys([*own, *(name for name in self.evaluate.baselines if name in STRATEGIES)]))

    @model_validator(mode="after")
    def _strategy_fits(self) -> RecipeSpec:
        strategy = self.train.strategy
        for key, name in (("merge", "merged"), ("balance", "balanced")):
            if getattr(self.train, key) is not None and name not in self.strategies:
                raise ValueError(
                    f"`train.{key}` says how `{name}` is made, and `train.strategy` is `{strategy}`. Set "
                    f"`strategy: {name}`, add `{name}` to `evaluate.baselines`, or leave `{key}` out"
                )
        if self.train.auto is not None and strategy != "auto":
            raise ValueError(f"`train.auto` is of `strategy: auto`, and this is `{strategy}`. Leave one of them out")
        if len(self.tasks) == 1 and self.strategies != ["joint"]:
            name = strategy if strategy != "joint" else self.strategies[-1]
            raise ValueError(f"`{name}` is for several tasks, and there is one. Set `strategy: joint`")
        return self

    @model_validator(mode="after")
    def _names_meet(self) -> RecipeSpec:
        for name, task in self.tasks.items():
            words = task.prompts.query or task.prompts.document or self.encoder.task_tokens
            if task.prompts.dropout and not words:
                raise ValueError(f"tasks.{name}.prompts: `dropout` leaves prompts out, and there is none. Name one")
            for source in task.sources:
                if source not in self.sources:
                    hint = did_you_mean(source, self.sources)
                    raise ValueError(f"task `{name}` reads the source `{source}`, which is not listed.{hint}")
        if self.train.adapter is not None and self.encoder.task_tokens:
            raise ValueError("`train.adapter` leaves the tokens of `encoder.task_tokens` untrained: drop one of them")
        if self.index is not None and self.index.task not in self.tasks:
            raise ValueError(f"index.task is `{self.index.task}`.{did_you_mean(self.index.task, self.tasks)}")
        return self


def parse(value: object, *, origin: str) -> RecipeSpec:
    """Validate a mapping as a recipe.

    Args:
        value: what the YAML file holds.
        origin: its path, for messages.

    Raises:
        RecipeError: the first thing that is wrong: where, the rule, the value, and a suggestion.
    """
    if not isinstance(value, Mapping):
        raise RecipeError(f"{origin} must hold a mapping with `format: {FORMAT}`. Got {type(value).__name__} instead.")
    try:
        return RecipeSpec.model_validate(value)
    except ValidationError as error:
        raise RecipeError(_first_problem(error, origin)) from error


def _first_problem(error: ValidationError, origin: str) -> str:
    problems = error.errors(include_url=False)
    unknown = [p for p in problems if p["type"] == "extra_forbidden"]
    problem = (unknown or problems)[0]
    more = f" ({len(problems) - 1} further problems.)" if len(problems) > 1 else ""
    where = ".".join(str(part) for part in problem["loc"] if str(part) not in {"str", "dict[str,any]"})
    if problem["type"] == "extra_forbidden":
        known = _known_keys(problem["loc"][:-1])
        hint = did_you_mean(str(problem["loc"][-1]), known)
        return f"{origin}: unknown key `{where}`.{hint} Known here: {', '.join(known)}.{more}"
    if problem["type"] == "missing":
        return f"{origin}: `{where}` is missing.{more}"
    rule = problem["msg"].removeprefix("Value error, ").rstrip(".")
    shown = "" if problem["type"] == "value_error" else f" Got {problem['input']!r} instead."
    return f"{origin}: {f'`{where}`: ' if where else ''}{rule[0].lower()}{rule[1:]}.{shown}{more}"


def _known_keys(path: Sequence[int | str]) -> list[str]:
    """Keys that the recipe knows at a path."""
    kinds: dict[tuple[str, ...], type[BaseModel]] = {
        (): RecipeSpec,
        ("encoder",): EncoderSpec,
        ("tasks", "*"): TaskSpec,
        ("tasks", "*", "split"): SplitSpec,
        ("tasks", "*", "prompts"): PromptSpec,
        ("train",): TrainSpec,
        ("train", "early_stopping"): EarlyStoppingSpec,
        ("train", "auto"): AutoSpec,
        ("evaluate",): EvaluateSpec,
        ("index",): IndexSpec,
    }
    words = [str(part) for part in path]
    key = tuple("*" if i == 1 and words[0] == "tasks" else word for i, word in enumerate(words))
    return sorted(kinds[key].model_fields) if key in kinds else []
