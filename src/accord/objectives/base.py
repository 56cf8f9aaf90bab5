"""The door of the room: an objective takes tensors and gives a scalar, and its parameter names are its contract."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from torch import nn

from accord.core.checks import did_you_mean
from accord.core.errors import InputError

__all__ = ["FIELDS", "SHAPES", "TEACHER", "Contract", "Wrapper", "contract", "unwrapped"]

FIELDS = {
    "scores": "(queries, docs): every query with every document; column i is the positive of query i. (n, n) for "
    "labelled texts: every text with every text",
    "ignore": "(queries, docs) beside `scores`: True where a document must not count as a negative; (queries, list) "
    "beside `list_scores`: True where there is none, or one that must not count",
    "pair_scores": "(n): one score a pair",
    "list_scores": "(queries, list): each query with its own list; column 0 is a positive",
    "labels": "(n): class numbers, or gold scores of pairs; (queries, list) beside `list_scores`: how relevant each "
    "document is, 1 for positives and 0 for negatives where the data say no more; (places): the tokens that were "
    "hidden; (n, vocabulary): 1 for the tokens that a text holds",
    "logits": "(n, labels): raw scores of each pair, one a class; (places, vocabulary): of every token at each hidden "
    "place of texts; (n, vocabulary): of every token, from the vector of each text",
    "embeddings": "(n, dim): one vector a labelled text, or beside `tokens` and `hidden`; (2, n, dim): the two sides "
    "of pairs",
    "tokens": "(tokens, dim): vectors of the last layer, of all tokens of all texts of the batch",
    "hidden": "(layers, tokens, dim): of the same tokens, after the token table and after the layers that the "
    "objective names in `layers`",
    "owners": "(tokens) beside `tokens` and `hidden`: the number of the text that each token is of",
    "teacher_scores": "as `scores`, by a teacher",
    "teacher_pair_scores": "as `pair_scores`, by a teacher",
    "teacher_list_scores": "as `list_scores`, by a teacher",
    "teacher_embeddings": "as `embeddings`, by a teacher",
    "teacher_tokens": "as `tokens`, by a teacher that reads the same tokens",
    "teacher_hidden": "as `hidden`, by a teacher that reads the same tokens, after its own layers",
}
"""Everything that an objective may ask for: name -> shape and meaning."""

SHAPES: Mapping[str, tuple[str, ...]] = {
    "scores": ("queries docs", "n n"),
    "labels": ("n", "queries list", "places", "n vocabulary"),
    "logits": ("n labels", "places vocabulary", "n vocabulary"),
    "embeddings": ("n dim", "2 n dim"),
    "teacher_scores": ("queries docs", "n n"),
    "teacher_embeddings": ("n dim", "2 n dim"),
}
"""Fields that come in several shapes, in the words of a signature: an objective annotated so is given no other.

`ignore` has two as well, and always that of the scores beside it.
"""

TEACHER = "teacher_"
"""How the names of fields begin that only a teacher can fill."""

ANNOTATED = re.compile(r"Tensor, ['\"]([^'\"]*)['\"]")


class Wrapper(nn.Module):
    """An objective that asks another one several times, and nothing of the signal itself.

    Args:
        inner: the objective that is asked; its contract is that of the wrapper.
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner


def unwrapped(objective: nn.Module) -> nn.Module:
    """The objective itself, or the one that a :class:`Wrapper` asks."""
    return objective.inner if isinstance(objective, Wrapper) else objective


@dataclass(frozen=True)
class Contract:
    """What an objective asks for: `required` always, `optional` where the signal has it.

    Args:
        required: names of fields.
        optional: names of fields.
        shapes: of those fields whose shape the objective's signature tells.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    shapes: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        """All fields that the objective reads."""
        return (*self.required, *self.optional)

    @property
    def taught(self) -> tuple[str, ...]:
        """The fields among them that a teacher fills."""
        return tuple(name for name in self.names if name.startswith(TEACHER))

    def check(self, provided: Collection[str], *, where: str) -> None:
        """Refuse a signal that cannot provide what the objective asks for.

        Args:
            provided: names of fields, or a mapping from them to shapes.
            where: of the message.

        Raises:
            InputError: names the field and what the signal does provide.
        """
        for name in self.required:
            if name not in provided and name.startswith(TEACHER) and name.removeprefix(TEACHER) in provided:
                raise InputError(f"{where}: {_untaught(name)}")
            if name not in provided:
                raise InputError(f"{where}: the objective asks for `{name}` {FIELDS[name]}, {_cure(provided)}")
        if not isinstance(provided, Mapping):
            return
        for name, shape in self.shapes.items():
            if name in provided and shape in SHAPES[name] and shape != provided[name]:
                raise InputError(
                    f"{where}: the objective asks for `{name}` as ({_commas(shape)}), but the signal provides it as "
                    f"({_commas(provided[name])}). Choose an objective for this signal (`accord where objectives`)."
                )


def contract(objective: nn.Module | type[nn.Module]) -> Contract:
    """Read the contract of an objective off the signature of its `forward`.

    A `teacher_*` field with a default is left out, since filling it costs a second model, unless the objective's
    `needs` names it: then its arguments have made it necessary.

    Args:
        objective: a module, or its class; of a :class:`Wrapper` the objective that it asks counts.

    Raises:
        InputError: a parameter that is not one of :data:`FIELDS`.

    >>> class Mean(nn.Module):
    ...     def forward(self, scores, ignore=None):
    ...         return -scores.mean()
    >>> contract(Mean())
    Contract(required=('scores',), optional=('ignore',), shapes={})
    """
    objective = objective if isinstance(objective, type) else unwrapped(objective)
    kind = objective if isinstance(objective, type) else type(objective)
    needs = () if isinstance(objective, type) else getattr(objective, "needs", ())
    required, optional, shapes = [], [], {}
    for name, parameter in list(inspect.signature(kind.forward).parameters.items())[1:]:
        if name not in FIELDS:
            raise InputError(
                f"{kind.__name__}.forward asks for `{name}`, which no signal can provide."
                f"{did_you_mean(name, FIELDS)} Known fields: {', '.join(FIELDS)}."
            )
        if parameter.default is parameter.empty or name in needs:
            required.append(name)
        elif not name.startswith(TEACHER):
            optional.append(name)
        shape = ANNOTATED.search(str(parameter.annotation))
        if shape is not None and name in SHAPES:
            shapes[name] = " ".join(shape[1].split())
    return Contract(tuple(required), tuple(optional), shapes)


def _untaught(name: str) -> str:
    """What to say where a teacher should fill a field, and there is none that can."""
    field = name.removeprefix(TEACHER)
    vectors = {"scores", "embeddings", "tokens", "hidden"}
    only = ", an encoder: a cross-encoder cannot give them" if field in vectors else ""
    also = " Lists may also bring `pos_scores` and `neg_scores` of their own." if field == "list_scores" else ""
    return (
        f"the objective learns from a teacher's `{field}`, and no teacher here gives them. Name one by "
        f"`teacher: MODEL` in the recipe's task{only}.{also}"
    )


def _cure(provided: Collection[str]) -> str:
    known = ", ".join(provided)
    return f"but the signal provides only {known}. Choose an objective for this signal (`accord where objectives`)."


def _commas(shape: str) -> str:
    return ", ".join(shape.split())
