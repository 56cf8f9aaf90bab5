"""Task tokens: a learned token in front of each text that says which task it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from tokenizers import AddedToken
from torch import Tensor

from accord.core.checks import check_choice
from accord.encoders.task_names import task_token

__all__ = ["STARTS", "add_tokens"]

STARTS = ("mean", "name")


def add_tokens(backbone: Any, tokenizer: Any, names: Sequence[str], *, init: str = "mean") -> None:
    """Give each task a token and the token a row in the table, in place; names that have one already keep it.

    Reference: Labbé et al. (2024), arXiv:2309.00454 (a task embedding in front of the sequence).

    Differs from the paper: the token stands before the text of an encoder, not before the words of a decoder.

    Args:
        backbone: whose token table grows; its other rows stay as they are, bit for bit.
        tokenizer: its tokenizer.
        names: of the tasks.
        init: where the row starts: at the "mean" of all tokens' rows, or at the mean of those that spell the "name".

    Raises:
        InputError: a name that a token cannot carry, or another start.
    """
    check_choice("init", init, STARTS)
    held = tokenizer.get_vocab()
    new = [name for name in dict.fromkeys(names) if task_token(name) not in held]
    table = backbone.get_input_embeddings()
    known = max(held.values(), default=-1) + 1
    spelled = [tokenizer.backend_tokenizer.encode(name, add_special_tokens=False).ids for name in new]
    starts = [_start(table.weight.detach()[:known], ids if init == "name" else []) for ids in spelled]
    tokenizer.add_tokens([AddedToken(task_token(name), special=True, normalized=False) for name in new])
    places = [tokenizer.convert_tokens_to_ids(task_token(name)) for name in new]
    if max(places, default=-1) >= table.num_embeddings:
        with torch.random.fork_rng(devices=[]):  # the new rows are drawn first, and then set
            backbone.resize_token_embeddings(max(places) + 1, mean_resizing=False)
    rows = backbone.get_input_embeddings().weight.data
    for place, start in zip(places, starts):
        rows[place] = start


def _start(rows: Tensor, ids: Sequence[int]) -> Tensor:
    return (rows[list(ids)] if ids else rows).mean(0)
