"""Feature alignment: token embeddings and layers of the student must be the teacher's, through learned projections."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from accord.core.checks import check_at_least
from accord.core.errors import InputError
from accord.core.spec import Described

__all__ = ["FeatureAlignment", "feature_alignment", "selective_fusion"]

PAIR = 2


def feature_alignment(
    hidden: Float[Tensor, "layers tokens dim"],
    teacher_hidden: Float[Tensor, "teacher_layers tokens teacher_dim"],
    *,
    table: float = 1.0,
    features: float = 1.0,
) -> Float[Tensor, ""]:
    r"""Mean squared difference of token embeddings, and of the layers that go together.

    .. math:: e \cdot \mathrm{MSE}(h_0, t_0) + \frac{f}{L} \sum_{l=1}^{L} \mathrm{MSE}(h_l, t_{m(l)})

    where :math:`h_0` comes from the token table, the other :math:`h_l` from layers of the student, brought to the
    teacher's dimension where theirs is another, and :math:`m(l)` is the teacher's layer that goes with layer l.

    Also known as: TransKD, patch embedding alignment (PEA), feature map distillation, hidden state and embedding
    losses of TinyBERT.

    Reference: Liu et al. (2022), TransKD, arXiv:2202.13393 (patch embedding alignment, cross selective fusion).

    Differs from the paper: token embeddings take the place of patch embeddings, and there is one table, not one a
    stage; every layer has as many tokens, so nothing is resized and there is no pyramid of pooled maps; the
    global-local mixer and the embedding assistant are not here.

    Args:
        hidden: of the student; first what the token table gives.
        teacher_hidden: of the teacher, the same layers in the same order.
        table: weight of the first.
        features: weight of the mean over the others.

    Returns:
        At least 0.

    Raises:
        InputError: the two have different dimensions or numbers of layers.

    >>> feature_alignment(torch.zeros(3, 4, 2), torch.ones(3, 4, 2), features=0.5)
    tensor(1.5000)
    """
    if hidden.shape != teacher_hidden.shape:
        raise InputError(
            f"The student's hidden states are {tuple(hidden.shape)} and the teacher's {tuple(teacher_hidden.shape)} "
            "(layers, tokens, dimensions). Let projections be learned between other dimensions "
            f"(`projection: [{hidden.shape[-1]}, {teacher_hidden.shape[-1]}]` with `layers`)."
        )
    squares = (hidden - teacher_hidden.to(hidden)).square().mean(dim=(1, 2))
    rest = features * squares[1:].mean() if len(squares) > 1 else 0.0
    return table * squares[0] + rest


def selective_fusion(
    layer: Float[Tensor, "tokens width"],
    deeper: Float[Tensor, "tokens width"],
    owners: Int[Tensor, " tokens"],
    squeeze: Float[Tensor, "units width"],
    expand: Float[Tensor, "2 width units"],
) -> Float[Tensor, "tokens width"]:
    r"""A layer and what came from the layers above it, mixed channel by channel.

    .. math:: a = \mathrm{softmax}_{2}\big(E\,\mathrm{relu}(S\,\overline{x + y})\big), \qquad a_0 \odot x + a_1 \odot y

    with the mean over the tokens of each text, so that every text has its own mixture.

    Args:
        layer: x.
        deeper: y.
        owners: number of the text that each token is of.
        squeeze: S.
        expand: E, one matrix for x and one for y.

    >>> x, y = torch.ones(2, 3), torch.zeros(2, 3)
    >>> selective_fusion(x, y, torch.tensor([0, 0]), torch.zeros(1, 3), torch.zeros(2, 3, 1))[0]
    tensor([0.5000, 0.5000, 0.5000])
    """
    _, numbers, counts = owners.unique(return_inverse=True, return_counts=True)
    sums = layer.new_zeros(len(counts), layer.shape[1]).index_add(0, numbers, layer + deeper)
    units = F.relu(F.linear(sums / counts[:, None], squeeze))
    mixture = torch.stack([F.linear(units, expand[0]), F.linear(units, expand[1])]).softmax(0)[:, numbers]
    return mixture[0] * layer + mixture[1] * deeper


class FeatureAlignment(Described, nn.Module):
    """:func:`feature_alignment` as a module, with what bridges unequal dimensions.

    Projections and fusion are trained beside the encoder and left behind afterwards.

    Args:
        layers: pairs of a layer of the student, counted from 1, and the teacher's that it learns from; when not given,
            all of the student's, spread evenly over the teacher's, the last with the last.
        projection: the dimensions of the student and of the teacher; None where they are equal. Needs `layers`.
        fusion: width of the space in which each layer is mixed with those above it before it is compared
            (:func:`selective_fusion`), 64 in the paper; 0 compares each layer alone. Needs `projection`.
        table: weight of the token embeddings.
        features: weight of the layers.
        outputs: weight of the distance 1 - cos of each text's vector from the teacher's, through a projection of its
            own where there is one.
        lr_factor: learning rate of projections and fusion, relative to the encoder's.

    Raises:
        InputError: numbers out of their ranges, or an argument without the one that it needs.
    """

    def __init__(
        self,
        *,
        layers: Sequence[Sequence[int]] | None = None,
        projection: Sequence[int] | None = None,
        fusion: int = 0,
        table: float = 1.0,
        features: float = 1.0,
        outputs: float = 0.0,
        lr_factor: float = 10.0,
    ) -> None:
        super().__init__()
        for name, weight in {"table": table, "features": features, "outputs": outputs, "lr_factor": lr_factor}.items():
            check_at_least(name, weight, 0)
        check_at_least("fusion", fusion, 0)
        if not table and not features:
            raise InputError("One of `table` and `features` must be above 0. Got 0 for both.")
        _check_shape(layers, projection, fusion)
        self.layers = None if layers is None else [list(pair) for pair in layers]
        self.projection = None if projection is None else list(projection)
        self.fusion = fusion
        self.table = table
        self.features = features
        self.outputs = outputs
        self.lr_factor = lr_factor
        self.bridges = nn.ParameterDict()
        if projection is not None and layers is not None:
            self._make_bridges(len(layers), *projection)

    def _make_bridges(self, layers: int, dim: int, teacher_dim: int) -> None:
        """Weights from the student's dimension to the teacher's, the same each time."""
        generator = torch.Generator().manual_seed(0)

        def start(*shape: int) -> nn.Parameter:
            return nn.Parameter(nn.init.orthogonal_(torch.empty(*shape), generator=generator))

        self.bridges["table"] = start(teacher_dim, dim)
        for number in range(1, layers + 1):
            if not self.fusion:
                self.bridges[f"layer_{number}"] = start(teacher_dim, dim)
                continue
            units = max(self.fusion // 16, 8)
            self.bridges[f"in_{number}"] = start(self.fusion, dim)
            self.bridges[f"out_{number}"] = start(teacher_dim, self.fusion)
            if number < layers:
                self.bridges[f"squeeze_{number}"] = start(units, self.fusion)
                self.bridges[f"expand_{number}"] = start(2, self.fusion, units)
        if self.outputs:
            self.bridges["outputs"] = start(teacher_dim, dim)

    @property
    def needs(self) -> tuple[str, ...]:
        """Fields that the outputs' weight and the fusion make necessary."""
        outputs = ("embeddings", "teacher_embeddings") if self.outputs else ()
        return (*outputs, "owners") if self.fusion else outputs

    def forward(
        self,
        hidden: Float[Tensor, "layers tokens width"],
        teacher_hidden: Float[Tensor, "layers tokens teacher_width"],
        owners: Int[Tensor, " tokens"] | None = None,
        embeddings: Float[Tensor, "n dim"] | None = None,
        teacher_embeddings: Float[Tensor, "n teacher_dim"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of one batch."""
        bridged = self._bridged(hidden, owners)
        total = feature_alignment(bridged, teacher_hidden, table=self.table, features=self.features)
        if self.outputs and embeddings is not None and teacher_embeddings is not None:
            total = total + self.outputs * self._distance(embeddings, teacher_embeddings.to(embeddings))
        return total

    def _bridged(self, hidden: Tensor, owners: Tensor | None) -> Tensor:
        """Hidden states in the teacher's dimension."""
        if self.projection is None:
            return hidden
        if hidden.shape[-1] != self.projection[0]:
            raise InputError(
                f"`projection` starts from {self.projection[0]} dimensions, and the model has {hidden.shape[-1]}."
            )
        weights = {name: weight.to(hidden) for name, weight in self.bridges.items()}
        found = [F.linear(hidden[0], weights["table"])]
        if not self.fusion:
            return torch.stack(found + [F.linear(hidden[k], weights[f"layer_{k}"]) for k in range(1, len(hidden))])
        assert owners is not None
        deeper: Tensor | None = None
        fused: list[Tensor] = []
        for k in range(len(hidden) - 1, 0, -1):
            layer = F.linear(hidden[k], weights[f"in_{k}"])
            if deeper is not None:
                layer = selective_fusion(layer, deeper, owners, weights[f"squeeze_{k}"], weights[f"expand_{k}"])
            deeper = layer
            fused.append(F.linear(layer, weights[f"out_{k}"]))
        return torch.stack(found + fused[::-1])

    def _distance(self, vectors: Tensor, taught: Tensor) -> Tensor:
        """Mean of 1 - cos of each vector with the teacher's.

        Raises:
            InputError: dimensions that no projection brings together.
        """
        if self.projection is not None and vectors.shape[-1] == self.projection[0]:
            vectors = F.linear(vectors, self.bridges["outputs"].to(vectors))
        if vectors.shape[-1] != taught.shape[-1]:
            raise InputError(
                f"`outputs` compares vectors of {vectors.shape[-1]} dimensions with the teacher's {taught.shape[-1]}. "
                "Set it to 0, or `projection` to the two dimensions."
            )
        return 1 - F.cosine_similarity(vectors, taught, dim=-1).mean()


def _check_shape(layers: Sequence[Sequence[int]] | None, projection: Sequence[int] | None, fusion: int) -> None:
    """Refuse pairs of layers and dimensions that mean nothing, and what lacks another argument."""
    if layers is not None and (not layers or any(len(pair) != PAIR or min(pair) < 1 for pair in layers)):
        raise InputError(f"`layers` must be pairs of layers, student's and teacher's, counted from 1. Got {layers!r}.")
    if projection is not None and (len(projection) != PAIR or min(projection) < 1):
        raise InputError(f"`projection` must be the two dimensions, model's and teacher's. Got {projection!r}.")
    if projection is not None and layers is None:
        raise InputError("`projection` learns one matrix a layer: name them in `layers`, such as [[1, 3], [2, 6]].")
    if fusion and projection is None:
        raise InputError(
            "`fusion` mixes layers on their way through a projection: set `projection` to both dimensions."
        )
