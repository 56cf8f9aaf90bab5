"""Scores of three systems with gaps, ties and a query for which one system found nothing."""

import numpy as np
import pytest


@pytest.fixture
def scores():
    generator = np.random.default_rng(0)
    found = generator.normal(size=(3, 20, 12)).round(1)  # rounding makes ties
    found[1] *= 30.0
    found[generator.random(found.shape) < 0.3] = np.nan
    found[2, 4] = np.nan
    found[:, 7, 3] = np.nan
    found[0, 9] = np.where(np.isnan(found[0, 9]), np.nan, 0.5)
    return found
