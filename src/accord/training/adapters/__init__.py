"""Training few weights beside many that stand still."""

from __future__ import annotations

from accord.training.adapters.lora import LoRA

__all__ = ["LoRA"]
