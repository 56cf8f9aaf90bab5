"""A student that is a table: each token of the teacher's vocabulary as the teacher reads it alone, weighted."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from accord.core.checks import check_at_least, check_positive
from accord.core.errors import InputError
from accord.core.progress import Progress, silent
from accord.core.types import Ragged, View
from accord.encoders import StaticEncoder, TextEncoder, Tokens
from accord.encoders.engines import choose_engine
from accord.encoders.heads import Normalize

__all__ = ["frequency_weights", "static_student", "token_vectors", "zipf_counts"]

BATCH = 1024
"""Tokens that go through the teacher at once, each a text of its own."""


def frequency_weights(counts: Float[np.ndarray, " tokens"], *, a: float = 1e-3) -> Float[np.ndarray, " tokens"]:
    r"""Weights by which rare tokens count for more than frequent ones.

    .. math:: w_t = \frac{a}{a + n_t / \sum_s n_s}

    Also known as: smooth inverse frequency, SIF.

    Reference: Arora et al. (2017), "A simple but tough-to-beat baseline for sentence embeddings", algorithm 1.

    Differs from the paper: their first principal component is not removed afterwards, since what is trained next can do
    so itself.

    Args:
        counts: n, how often each token was seen; what was never seen weighs 1.
        a: > 0; smaller sets frequent tokens further back. The paper finds 1e-4 to 1e-3 equally good.

    Returns:
        In (0, 1].

    >>> frequency_weights(np.array([0.0, 1.0, 999.0]), a=1e-3).round(3).tolist()
    [1.0, 0.5, 0.001]
    """
    check_positive("a", a)
    total = float(np.sum(counts))
    return a / (a + np.asarray(counts, dtype=np.float64) / total) if total else np.ones(len(counts))


def zipf_counts(tokens: int) -> Float[np.ndarray, " tokens"]:
    r"""Counts that stand in where no texts are at hand, for a vocabulary sorted from frequent to rare: :math:`1/r`.

    Reference: Zipf (1949), Human Behavior and the Principle of Least Effort; as model2vec uses it, Tulkens & van Dongen
    (2024).

    Args:
        tokens: how many there are; the first has rank 1.

    >>> zipf_counts(4).round(2).tolist()
    [1.0, 0.5, 0.33, 0.25]
    """
    check_at_least("tokens", tokens, 1)
    return 1.0 / np.arange(1, tokens + 1)


def token_vectors(
    teacher: TextEncoder | StaticEncoder, *, precision: str = "auto", progress: Progress = silent
) -> Float[np.ndarray, "tokens dim"]:
    """The teacher's vector of each token of its vocabulary, read as a text of one token.

    The special tokens that stand around a text stand around each token too. Tokens are taken by number, not by their
    letters, so that a continuation such as ``##ing`` is read as itself.

    Reference: Tulkens & van Dongen (2024), Model2Vec.

    Args:
        teacher: not changed.
        precision: as of :meth:`~accord.encoders.TextEncoder.encode`.
        progress: opens a bar.

    Returns:
        (tokens, dim) float32.

    Raises:
        InputError: a tokenizer without tokens.
    """
    backend = getattr(teacher.tokenizer, "backend_tokenizer", teacher.tokenizer)
    count = 1 + max(backend.get_vocab(with_added_tokens=True).values(), default=-1)
    if count < 1:
        raise InputError("The teacher's tokenizer has no tokens to make a table of.")
    before, after = _around(teacher)
    rows = [[*before, token, *after] for token in range(count)]
    ids = Ragged.of(rows)
    found = np.empty((count, teacher.dim), dtype=np.float32)
    training = teacher.training
    teacher.eval()
    try:
        with torch.inference_mode(), progress("encode tokens", total=count, unit="tokens") as advance:
            engine = choose_engine(teacher, Tokens(ids), precision, View())
            for start in range(0, count, BATCH):
                places = np.arange(start, min(start + BATCH, count))
                found[places] = engine(ids, places, prompt_tokens=0)
                advance(len(places))
    finally:
        teacher.train(training)
    return found


def static_student(
    teacher: TextEncoder | StaticEncoder,
    vectors: Float[np.ndarray, "tokens dim"],
    *,
    axes: Float[np.ndarray, "dim rank"] | None = None,
    texts: list[str] | None = None,
    a: float = 1e-3,
) -> StaticEncoder:
    r"""A static encoder whose table holds :math:`w_t\, v_t A`: each token's vector, fewer dimensions, its weight.

    Also known as: model2vec's distillation; with training afterwards, tokenlearn.

    Reference: Tulkens & van Dongen (2024), Model2Vec; weights of Arora et al. (2017).

    Differs from the paper: the axes are those of the teacher's vectors of texts, which the student is to give, and not
    those of the table; tokens are counted in texts where there are some.

    Args:
        teacher: whose tokenizer, prompts and similarity the student takes over.
        vectors: of :func:`token_vectors`.
        axes: A; None keeps the teacher's dimensions.
        texts: to count tokens in; None for :func:`zipf_counts`.
        a: of :func:`frequency_weights`.

    Returns:
        The student, before it has learned anything; it cuts no text, and gives vectors of length 1.
    """
    table = vectors if axes is None else vectors @ axes
    tokenizer = getattr(teacher.tokenizer, "backend_tokenizer", teacher.tokenizer)
    student = StaticEncoder(
        np.asarray(table, dtype=np.float32),
        tokenizer,
        [Normalize()],
        prompts=teacher.prompts,
        default_prompt_name=teacher.default_prompt_name,
        similarity_name=teacher.similarity_name,
    )
    if texts is None:
        counts = zipf_counts(len(vectors))
    else:
        counts = np.bincount(student.tokenize(texts).ids.values, minlength=len(vectors)).astype(np.float64)
    with torch.no_grad():
        student.backbone.embeddings.mul_(torch.from_numpy(frequency_weights(counts, a=a)).float()[:, None])
    return student.eval()


def _around(teacher: TextEncoder | StaticEncoder) -> tuple[list[int], list[int]]:
    """The special tokens before and after a text."""
    empty, one = (teacher.tokenize([text]).ids[0].tolist() for text in ("", "a"))
    before = 0
    while before < len(empty) and before < len(one) and empty[before] == one[before]:
        before += 1
    return empty[:before], empty[before:]
