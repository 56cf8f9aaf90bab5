import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.data.batches import BatchStream


@given(st.integers(2, 90), st.integers(2, 30), st.integers(0, 3))
def test_every_row_once_an_epoch_and_none_twice_in_a_batch(length, batch, seed):
    stream = BatchStream(length, batch, seed=seed, name="a")
    size = min(batch, length)
    batches = [stream.rows(k) for k in range(4 * length // size + 2)]
    for rows in batches:
        assert len(rows) == size == len(set(rows.tolist()))
    flat = np.concatenate(batches)
    for start in range(0, len(flat) - length + 1, length):
        assert sorted(flat[start : start + length]) == list(range(length))


@given(st.integers(2, 70), st.integers(2, 20), st.lists(st.integers(0, 60), min_size=1, max_size=8))
def test_a_batch_depends_on_its_number_alone(length, batch, numbers):
    fresh = [BatchStream(length, batch, seed=1, name="a").rows(k).tolist() for k in numbers]
    used = BatchStream(length, batch, seed=1, name="a")
    assert [used.rows(k).tolist() for k in numbers] == fresh


def test_epochs_names_and_seeds_differ():
    def first(seed, name, k=0):
        return BatchStream(100, 10, seed=seed, name=name).rows(k).tolist()

    assert len({tuple(first(*a)) for a in ((0, "a"), (1, "a"), (0, "b"), (0, "a", 10))}) == 4


def test_what_the_caller_does_to_a_batch_changes_no_other():
    stream = BatchStream(10, 4, seed=0, name="a")
    before = stream.rows(0).tolist()
    stream.rows(0)[:] = -1
    assert stream.rows(0).tolist() == before


def test_steps_cover_the_epochs():
    stream = BatchStream(100, 64, seed=0, name="a")
    assert stream.steps(1) == 2 and stream.steps(16) == 25
    assert BatchStream(10, 64, seed=0, name="a").steps(3) == 3
    seen = np.concatenate([stream.rows(k) for k in range(stream.steps(1))])
    assert set(seen.tolist()) == set(range(100))


labelled = st.lists(st.integers(2, 40), min_size=2, max_size=9).flatmap(
    lambda counts: st.permutations([label for label, count in enumerate(counts) for _ in range(count)])
)


@given(labelled, st.integers(4, 40), st.integers(2, 9), st.integers(0, 2))
def test_labelled_batches(labels, batch, per_label, seed):
    labels = np.array(labels)
    stream = BatchStream(len(labels), batch, seed=seed, name="a", labels=labels, per_label=per_label)
    epoch = stream.steps(1)
    for start in (0, epoch):
        batches = [stream.rows(k) for k in range(start, start + epoch)]
        assert all(len(set(labels[rows].tolist())) > 1 for rows in batches)
        sizes = np.bincount(labels)
        if any(len(set(labels[rows].tolist())) == 2 for rows in batches):
            # One label may have given some of its places to another.
            assert all(len(set(rows.tolist())) == len(rows) <= batch for rows in batches)
            continue
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(labels)))
        alone = []
        for rows in batches:
            assert 0 < len(rows) <= max(batch, 1)
            found, counts = np.unique(labels[rows], return_counts=True)
            alone.extend(found[counts == 1].tolist())
        # Alone in its batch is only a label with one row, or the odd row out where groups are pairs in a tiny batch.
        for label in alone:
            assert sizes[label] == 1 or (batch < 6 and sizes[label] % 2)
            assert alone.count(label) == 1


def test_labels_meet_in_a_batch_although_one_is_common():
    labels = ["common"] * 180 + ["rare"] * 20
    stream = BatchStream(200, 20, seed=0, name="a", labels=labels)
    seen = [{labels[r] for r in stream.rows(k)} for k in range(stream.steps(1))]
    assert sum(len(s) == 2 for s in seen) >= 4  # five groups of "rare", spread evenly


def test_labelled_is_stateless_too():
    labels = list("abcde") * 20
    fresh = [BatchStream(100, 16, seed=0, name="a", labels=labels).rows(k).tolist() for k in (17, 3, 0)]
    used = BatchStream(100, 16, seed=0, name="a", labels=np.array(labels))
    assert [used.rows(k).tolist() for k in (17, 3, 0)] == fresh


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"length": 1}, "batch without negatives"),
        ({"length": 0}, "batch without negatives"),
        ({"batch": 1}, "no negatives"),
        ({"labels": ["x"] * 10}, "one label, 'x'"),
        ({"labels": ["x"] * 9}, "one entry a row"),
        ({"labels": list("xy") * 5, "batch": 3}, "at least 4"),
        ({"labels": list("xy") * 5, "per_label": 1}, "`per_label`"),
    ],
)
def test_refuses(arguments, match):
    with pytest.raises(InputError, match=match):
        BatchStream(**{"length": 10, "batch": 8, "seed": 0, "name": "faq", **arguments})


def test_refuses_a_negative_number():
    with pytest.raises(InputError, match="`k`"):
        BatchStream(10, 4, seed=0, name="a").rows(-1)


@pytest.mark.parametrize(("rare", "batch"), [(2, 8), (3, 16), (5, 64)])
def test_a_frequent_label_never_fills_a_batch_alone(rare, batch):
    labels = np.array(["common"] * 300 + ["rare"] * rare)
    stream = BatchStream(len(labels), batch, seed=1, name="skewed", labels=labels)
    seen = set()
    for k in range(int(2 * stream.batches_per_epoch)):
        rows = stream.rows(k)
        assert len(rows) == len(set(rows.tolist())) <= batch
        assert {"common", "rare"} == set(labels[rows])
        seen |= set(rows.tolist())
    assert len(seen) > 0.9 * len(labels)
