"""The errors that accord raises on purpose.

* AccordError
  + InputError(ValueError)        the caller's mistake; the command line exits with 2
    - RecipeError                 a recipe that cannot mean anything
    - DataError                   a file or a row; names the file and the line
    - ModelError                  a model folder that is incomplete, changed or of an unknown kind
  + MissingExtra(ImportError)     an optional dependency is not installed; names the install line
  + CheckFailed                   a check ran and said no (doctor, verify); exit 3
  + StorageError(OSError)         the disk said no (full, not writable)
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = [
    "AccordError",
    "CheckFailed",
    "DataError",
    "InputError",
    "MissingExtra",
    "ModelError",
    "RecipeError",
    "StorageError",
    "require",
]


class AccordError(Exception):
    """Anything that accord raises on purpose."""


class InputError(AccordError, ValueError):
    """The caller's mistake: names the field, the rule, the value and the cure."""


class RecipeError(InputError):
    """A recipe that cannot mean anything."""


class DataError(InputError):
    """A file or a row that cannot be used; names the file and the line."""


class ModelError(InputError):
    """A model folder that is incomplete, changed or of an unknown kind."""


class MissingExtra(AccordError, ImportError):
    """An optional dependency is not installed."""


class CheckFailed(AccordError):
    """A check ran to its end and said no."""


class StorageError(AccordError, OSError):
    """The disk said no."""


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional dependency, or say which extra brings it.

    Args:
        module: dotted name to import.
        extra: the extra of accord that installs it.
        purpose: what needs it, for the message.

    Returns:
        The imported module.

    Raises:
        MissingExtra: it is not installed.

    >>> require("json", extra="none", purpose="this example").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"{purpose} needs the package `{module.split('.')[0]}`. Install it: pip install 'accord[{extra}]'"
        ) from error
