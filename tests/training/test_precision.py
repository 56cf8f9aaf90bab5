"""The number format follows the wish, and `auto` the machine."""

from contextlib import nullcontext

import torch

from accord.training.precision import autocast, native_bfloat16

CPU = torch.device("cpu")


def test_float32_is_left_alone_and_bfloat16_is_forced():
    assert autocast("float32", CPU) is nullcontext
    with autocast("bfloat16", CPU)():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def test_auto_follows_the_processor():
    with autocast("auto", CPU)():
        found = (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    assert found == (torch.bfloat16 if native_bfloat16(CPU) else torch.float32)
