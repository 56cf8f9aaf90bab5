"""How a task is named in front of a text, and under which names a model keeps its prompts."""

from __future__ import annotations

from accord.core.errors import InputError

__all__ = ["task_prompt", "task_token"]


def task_token(name: str) -> str:
    """The token of a task.

    Raises:
        InputError: a name that a token cannot carry.

    >>> task_token("code")
    '[task:code]'
    """
    if not name.strip() or any(mark in name for mark in "[]\n\r\t"):
        raise InputError(f"The name of a task token must be words without brackets and line breaks. Got {name!r}.")
    return f"[task:{name}]"


def task_prompt(name: str) -> str:
    """What is put before a text of a task.

    >>> task_prompt("code") + "read a file"
    '[task:code] read a file'
    """
    return task_token(name) + " "
