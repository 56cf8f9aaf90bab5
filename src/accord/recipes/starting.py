"""The model that a recipe starts from, with the prompts and tokens of its tasks."""

from __future__ import annotations

from collections.abc import Sequence

from accord.core.errors import RecipeError
from accord.encoders import TextEncoder, load
from accord.encoders.pairs import CrossEncoder
from accord.recipes.models import starting_pairs
from accord.recipes.prepare import PreparedTask
from accord.recipes.schema import EncoderSpec
from accord.recipes.training_tasks import Loaded

__all__ = ["base_model", "fresh_model"]


def base_model(spec: EncoderSpec, *, seed: int) -> Loaded:
    """The base model as it comes.

    Args:
        spec: the recipe's `encoder`.
        seed: of a cross-encoder's fresh head.
    """
    if spec.kind == "cross-encoder":
        return starting_pairs(spec, seed=seed)
    return load(spec.model, max_length=spec.max_length, attention=spec.attention)


def fresh_model(spec: EncoderSpec, tasks: Sequence[PreparedTask], *, seed: int) -> Loaded:
    """The base model with the prompts of some tasks, and their tokens where the recipe asks for them.

    Args:
        spec: the recipe's `encoder`.
        tasks: that it will learn.
        seed: of a cross-encoder's fresh head.

    Raises:
        RecipeError: task tokens for a static model.
    """
    encoder = base_model(spec, seed=seed)
    if isinstance(encoder, CrossEncoder):
        return encoder
    if spec.task_tokens:
        if not isinstance(encoder, TextEncoder):
            raise RecipeError("`encoder.task_tokens` needs a transformer; this model is static. Leave it out.")
        encoder.add_task_tokens([task.name for task in tasks])
    for task in tasks:
        for name, prompt in zip(task.prompts, task.prompt_texts):
            if name is not None:
                encoder.prompts[name] = prompt
    return encoder
