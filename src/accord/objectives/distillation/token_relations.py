"""Token relations: tokens of the student must be as near to each other as the teacher has them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from accord.core.checks import check_at_least, check_positive
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["TokenRelations", "token_context", "token_graph", "token_relations"]

NOWHERE = -1e9
"""Score of a place that does not count; finite, so that 0 times it is 0."""


def token_relations(
    tokens: Float[Tensor, "tokens dim"],
    teacher_tokens: Float[Tensor, "tokens teacher_dim"],
    owners: Int[Tensor, " tokens"],
    *,
    neighbours: int = 8,
    temperature: float = 0.1,
    local: float = 1.0,
    contrast: float = 1.0,
    context: float = 1.0,
) -> Float[Tensor, ""]:
    r"""The graph of tokens across texts, and each text's own, as the teacher has them.

    .. math:: L = a\,L_{\text{local}} + b\,L_{\text{contrast}} + c\,L_{\text{context}}

    with the first two from :func:`token_graph` and the last from :func:`token_context`. Only angles between vectors of
    one model count: the two may have different dimensions, and either may be turned without a change.

    Also known as: TRG, token-level relationship graph, token relation distillation.

    Reference: Zhang et al. (2023), arXiv:2306.12442 (local preserving, global contrastive and contextual losses).

    Differs from the paper: tokens of texts take the place of patches of images; the contrast sets a token's neighbours
    against all other tokens within one model, not the student's vector against the teacher's, which would need a space
    in common; the loss of the task itself is left to other objectives, or to `outputs` of :class:`TokenRelations`.

    Args:
        tokens: vectors of the same tokens, from the student,
        teacher_tokens: and from the teacher.
        owners: number of the text that each token is of.
        neighbours: of a token in the teacher's graph; all others where there are no more.
        temperature: > 0, in units of a cosine.
        local: weight of the first term.
        contrast: weight of the second.
        context: weight of the third.

    Returns:
        Nats, at least 0; 0 where both models have the same angles.

    >>> corner = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> token_relations(corner, corner @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]]), torch.tensor([0, 0, 1]))
    tensor(0.)
    """
    taught = teacher_tokens.to(tokens)
    total = tokens.new_zeros(())
    if (local or contrast) and len(tokens) > 1:
        near, far = token_graph(tokens, taught, neighbours=neighbours, temperature=temperature)
        total = total + local * near + contrast * far
    if context:
        total = total + context * token_context(tokens, taught, owners, temperature=temperature)
    return total


def token_graph(
    tokens: Float[Tensor, "tokens dim"],
    teacher_tokens: Float[Tensor, "tokens teacher_dim"],
    *,
    neighbours: int = 8,
    temperature: float = 0.1,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    r"""How the neighbours of each token share its attention, and how much of it they get.

    .. math:: L_{\text{local}} = \operatorname{mean}_i \mathrm{KL}\big(p_{i\mid N_i} \,\|\, q_{i\mid N_i}\big), \qquad
              L_{\text{contrast}} = \operatorname{mean}_i \mathrm{KL}\big(p_i(N_i) \,\|\, q_i(N_i)\big)

    where :math:`p_i` and :math:`q_i` are the softmax over :math:`\cos(x_i, x_j) / \tau` of all other tokens j, by the
    teacher and by the student, and :math:`N_i` are the tokens that the teacher has nearest to i. The second compares
    two numbers: the share of the neighbours, and the rest.

    Args:
        tokens: at least two.
        teacher_tokens: the same.
        neighbours: of a token.
        temperature: > 0.
    """
    own, taught = _cosines(tokens) / temperature, _cosines(teacher_tokens) / temperature
    alone = torch.eye(len(tokens), dtype=torch.bool, device=tokens.device)
    own, taught = own.masked_fill(alone, NOWHERE), taught.masked_fill(alone, NOWHERE)
    nearest = taught.topk(min(neighbours, len(tokens) - 1), dim=1).indices
    near_own, near_taught = own.gather(1, nearest), taught.gather(1, nearest)
    local = _divergence(near_own, near_taught).mean()
    rest = torch.ones_like(alone).scatter(1, nearest, False) & ~alone
    if not bool(rest.any()):
        return local, own.new_zeros(())
    shares = [
        torch.stack([near.logsumexp(1), whole.masked_fill(~rest, NOWHERE).logsumexp(1)], dim=1)
        for near, whole in ((near_own, own), (near_taught, taught))
    ]
    return local, _divergence(*shares).mean()


def token_context(
    tokens: Float[Tensor, "tokens dim"],
    teacher_tokens: Float[Tensor, "tokens teacher_dim"],
    owners: Int[Tensor, " tokens"],
    *,
    temperature: float = 0.1,
) -> Float[Tensor, ""]:
    r"""How near the tokens of each text are to each other.

    .. math:: \operatorname{mean}_i \mathrm{KL}\big(p_{i\mid D_i} \,\|\, q_{i\mid D_i}\big)

    over the other tokens :math:`D_i` of token i's text, with the distributions of :func:`token_graph`.

    Args:
        tokens: of all texts.
        teacher_tokens: the same.
        owners: number of the text that each token is of.
        temperature: > 0.

    Returns:
        At least 0; 0 where no text has three tokens, as one other token leaves nothing to share.
    """
    own, real = _by_text(tokens, owners)
    taught, _ = _by_text(teacher_tokens, owners)
    alone = torch.eye(real.shape[1], dtype=torch.bool, device=tokens.device)
    off = alone[None] | ~real[:, None, :]
    scores = [(_cosines(part) / temperature).masked_fill(off, NOWHERE) for part in (own, taught)]
    return _divergence(*scores)[real].mean()


def _cosines(vectors: Tensor) -> Tensor:
    """(..., n, n) cosines of all vectors with each other."""
    unit = F.normalize(vectors, dim=-1)
    return unit @ unit.transpose(-1, -2)


def _divergence(own: Tensor, taught: Tensor) -> Tensor:
    """Kullback-Leibler divergence of each row's softmax from the teacher's."""
    expected, found = taught.log_softmax(-1), own.log_softmax(-1)
    return (expected.exp() * (expected - found)).sum(-1)


def _by_text(tokens: Tensor, owners: Tensor) -> tuple[Tensor, Tensor]:
    """(texts, longest, dim) tokens by text, zeros behind the end of each, and where tokens are real."""
    _, numbers, counts = owners.unique(return_inverse=True, return_counts=True)
    order = numbers.argsort(stable=True)
    starts = counts.cumsum(0) - counts
    places = torch.arange(len(owners), device=owners.device) - starts[numbers[order]]
    rows, longest = numbers[order], int(counts.max())
    padded = tokens.new_zeros(len(counts), longest, tokens.shape[-1]).index_put((rows, places), tokens[order])
    return padded, torch.arange(longest, device=owners.device)[None, :] < counts[:, None]


class TokenRelations(Described, nn.Module):
    """:func:`token_relations` as a module: the graph on some tokens of the batch, the context on all of them.

    Which tokens make the graph is drawn anew for each batch from torch's generator, which the loop sets by its seed.

    Args:
        sampled: tokens in the graph; all of them where a batch has no more.
        neighbours: of a token in the teacher's graph.
        temperature: > 0, in units of a cosine.
        local: weight of how a token's neighbours share its attention.
        contrast: weight of how much of it they get.
        context: weight of the tokens within each text.
        outputs: weight of the distance 1 - cos of each text's vector from the teacher's; needs equal dimensions.
    """

    def __init__(
        self,
        *,
        sampled: int = 256,
        neighbours: int = 8,
        temperature: float = 0.1,
        local: float = 1.0,
        contrast: float = 1.0,
        context: float = 1.0,
        outputs: float = 0.0,
    ) -> None:
        super().__init__()
        check_at_least("sampled", sampled, 2)
        check_at_least("neighbours", neighbours, 1)
        check_positive("temperature", temperature)
        weights = {"local": local, "contrast": contrast, "context": context, "outputs": outputs}
        for name, weight in weights.items():
            check_at_least(name, weight, 0)
        if not any((local, contrast, context)):
            raise InputError("One of `local`, `contrast` and `context` must be above 0. Got 0 for all of them.")
        self.sampled = sampled
        self.neighbours = neighbours
        self.temperature = temperature
        self.local = local
        self.contrast = contrast
        self.context = context
        self.outputs = outputs

    @property
    def needs(self) -> tuple[str, ...]:
        """Fields that the weight of the outputs makes necessary."""
        return ("embeddings", "teacher_embeddings") if self.outputs else ()

    def forward(
        self,
        tokens: Float[Tensor, "tokens width"],
        teacher_tokens: Float[Tensor, "tokens teacher_width"],
        owners: Int[Tensor, " tokens"],
        embeddings: Float[Tensor, "n dim"] | None = None,
        teacher_embeddings: Float[Tensor, "n teacher_dim"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        total = tokens.new_zeros(())
        if self.local or self.contrast:
            drawn = self._drawn(len(tokens), tokens.device)
            total = total + token_relations(
                tokens[drawn],
                teacher_tokens[drawn],
                owners[drawn],
                neighbours=self.neighbours,
                temperature=self.temperature,
                local=self.local,
                contrast=self.contrast,
                context=0.0,
            )
        if self.context:
            total = total + self.context * token_context(
                tokens, teacher_tokens.to(tokens), owners, temperature=self.temperature
            )
        if self.outputs and embeddings is not None and teacher_embeddings is not None:
            total = total + self.outputs * _distance(embeddings, teacher_embeddings.to(embeddings))
        return total

    def _drawn(self, tokens: int, device: torch.device) -> Tensor:
        if tokens <= self.sampled:
            return torch.arange(tokens, device=device)
        return torch.randperm(tokens)[: self.sampled].sort().values.to(device)


def _distance(vectors: Tensor, taught: Tensor) -> Tensor:
    """Mean of 1 - cos of each vector with the teacher's.

    Raises:
        InputError: the two have different dimensions.
    """
    if vectors.shape[-1] != taught.shape[-1]:
        raise InputError(
            f"`outputs` compares vectors of {vectors.shape[-1]} dimensions with the teacher's {taught.shape[-1]}. Set "
            "it to 0: the relations of tokens need no equal dimensions."
        )
    return 1 - F.cosine_similarity(vectors, taught, dim=-1).mean()
