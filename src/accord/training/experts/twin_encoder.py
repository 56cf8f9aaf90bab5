"""An encoder of several experts: a shared model, what each expert has beyond it, and a router."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from accord.core.checks import check_at_least, check_choice
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.types import View
from accord.encoders import TextEncoder
from accord.encoders.base import check_texts
from accord.encoders.fingerprint import hash_tensors
from accord.maths.packing import token_batches
from accord.training.experts.exclusive import Exclusive, with_exclusive
from accord.training.experts.folder import folder_tensors, save_folder
from accord.training.experts.routed_layers import Gate, add_experts
from accord.training.experts.router import FittedRouter

__all__ = ["SHARED", "Cost", "TwinEncoder"]

SHARED = "shared"
"""The route that takes the shared model alone."""


@dataclass(frozen=True)
class Cost:
    """What a twin encoder needs beside one plain encoder.

    Args:
        shared_bytes: of the shared model's weights.
        exclusive_bytes: of all exclusive parts together.
        router_bytes: of the router.
        separate_bytes: of as many whole models as there are experts.
        passes: through the encoder, for a text that the router sends; 1 for a text whose route is given.
        extra: multiplications that the pass with mixed experts adds, as a share of those in its linear layers; 0 where
            texts go to one expert each.
    """

    shared_bytes: int
    exclusive_bytes: int
    router_bytes: int
    separate_bytes: int
    passes: int
    extra: float


class TwinEncoder:
    r"""Texts to vectors, each by the weights that suit it.

    .. math:: \theta(x) = \theta_{\mathrm{shared}} + \sum_i g_i(x)\, v_i, \qquad
              g(x) = \mathrm{softmax}(r(h(x)))

    with the router r on the shared model's vector h and the exclusive parts v. Made by
    :class:`~accord.training.experts.TwinMerging`.

    **What this does to an index.** Vectors of texts that went to different experts come from different weights, so they
    lie in different spaces; a similarity between them compares what was never trained to be compared. One index stays
    sound only where a query and the documents that answer it take the same route. So for search give the route of the
    task by `route=`, to queries and documents alike, with one index a task. Let the router choose for what is judged
    text by text, such as the input of a classifier, and measure :meth:`agreement` before trusting it for pairs.

    Reference: Lu et al. (2024), Twin-Merging, arXiv:2406.15479 (dynamic merging).

    Differs from the paper: `top=1` sends each text wholly to its likeliest expert, so that a batch needs one set of
    weights; the mixture (`top=None`) is added inside the layers and never written out.

    Args:
        shared: the shared model.
        experts: exclusive parts by task.
        router: None where routes are always given.
        top: how many of the likeliest experts share a text, their weights brought to sum 1; None for all.

    Raises:
        InputError: no expert, one called "shared", a router of other tasks, or `top` out of range.
    """

    def __init__(
        self,
        shared: TextEncoder,
        experts: Mapping[str, Exclusive],
        router: FittedRouter | None = None,
        *,
        top: int | None = 1,
    ) -> None:
        if not experts or SHARED in experts:
            raise InputError(f"`experts` must name at least one task, and none {SHARED!r}. Got {list(experts)}.")
        if router is not None and tuple(router.tasks) != tuple(experts):
            raise InputError(f"The router knows the tasks {list(router.tasks)}, and the experts are {list(experts)}.")
        if top is not None:
            check_at_least("top", top, 1)
        self.shared = shared.eval()
        self.experts = dict(experts)
        self.router = router
        self.top = top
        self._loaded: tuple[str, TextEncoder] | None = None
        self._mixed: tuple[TextEncoder, Gate] | None = None

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the experts."""
        return tuple(self.experts)

    @property
    def dim(self) -> int:
        """Dimensions of a vector."""
        return self.shared.dim

    @property
    def similarity_name(self) -> str:
        """How vectors are meant to be compared."""
        return self.shared.similarity_name

    def similarity(self, left: Any, right: Any) -> Tensor:
        """Scores (n, m) between two sets of vectors; of one route, if they are to mean something."""
        return self.shared.similarity(left, right)

    def expert(self, route: str) -> TextEncoder:
        """One expert as a plain encoder of its own: to evaluate, to serve, or to save as a model folder.

        Raises:
            InputError: no such task.
        """
        return copy.deepcopy(self._load(route))

    def weights(self, texts: Sequence[str], *, prompt: str = "") -> Float[np.ndarray, "n experts"]:
        """How much of each expert each text gets; rows sum to 1, columns as in :attr:`tasks`.

        Raises:
            InputError: no router.
        """
        if self.router is None:
            raise InputError(f"This encoder has no router. Name a route: {', '.join(self.tasks)} or {SHARED}.")
        found = self.router.probabilities(self.shared.encode(list(texts), prompt=prompt).reshape(-1, self.dim))
        if self.top is None or self.top >= len(self.tasks):
            return found
        order = np.argsort(-found, axis=1, kind="stable")[:, : self.top]
        kept = np.zeros_like(found)
        np.put_along_axis(kept, order, np.take_along_axis(found, order, 1), 1)
        return kept / kept.sum(axis=1, keepdims=True)

    def agreement(self, queries: Sequence[str], documents: Sequence[str]) -> float:
        """Share of pairs (query i, document i) whose likeliest experts are the same, with the prompts of their roles.

        What is not agreed on is compared across spaces when the router chooses.

        Raises:
            InputError: no router, or lists of different lengths.
        """
        if len(queries) != len(documents) or not len(queries):
            raise InputError(f"`queries` and `documents` must be pairs. Got {len(queries)} and {len(documents)}.")
        sides = ((queries, "query"), (documents, "document"))
        left, right = (self.weights(texts, prompt=self.shared.role_prompt(role)).argmax(1) for texts, role in sides)
        return float((left == right).mean())

    def encode(
        self,
        texts: str | Sequence[str],
        *,
        route: str | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_tokens: int = 2048,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Vectors of texts, in their order.

        Args:
            texts: one text or many.
            route: a task whose expert encodes all of them, or "shared"; the router chooses when not given.
            prompt_name: one of the shared model's prompts.
            prompt: a text to put before each text, instead of a named one.
            batch_tokens: padded tokens a forward pass.
            progress: opens bars.

        Returns:
            (n, dim) float32, (dim,) for one text.

        Raises:
            InputError: an unknown route or prompt, or no route where there is no router.
        """
        shared = self.shared
        words = shared.named_prompt(prompt_name or shared.default_prompt_name) if prompt is None else prompt
        if route is not None:
            return self._load(route).encode(texts, prompt=words, batch_tokens=batch_tokens, progress=progress)
        many = [texts] if isinstance(texts, str) else list(texts)
        check_texts(many)
        places: dict[str, int] = {}
        inverse = [places.setdefault(text, len(places)) for text in many]
        distinct = list(places)
        found = np.empty((len(distinct), self.dim), dtype=np.float32)
        if distinct:
            weights = self.weights(distinct, prompt=words)
            encode = self._each if self.top == 1 else self._mixtures
            encode(distinct, weights, found, words, batch_tokens, progress or silent)
        return found[0] if isinstance(texts, str) else found[inverse]

    def encode_query(
        self,
        texts: str | Sequence[str],
        *,
        route: str | None = None,
        prompt_name: str | None = None,
        task: str | None = None,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """:meth:`encode` with the shared model's prompt for queries; `task` is one that it has prompts for."""
        prompt = self.shared.role_prompt("query", prompt_name, task=task)
        return self.encode(texts, route=route, prompt=prompt, progress=progress)

    def encode_document(
        self,
        texts: str | Sequence[str],
        *,
        route: str | None = None,
        prompt_name: str | None = None,
        task: str | None = None,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """:meth:`encode` with the shared model's prompt for documents; `task` is one that it has prompts for."""
        prompt = self.shared.role_prompt("document", prompt_name, task=task)
        return self.encode(texts, route=route, prompt=prompt, progress=progress)

    def cost(self) -> Cost:
        """Storage, and work a text."""
        shared = sum(t.numel() * t.element_size() for t in self.shared.state_dict().values())
        exclusive = sum(part.numbers for part in self.experts.values()) * 4
        layers = () if self.router is None else self.router.layers
        dense = sum(t.numel() for n, t in self.shared.state_dict().items() if t.ndim == 2 and "embedding" not in n)
        names = [(n, f) for part in self.experts.values() for n, f in part.factors.items() if "embedding" not in n]
        extra = sum(up.numel() + down.numel() for _, (up, down) in names)
        return Cost(
            shared_bytes=shared,
            exclusive_bytes=exclusive,
            router_bytes=sum(w.nbytes + b.nbytes for w, b in layers),
            separate_bytes=shared * len(self.experts),
            passes=1 if self.router is None else 2,
            extra=0.0 if self.top == 1 or not dense else extra / dense,
        )

    def fingerprint(self) -> str:
        """SHA-256 over what decides the vectors."""
        digest = hashlib.sha256(json.dumps([self.shared.fingerprint(), self.tasks, self.top]).encode())
        digest.update(hash_tensors(folder_tensors(self.experts, self.router)).encode())
        return digest.hexdigest()

    def save(self, path: Path | str) -> None:
        """Write a folder that :func:`accord.training.experts.load` reads; `PATH/shared` is a plain model in it.

        Args:
            path: the folder; it appears whole or not at all.

        Raises:
            InputError: `path` holds something else.
            StorageError: the disk is full or refuses.
        """
        save_folder(Path(path), self.shared, self.experts, self.router, top=self.top)

    def _load(self, route: str) -> TextEncoder:
        """The shared model, or the one working copy with an expert's weights in it."""
        check_choice("route", route, (*self.tasks, SHARED))
        if route == SHARED:
            return self.shared
        if self._loaded is None or self._loaded[0] != route:
            encoder = copy.deepcopy(self.shared) if self._loaded is None else self._loaded[1]
            self._loaded = None  # whatever happens on the way, half an expert is never taken for a whole one
            encoder.load_state_dict(with_exclusive(self.shared.state_dict(), self.experts[route]))
            self._loaded = (route, encoder)
        return self._loaded[1]

    def _each(
        self,
        texts: list[str],
        weights: np.ndarray,
        found: np.ndarray,
        prompt: str,
        batch_tokens: int,
        progress: Progress,
    ) -> None:
        """Each text by one expert: those of one expert together."""
        chosen = weights.argmax(axis=1)
        for number, task in enumerate(self.tasks):
            rows = np.flatnonzero(chosen == number)
            if len(rows):
                mine = [texts[row] for row in rows]
                encoder = self._load(task)
                found[rows] = encoder.encode(mine, prompt=prompt, batch_tokens=batch_tokens, progress=progress)

    def _mixtures(
        self,
        texts: list[str],
        weights: np.ndarray,
        found: np.ndarray,
        prompt: str,
        batch_tokens: int,
        progress: Progress,
    ) -> None:
        """Each text by its own mixture, added inside the layers."""
        if self._mixed is None:
            copied = copy.deepcopy(self.shared)
            self._mixed = (copied, add_experts(copied, list(self.experts.values())))
        encoder, gate = self._mixed
        tokens = encoder.tokenize(texts, prompt=prompt)
        with torch.inference_mode(), progress("encode", total=len(texts), unit="texts") as advance:
            for rows in token_batches(tokens.ids.lengths, batch_tokens):
                batch = encoder.collate(tokens.ids, rows, prompt_tokens=tokens.prompt_tokens).to(encoder.device)
                gate.weights = torch.from_numpy(weights[rows]).to(encoder.device, torch.float32)
                found[rows] = encoder(batch).pooled[View()].float().cpu().numpy()
                advance(len(rows))
