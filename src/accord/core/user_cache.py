"""Where things lie that can be computed again: a folder of the user, movable by the environment."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["user_cache"]


def user_cache(part: str) -> Path:
    """The folder of one kind of kept results: under ``ACCORD_CACHE``, else ``XDG_CACHE_HOME``, else ``~/.cache``.

    Args:
        part: name of the folder inside.

    Returns:
        Its path; nothing is made.

    >>> user_cache("results").name
    'results'
    """
    own = os.environ.get("ACCORD_CACHE")
    if own:
        return Path(own).expanduser() / part
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "accord" / part
