"""Bands of magnitudes, against sorting."""

import pytest
import torch

from accord.maths.bands import Band, keep_bands, keep_row_bands, locate_bands, survey_bands

BANDS = [Band(0.5), Band(0.144, 0.006), Band(0.3, 0.3), Band(1.0, 0.5), Band(1e-6)]


@pytest.mark.parametrize("band", BANDS, ids=str)
def test_as_many_stay_as_are_wanted(band):
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    first = survey_bands([x], [], [band])
    second = survey_bands([x], [first], [band])
    (kept,) = keep_bands([x], locate_bands([first, second], [band]))
    (by_row,) = keep_row_bands([x.clone()], [band], 1000)
    assert int((kept != 0).sum()) == max(int(band.density * 1000), 1)
    assert torch.equal(kept, by_row)
    assert torch.equal(kept[kept != 0], x[kept != 0])
    above = x.abs() > kept.abs().max()
    assert int(above.sum()) == min(int(band.gamma * 1000), 1000 - int((kept != 0).sum()))


def test_ranks_stay_inside():
    assert Band(0.9, 0.5).ranks(10) == [10, 2]
    assert Band(0.01, 0.99).ranks(10) == [10, 10]
