"""What a tensor in a model folder is called in the loaded model."""

from __future__ import annotations

from accord.merging.folder import ModelFolder
from accord.recipes.training_tasks import Loaded

__all__ = ["weight_names"]


def weight_names(folder: ModelFolder, model: Loaded) -> dict[str, str | None]:
    """For each tensor of a folder its name in the model's state dict.

    Args:
        folder: as :func:`accord.merging.folder.read_model` reads it.
        model: loaded from it.

    Returns:
        name in the files -> name in the model; None for a tensor that the model does not use.
    """
    known = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    heads = [f"heads.{n}." for n, head in enumerate(getattr(model, "heads", ())) if head.state_dict()]
    if getattr(model, "layer_mix", None) is not None:
        heads.insert(0, "layer_mix.")
    found: dict[str, str | None] = {}
    for name, stored in folder.tensors.items():
        number, _, inner = name.partition("/")
        if name in folder.parts[0].weights:
            tries = [f"backbone.{name}", f"backbone.{name.partition('.')[2]}", "backbone.embeddings"]
        else:
            place = heads[int(number.partition("_")[0]) - 1]
            tries = [place + inner, place + inner.removeprefix("layer_")]
        found[name] = next((one for one in tries if known.get(one) == stored.shape), None)
    return found
