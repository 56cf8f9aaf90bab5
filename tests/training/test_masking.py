"""Which tokens are hidden: a function of seed, text and visit; shares as asked; special tokens never."""

import numpy as np
import pytest

from accord.training.masking import Masking, mask_text

ORDINARY = np.arange(10, 200)
IDS = np.concatenate([[1], np.arange(10, 110), [2]]).astype(np.int32)


def how(rate=0.15, random=0.1, kept=0.1, seed=0):
    return Masking(rate, random, kept, mask=4, ordinary=ORDINARY, seed=seed)


def test_it_depends_on_seed_text_and_visit_alone():
    first = mask_text(IDS, how(), text="a", visit=3)
    again = mask_text(IDS, how(), text="a", visit=3)
    assert all(np.array_equal(*pair) for pair in zip(first, again))
    for other in (
        mask_text(IDS, how(seed=1), text="a", visit=3),
        mask_text(IDS, how(), text="b", visit=3),
        mask_text(IDS, how(), text="a", visit=4),
    ):
        assert not np.array_equal(first[1], other[1])


def test_shares_come_out():
    counts = np.zeros(3)
    for visit in range(200):
        hidden, places = mask_text(IDS, how(rate=0.3, random=0.2, kept=0.1), text="a", visit=visit)
        assert len(places) == 30
        assert np.array_equal(np.flatnonzero(hidden != IDS), np.setdiff1d(places, np.flatnonzero(hidden == IDS)))
        counts += [(hidden[places] == 4).sum(), (hidden[places] == IDS[places]).sum(), 0]
    masked, kept, _ = counts / 6000
    assert masked == pytest.approx(0.7, abs=0.02)
    assert kept == pytest.approx(0.1, abs=0.02)


def test_every_place_gets_its_turn_and_special_tokens_never():
    seen = np.zeros(len(IDS))
    for visit in range(300):
        hidden, places = mask_text(IDS, how(), text="a", visit=visit, skip=11)
        seen[places] += 1
        assert (hidden[[0, -1]] == [1, 2]).all()
        assert np.isin(hidden[places], np.append(ORDINARY, 4)).all()
    assert (seen[:11] == 0).all() and seen[-1] == 0
    assert (seen[11:-1] > 0).all()


def test_short_texts_hide_one_token_and_empty_ones_none():
    assert len(mask_text(np.array([1, 50, 2]), how(), text="a", visit=0)[1]) == 1
    ids, places = mask_text(np.array([1, 2]), how(), text="", visit=0)
    assert ids.tolist() == [1, 2] and not len(places)
    assert not len(mask_text(IDS, how(rate=0.0), text="a", visit=0)[1])
