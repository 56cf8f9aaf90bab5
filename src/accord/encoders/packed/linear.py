"""Linear maps with weights laid out once for oneDNN, and the activation fused into the product."""

from __future__ import annotations

import functools
import logging

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["PackedLinear", "fused_available"]

logger = logging.getLogger(__name__)

ROWS = 1024


class PackedLinear:
    """A fixed linear map, optionally followed by the exact GELU.

    Args:
        weight: (out, in).
        bias: (out).
        dtype: to compute in.
        gelu: whether to apply the activation.
    """

    def __init__(self, weight: Tensor, bias: Tensor, *, dtype: torch.dtype, gelu: bool = False) -> None:
        self.weight = weight.detach().to(dtype).contiguous()
        self.bias = bias.detach().to(dtype).contiguous()
        self.gelu = gelu
        self.fused = fused_available(dtype)
        if self.fused:
            self.weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, ROWS)

    def __call__(self, x: Tensor) -> Tensor:
        """Apply to (rows, in)."""
        if self.fused:
            activation = "gelu" if self.gelu else "none"
            return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, activation, [], "none")
        y = F.linear(x, self.weight, self.bias)
        return F.gelu(y) if self.gelu else y


@functools.cache
def fused_available(dtype: torch.dtype) -> bool:
    """Whether this build of torch has the fused products, and they are right."""
    try:
        weight, bias, x = torch.linspace(-1, 1, 96).view(8, 12), torch.linspace(-1, 1, 8), torch.linspace(-2, 2, 60)
        weight, bias, x = weight.to(dtype), bias.to(dtype), x.view(5, 12).to(dtype)
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)
        found = torch.ops.mkldnn._linear_pointwise(x, packed, bias, "gelu", [], "none")
        wanted = F.gelu(F.linear(x.float(), weight.float(), bias.float()))
        return bool(torch.allclose(found.float(), wanted, atol=1e-5 if dtype == torch.float32 else 5e-2))
    except (AttributeError, RuntimeError, NotImplementedError) as error:
        logger.debug("fused products are not available: %s", error)
        return False
