"""Texts to calibrate on, made of the words that the tiny tokenizer knows."""

import numpy as np
import pytest
from tiny_models import WORDS


@pytest.fixture(scope="session")
def calibration():
    draw = np.random.default_rng(0)
    return [" ".join(draw.choice(WORDS, draw.integers(3, 9))) for _ in range(80)]
