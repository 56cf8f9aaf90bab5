"""A head learns two kinds of labels apart, by its seed alone, and leaves the encoder as it was."""

import numpy as np
import pytest
import torch
from tiny_models import tiny_encoder

from accord.core.errors import InputError
from accord.data import Labelled
from accord.encoders.heads import ConditionalAttention
from accord.objectives import BatchHardTriplet
from accord.recipes.conditions import fit_conditions

VERBS, THINGS = ("read", "write", "open"), ("file", "list", "row")
TEXTS = [f"{verb} the {thing} {number}" for verb in VERBS for thing in THINGS for number in ("one", "two")]
TABLES = {
    "verb": Labelled.of({"text": TEXTS, "label": [text.split()[0] for text in TEXTS]}),
    "thing": Labelled.of({"text": TEXTS, "label": [text.split()[2] for text in TEXTS]}),
}


@pytest.fixture(scope="module")
def encoder():
    return tiny_encoder(layers=1, hidden=16)


def head(*names):
    return ConditionalAttention(names, 16, 16, heads=2)


def nearest_agree(vectors, labels):
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -1)
    return np.mean([labels[n] == labels[m] for n, m in enumerate(scores.argmax(axis=1))])


def test_each_space_holds_its_own_labels(encoder):
    first, second = head("verb", "thing"), head("verb", "thing")
    before, state = encoder.fingerprint(), torch.get_rng_state()
    made = fit_conditions(encoder, TABLES, head=first, steps=80, batch=12, lr=1e-2)
    assert encoder.fingerprint() == before
    assert torch.equal(torch.get_rng_state(), state)
    for name, table in TABLES.items():
        other = next(table for key, table in TABLES.items() if key != name)
        vectors = made.encode(TEXTS, name)
        assert nearest_agree(vectors, table.column("label")) == 1
        assert nearest_agree(vectors, other.column("label")) < 1
    again = fit_conditions(encoder, TABLES, head=second, steps=80, batch=12, lr=1e-2)
    np.testing.assert_array_equal(again.encode(TEXTS, "verb"), made.encode(TEXTS, "verb"))


def test_one_condition_serves_all_tables_and_triplets_do_as_well(encoder):
    made = fit_conditions(encoder, TABLES, head=head("all"), objective=BatchHardTriplet(), steps=4, batch=8)
    assert made.encode(TEXTS, "all").shape == (18, 16)


def test_what_cannot_be_learnt_is_refused(encoder):
    few = Labelled.of({"text": ["a", "b", "c"], "label": ["x", "x", "y"]})
    with pytest.raises(InputError, match="table 'few' must have two classes of two texts"):
        fit_conditions(encoder, {"few": few}, head=head("few"))
    with pytest.raises(InputError, match="no 'verb'"):
        fit_conditions(encoder, TABLES, head=head("a", "b"))
    with pytest.raises(InputError, match="`batch` must be at least 4"):
        fit_conditions(encoder, TABLES, head=head("a"), batch=2)
    with pytest.raises(InputError, match="`objective` may ask for"):
        fit_conditions(encoder, {"few": few}, head=head("few"), objective=_Pairs())


class _Pairs(torch.nn.Module):
    def forward(self, pair_scores, labels):
        return pair_scores.sum()
