"""What turns a model's raw scores into those that it gives: by its name in `torch.nn`, never code from a folder."""

from __future__ import annotations

from torch import nn

from accord.core.errors import InputError

__all__ = ["activation_named", "activation_path", "check_storable", "default_activation"]


def default_activation(labels: int) -> nn.Module:
    """A sigmoid for one score a pair, nothing for several; as sentence-transformers has it."""
    return nn.Sigmoid() if labels == 1 else nn.Identity()


def activation_path(activation: nn.Module) -> str:
    """The dotted name under which sentence-transformers stores an activation.

    >>> activation_path(nn.Sigmoid())
    'torch.nn.modules.activation.Sigmoid'
    """
    return f"{type(activation).__module__}.{type(activation).__qualname__}"


def check_storable(activation: nn.Module) -> None:
    """Refuse an activation that its name alone does not bring back.

    Raises:
        InputError: it has weights or arguments, or is not of `torch.nn`.

    >>> check_storable(nn.Softmax(dim=1))
    Traceback (most recent call last):
    accord.core.errors.InputError: `activation` is stored by its name alone, which does not bring back Softmax(dim=1).
    """
    again = activation_named(activation_path(activation))
    if repr(again) != repr(activation) or list(activation.parameters()):
        raise InputError(f"`activation` is stored by its name alone, which does not bring back {activation!r}.")


def activation_named(path: str) -> nn.Module:
    """The activation of `torch.nn` that a stored name means.

    Raises:
        InputError: code of somebody else's, or no module that works without arguments.

    >>> activation_named("torch.nn.modules.linear.Identity")
    Identity()
    """
    kind = getattr(nn, path.rpartition(".")[2], None)
    if path.startswith("torch.nn.") and isinstance(kind, type) and issubclass(kind, nn.Module):
        try:
            return kind()
        except TypeError:
            pass
    raise InputError(f"`activation` must be a class of torch.nn without arguments, such as Sigmoid. Got {path!r}.")
