"""Low-rank adapters on an encoder's linear layers: attach, save and read in peft's layout, fold into the weights."""

from __future__ import annotations

from accord.encoders.adapters.adapter import Adapter, attach, folded
from accord.encoders.adapters.folder import load_adapter, save_adapter
from accord.encoders.adapters.low_rank import LoRALinear, folded_weight

__all__ = ["Adapter", "LoRALinear", "attach", "folded", "folded_weight", "load_adapter", "save_adapter"]
