"""Merge files: mergekit's YAML as far as it means something for encoders, checked key by key.

Taken as they stand: `merge_method`, `models` (`model`, `parameters`), `base_model`, `parameters`, `dtype`, `out_dtype`,
`name` and several documents, a single slice of all layers, `tokenizer_source: base`, `int8_mask` (ignored: arithmetic
is in float32 and memory is small). Values of parameters are numbers, gradients over the layers, or filter lists.

Added: `scope` (what a threshold is taken over), `seed`, `prompts`, and `probe` (a recipe, for methods that learn).

Refused with the reason: several slices, `modules`, mixtures of experts, `chat_template`, a union of tokenizers. Unknown
keys are errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from accord.core.checks import did_you_mean
from accord.core.errors import InputError
from accord.merging.settings import Setting

__all__ = [
    "DTYPES",
    "MergeSpec",
    "ModelSpec",
    "ProbeSpec",
    "SliceSpec",
    "SourceSpec",
    "TokenizerSpec",
    "parse_merge",
    "read_merge",
]

DTYPES = ("float32", "float16", "bfloat16")

REFUSED = {
    "modules": "encoders have one text model, so list the models under `models`",
    "experts": "mixtures of experts keep several models alive and are not made here; merge the models into one",
    "gate_mode": "mixtures of experts are not made here; merge the models into one",
    "chat_template": "encoders do not chat; leave it out",
    "tokens": "tokens are not changed; models must share a tokenizer",
}
"""Keys of mergekit without a meaning here, and why."""


def _dtype(value: object) -> object:
    return value.removeprefix("torch.") if isinstance(value, str) else value


def _settings(value: dict[str, Any]) -> dict[str, Any]:
    for name, setting in value.items():
        try:
            Setting.of(setting)
        except ValueError as error:
            raise ValueError(f"`{name}`: {error}") from error
    return value


def _name(value: str) -> str:
    if not value or any(c in value for c in "/\\:+@\0") or value.startswith("."):
        raise ValueError(f"a name may not be empty, start with a dot or hold / \\ : + or @, and this one is {value!r}")
    return value


def _probe(value: object) -> object:
    return {"recipe": value} if isinstance(value, str) else value


Dtype = Annotated[Literal["float32", "float16", "bfloat16"], BeforeValidator(_dtype)]
Parameters = Annotated[dict[str, Any], AfterValidator(_settings)]
Name = Annotated[str, AfterValidator(_name)]


class Spec(BaseModel):
    """What all parts of a merge file share: frozen, and no key that nobody reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSpec(Spec):
    """A model to merge: a folder, a hub name, `package:MODULE`, a run folder, or the name of an earlier document.

    `task` names the task of the probe that the model was trained for.
    """

    model: str
    parameters: Parameters = {}
    task: str | None = None


class SourceSpec(ModelSpec):
    """A model's layers in a slice."""

    layer_range: tuple[int, int]


class SliceSpec(Spec):
    """Layers of the result; only one slice, of all layers, is accepted."""

    sources: Annotated[list[SourceSpec], Field(min_length=1)]
    base_model: str | None = None
    parameters: Parameters = {}


class TokenizerSpec(Spec):
    """Whose tokenizer the result has: that of all models, which must be one."""

    source: Literal["base"]


class ProbeSpec(Spec):
    """Training rows for methods that learn: of which tasks of which recipe, how many, and what they may not overlap."""

    recipe: str
    tasks: Annotated[list[str], Field(min_length=1)] | None = None
    examples: Annotated[int, Field(ge=2)] = 256
    batch: Annotated[int, Field(ge=2)] = 32
    seed: int = 0
    held_out: list[str] = []


Probe = Annotated[ProbeSpec, BeforeValidator(_probe)]


class MergeSpec(Spec):
    """One document of a merge file."""

    merge_method: str
    models: Annotated[list[ModelSpec], Field(min_length=1)] | None = None
    slices: Annotated[list[SliceSpec], Field(min_length=1)] | None = None
    base_model: str | None = None
    parameters: Parameters = {}
    dtype: Dtype | None = None
    out_dtype: Dtype | None = None
    name: Name | None = None
    tokenizer: TokenizerSpec | None = None
    tokenizer_source: Literal["base"] | None = None
    scope: Literal["tensor", "row", "global"] | None = None
    seed: int = 0
    prompts: Literal["equal", "union"] = "equal"
    probe: Probe | None = None

    @model_validator(mode="after")
    def _models_or_one_slice(self) -> MergeSpec:
        if (self.models is None) == (self.slices is None):
            raise ValueError("give either `models` or `slices`, not both and not neither")
        if self.slices is not None:
            if len(self.slices) > 1:
                raise ValueError("several `slices` stack layers into another architecture, which is not supported. "
                                 "Give one slice of all layers, or `models`")  # fmt: skip
            ranges = {source.layer_range for source in self.slices[0].sources}
            if len(ranges) > 1:
                raise ValueError("the sources of a slice must have one `layer_range`, that of all layers")
            if self.base_model and self.slices[0].base_model not in {None, self.base_model}:
                raise ValueError("`slices` names another `base_model` than the document")
        return self

    @property
    def entries(self) -> Sequence[ModelSpec]:
        """The models to merge, as listed."""
        if self.models is not None:
            return self.models
        assert self.slices is not None, "the validator has seen to it"
        return self.slices[0].sources

    @property
    def base(self) -> str | None:
        """The base model."""
        return self.base_model or (self.slices[0].base_model if self.slices else None)

    @property
    def common(self) -> dict[str, Any]:
        """Parameters for all models; those of a slice come before those of the document."""
        return {**self.parameters, **(self.slices[0].parameters if self.slices else {})}

    @property
    def layers(self) -> tuple[int, int] | None:
        """The layers that a slice asks for."""
        return self.slices[0].sources[0].layer_range if self.slices else None

    @property
    def dtype_out(self) -> str | None:
        """What the result is stored in; as the models when None."""
        return self.out_dtype or self.dtype


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key may stand only once a mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping, refusing repeated keys."""
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key `{key}` stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_merge(path: Path | str) -> list[MergeSpec]:
    """Read a merge file.

    Args:
        path: YAML with one document or several.

    Raises:
        InputError: no such file, no YAML, or a document that cannot mean anything.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no merge file {path}.")
    try:
        values = list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=_UniqueKeys))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    return parse_merge([value for value in values if value is not None], origin=str(path))


def parse_merge(values: Sequence[object], *, origin: str) -> list[MergeSpec]:
    """Validate documents.

    Args:
        values: mappings, as a merge file holds them.
        origin: where they come from, for messages.

    Returns:
        The documents in their order.

    Raises:
        InputError: the first thing that is wrong: where, the rule, the value, and a suggestion.

    >>> parse_merge([{"merge_method": "linear", "models": [{"model": "a"}, {"model": "b"}]}], origin="here")[0].seed
    0
    """
    if not values:
        raise InputError(f"{origin} is empty. It needs `merge_method` and `models`.")
    specs = []
    for number, value in enumerate(values, start=1):
        where = origin if len(values) == 1 else f"{origin}, document {number}"
        if not isinstance(value, Mapping):
            raise InputError(f"{where} must hold a mapping with `merge_method` and `models`. Got {value!r} instead.")
        try:
            specs.append(MergeSpec.model_validate(value))
        except ValidationError as error:
            raise InputError(f"{where}: {_first_problem(error)}") from error
    names = [spec.name for spec in specs if spec.name is not None]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{origin}: two documents have the name `{twice}`. Give each its own.")
    return specs


def _first_problem(error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    unknown = [p for p in problems if p["type"] == "extra_forbidden"]
    problem = (unknown or problems)[0]
    words = [str(part) for part in problem["loc"]]
    where = ".".join(words)
    if problem["type"] == "extra_forbidden":
        if words[-1] in REFUSED:
            return f"`{where}` is not supported: {REFUSED[words[-1]]}."
        known = _known_keys(words[:-1])
        hint = did_you_mean(words[-1], known)
        cure = _belongs(words[-1]) if len(words) == 1 and not hint else ""
        return f"unknown key `{where}`.{hint}{cure} Known here: {', '.join(known)}."
    if problem["type"] == "missing":
        return f"`{where}` is missing."
    if words[:1] in (["tokenizer"], ["tokenizer_source"]):
        return (
            f"`{where}`: only `base` is supported, as models must share a tokenizer. Got {problem['input']!r} instead."
        )
    rule = problem["msg"].removeprefix("Value error, ").rstrip(".")
    shown = "" if problem["type"] == "value_error" else f" Got {problem['input']!r} instead."
    return f"{f'`{where}`: ' if where else ''}{rule[0].lower()}{rule[1:]}.{shown}"


def _belongs(word: str) -> str:
    """Numbers of a method that stand one level too high."""
    parameters = ("weight", "density", "lambda", "normalize", "t", "gamma", "epsilon", "select_topk", "int8_mask")
    return f" Put `{word}` under `parameters`." if word in parameters else ""


def _known_keys(path: Sequence[str]) -> list[str]:
    kinds: dict[tuple[str, ...], type[BaseModel]] = {
        (): MergeSpec,
        ("models", "*"): ModelSpec,
        ("slices", "*"): SliceSpec,
        ("slices", "*", "sources", "*"): SourceSpec,
        ("tokenizer",): TokenizerSpec,
        ("probe",): ProbeSpec,
    }
    key = tuple("*" if word.isdigit() else word for word in path)
    return sorted(kinds[key].model_fields) if key in kinds else []
