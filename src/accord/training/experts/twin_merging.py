"""Twin-Merging: a shared model, and low-rank parts that are added to it text by text."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from accord import encoders
from accord.core.checks import check_at_least
from accord.core.errors import InputError, ModelError
from accord.core.progress import Progress, silent
from accord.core.spec import Described
from accord.encoders import TextEncoder
from accord.encoders.fingerprint import identity
from accord.merging import Linear, MergeMethod, merge_state_dicts
from accord.training.experts.exclusive import exclusive_part
from accord.training.experts.folder import read_parts
from accord.training.experts.router import Router
from accord.training.experts.twin_encoder import TwinEncoder

__all__ = ["TwinMerging", "load"]


class TwinMerging(Described):
    r"""Keep what experts share as one model, and what each has beyond it as factors of low rank.

    .. math:: \theta_{\mathrm{shared}} = \mathrm{merge}(\theta_0; \theta_1, \dots, \theta_N), \qquad
              v_i = \mathrm{SVD}_r(\theta_i - \theta_{\mathrm{shared}})

    Also known as: twin vectors, shared and exclusive knowledge, merging with a router.

    Reference: Lu et al. (2024), Twin-Merging, arXiv:2406.15479 (modularisation and dynamic merging).

    Differs from the paper: any method merges the shared model; see :class:`~accord.training.experts.TwinEncoder` and
    :class:`~accord.training.experts.Router` for the rest.

    Args:
        method: merges the shared model; the mean of the experts (:class:`accord.merging.Linear`) when not given.
        rank: of each tensor's exclusive part; the energy that it keeps is reported.
        vectors: keep the exclusive parts of biases and normalisation, which are small and whole; else drop them.
        top: experts that share a text; None for a mixture of all.
        router: how to learn the routes; logistic regression when not given.

    Raises:
        InputError: a rank or `top` below 1.
    """

    def __init__(
        self,
        method: MergeMethod | None = None,
        *,
        rank: int = 16,
        vectors: bool = True,
        top: int | None = 1,
        router: Router | None = None,
    ) -> None:
        check_at_least("rank", rank, 1)
        if top is not None:
            check_at_least("top", top, 1)
        self.method = method
        self.rank = rank
        self.vectors = vectors
        self.top = top
        self.router = router

    def merge(
        self,
        experts: Mapping[str, TextEncoder],
        base: TextEncoder | None = None,
        *,
        texts: Mapping[str, Sequence[str]] | None = None,
        seed: int = 0,
        progress: Progress = silent,
    ) -> TwinEncoder:
        """Make one encoder of several.

        Args:
            experts: fine-tuned encoders of one base, by task.
            base: what they were tuned from, where the method needs it.
            texts: of each task, for the router: a few hundred, as they will come, not those that it is judged by. None
                leaves the router out; routes are then always given.
            seed: of the method and of the router.
            progress: opens bars.

        Returns:
            The encoder; the kept energy of each expert is in its `experts`, the router's accuracy in its `router`.

        Raises:
            InputError: encoders that differ in more than their weights, texts of other tasks, a method that lacks what
                it needs.
        """
        if not experts:
            raise InputError("`experts` must hold at least one encoder by task. Got none.")
        _check_alike(experts, base)
        if texts is not None and set(texts) != set(experts):
            raise InputError(f"`texts` must be of the tasks {sorted(experts)}. Got {sorted(texts)} instead.")
        states = {task: expert.state_dict() for task, expert in experts.items()}
        method = Linear() if self.method is None else self.method
        with torch.no_grad():
            start = None if base is None else base.state_dict()
            merged = merge_state_dicts(method, list(states.values()), start, seed=seed)
            with progress("exclusive parts", total=len(states), unit="experts") as advance:
                parts = {}
                for task, state in states.items():
                    parts[task] = exclusive_part(merged, state, rank=self.rank, vectors=self.vectors)
                    advance(1)
        shared = copy.deepcopy(next(iter(experts.values())))
        shared.load_state_dict(merged)
        router = None
        if texts is not None:
            vectors = {task: shared.encode(list(texts[task]), progress=progress) for task in experts}
            router = (self.router or Router()).fit(vectors, seed=seed)
        return TwinEncoder(shared, parts, router, top=self.top)


def load(path: Path | str) -> TwinEncoder:
    """Read what :meth:`accord.training.experts.TwinEncoder.save` wrote.

    Raises:
        ModelError: a missing, damaged or changed file, or another format.
    """
    place, parts, router, top = read_parts(Path(path))
    shared = encoders.load(place)
    if not isinstance(shared, TextEncoder):
        raise ModelError(f"{place} must hold a transformer encoder. Got {type(shared).__name__} instead.")
    return TwinEncoder(shared, parts, router, top=top)


def _check_alike(experts: Mapping[str, TextEncoder], base: TextEncoder | None) -> None:
    """Weights only mean the same where everything around them is the same."""
    first, *others = experts.items()
    everyone = [*others, *([] if base is None else [("the base", base)])]
    wanted, words = identity(first[1]), first[1].tokenizer.get_vocab()
    for name, other in everyone:
        found = identity(other)
        keys = wanted.keys() | found.keys()
        if other is base:
            keys -= {"prompts", "default_prompt_name"}
        for key in sorted(keys):
            if wanted.get(key) != found.get(key):
                raise InputError(
                    f"`{first[0]}` and `{name}` differ in {key}: {wanted.get(key)!r} and {found.get(key)!r}. Experts "
                    "must come from one base and differ in their weights alone."
                )
        if other.tokenizer.get_vocab() != words:
            raise InputError(f"`{first[0]}` and `{name}` have different vocabularies: they must share a tokenizer.")
