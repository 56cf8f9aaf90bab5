"""A BERT in rotated coordinates, with matrices on its skip connections: what slicing makes of a post-norm encoder.

It is an ordinary model of transformers in code that comes with accord, kept in safetensors. transformers and
sentence-transformers know it once this module is imported, and not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.activations import ACT2FN
from transformers.modeling_outputs import BaseModelOutput

from accord.core.errors import InputError

__all__ = ["SlicedBert", "SlicedBertConfig", "SlicedLayer"]


class SlicedBertConfig(PreTrainedConfig):
    """Sizes of a :class:`SlicedBert`.

    Args:
        vocab_size: rows of the token table.
        hidden_size: dimensions of the token vectors that come out, and those over which norms are taken.
        widths: coordinates after the tables, and after attention and feed-forward part of each layer.
        num_hidden_layers: layers.
        num_attention_heads: heads; together they are as wide as `hidden_size`.
        intermediate_size: inner units of the feed-forward parts.
        hidden_act: their activation.
        max_position_embeddings: rows of the table of positions.
        type_vocab_size: rows of the table of types.
        layer_norm_eps: added to the mean square in each norm.
        pad_token_id: id of the padding.
        offset_positions: whether positions are counted from the padding's id, as in RoBERTa's family.
        others: of every configuration of transformers.
    """

    model_type = "accord-sliced-bert"

    def __init__(  # noqa: PLR0913 -- a configuration names every size
        self,
        vocab_size: int = 8,
        hidden_size: int = 4,
        widths: Sequence[int] = (4, 4, 4),
        num_hidden_layers: int = 1,
        num_attention_heads: int = 1,
        intermediate_size: int = 8,
        hidden_act: str = "gelu",
        max_position_embeddings: int = 16,
        type_vocab_size: int = 2,
        layer_norm_eps: float = 1e-12,
        pad_token_id: int | None = 0,
        offset_positions: bool = False,
        **others: Any,
    ) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.widths = list(widths)
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.hidden_act = hidden_act
        self.max_position_embeddings = max_position_embeddings
        self.type_vocab_size = type_vocab_size
        self.layer_norm_eps = layer_norm_eps
        self.offset_positions = offset_positions
        self.pad_token_id = pad_token_id
        self.is_decoder = False
        super().__init__(**{"pad_token_id": pad_token_id, **others})


class SlicedLayer(nn.Module):
    """One layer: attention and feed-forward part, each with a matrix on its skip connection and a bare norm after it.

    Args:
        config: sizes.
        number: which layer.
    """

    def __init__(self, config: SlicedBertConfig, number: int) -> None:
        super().__init__()
        first, second, third = config.widths[2 * number : 2 * number + 3]
        inside = config.hidden_size
        self.heads, self.size, self.epsilon = config.num_attention_heads, config.hidden_size, config.layer_norm_eps
        self.query = nn.Linear(first, inside)
        self.key = nn.Linear(first, inside)
        self.value = nn.Linear(first, inside)
        self.out = nn.Linear(inside, second)
        self.attention_skip = nn.Linear(first, second, bias=False)
        self.up = nn.Linear(second, config.intermediate_size)
        self.activation = ACT2FN[config.hidden_act]
        self.down = nn.Linear(config.intermediate_size, third)
        self.inner_skip = nn.Linear(second, third, bias=False)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, length, first) to (batch, length, third); `mask` is (batch, 1, 1, length), True where tokens are."""
        shape = (*states.shape[:2], self.heads, -1)
        query, key, value = (m(states).view(shape).transpose(1, 2) for m in (self.query, self.key, self.value))
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        attended = self.out(found.transpose(1, 2).flatten(2))
        middle = bare_norm(attended + self.attention_skip(states), self.size, self.epsilon)
        inner = self.down(self.activation(self.up(middle)))
        return bare_norm(inner + self.inner_skip(middle), self.size, self.epsilon)


def bare_norm(values: Tensor, size: int, epsilon: float) -> Tensor:
    r"""Division by the root mean square, over `size` coordinates of which some may have been sliced off.

    >>> bare_norm(torch.tensor([3.0, 4.0]), 2, 0.0)
    tensor([0.8485, 1.1314])
    """
    return values * torch.rsqrt(values.square().sum(-1, keepdim=True) / size + epsilon)


class SlicedBert(PreTrainedModel):
    """A BERT whose hidden states live in coordinates of their own after each norm.

    Gains, offsets and means of the norms are part of the matrices around them; see
    :func:`accord.compression.prune.slice_gpt`, which makes it. There is no dropout.

    Args:
        config: sizes.
    """

    config_class = SlicedBertConfig
    base_model_prefix = "sliced"

    def __init__(self, config: SlicedBertConfig) -> None:
        super().__init__(config)
        width = config.widths[0]
        self.words = nn.Embedding(config.vocab_size, width, padding_idx=config.pad_token_id)
        self.positions = nn.Embedding(config.max_position_embeddings, width)
        self.types = nn.Embedding(config.type_vocab_size, width)
        layers = [SlicedLayer(config, number) for number in range(config.num_hidden_layers)]
        self.layers = nn.Sequential(*layers)  # no ModuleList, as no layer fits behind another than its own
        self.back = nn.Linear(config.widths[-1], config.hidden_size)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The token table."""
        return self.words

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Put another token table in its place."""
        self.words = value  # type: ignore[assignment]

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        output_hidden_states: bool = False,
    ) -> BaseModelOutput:
        """Token vectors in the coordinates of the model that was sliced.

        Raises:
            InputError: hidden states are asked for, which have other coordinates after each layer.
        """
        if output_hidden_states:
            raise InputError(
                "A sliced model gives no hidden states of earlier layers: each has coordinates of its own. Drop layers "
                "first, and slice the result."
            )
        config = self.config
        types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        states = self.words(input_ids) + self.positions(self._places(input_ids)) + self.types(types)
        states = bare_norm(states, config.hidden_size, config.layer_norm_eps)
        mask = None if attention_mask is None else attention_mask[:, None, None, :].bool()
        for layer in self.layers:
            states = layer(states, mask)
        return BaseModelOutput(last_hidden_state=self.back(states))  # type: ignore[arg-type]

    def _places(self, ids: Tensor) -> Tensor:
        if not self.config.offset_positions:
            return torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)
        real = (ids != self.config.pad_token_id).long()
        return real.cumsum(1) * real + self.config.pad_token_id


AutoConfig.register(SlicedBertConfig.model_type, SlicedBertConfig, exist_ok=True)
AutoModel.register(SlicedBertConfig, SlicedBert, exist_ok=True)
