"""Every rule against a slow plain reading of it, and what nobody may break."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.core.errors import InputError
from accord.data.mining.hard_negatives import REASONS, NegativeRules, hard_negatives, judge, limits

QUARTERS = st.integers(-8, 8).map(lambda n: n / 4)  # exact in binary, with many ties and both signs


@st.composite
def problems(draw):
    """Candidates, positives and rules."""
    queries, ranks = draw(st.integers(1, 5)), draw(st.integers(1, 8))
    scores = np.array(
        draw(st.lists(st.lists(QUARTERS, min_size=ranks, max_size=ranks), min_size=queries, max_size=queries))
    )
    scores = -np.sort(-scores, axis=1)
    documents = np.argsort(np.random.default_rng(draw(st.integers(0, 99))).random((queries, 30)), axis=1)[:, :ranks]
    for row, end in enumerate(draw(st.lists(st.integers(0, ranks), min_size=queries, max_size=queries))):
        documents[row, end:], scores[row, end:] = -1, -np.inf
    start = draw(st.integers(0, 4))
    stop = start + draw(st.integers(1, 8))
    low, high = sorted((draw(QUARTERS), draw(QUARTERS)))
    maybe = st.booleans()
    rules = NegativeRules(
        negatives=draw(st.integers(1, stop - start)),
        ranks=(start, stop),
        margin=draw(st.none() | st.sampled_from([0.0, 0.25, 1.0])),
        relative_margin=draw(st.none() | st.sampled_from([0.0, 0.25, 1.0])),
        min_score=low if draw(maybe) else None,
        max_score=high if draw(maybe) else None,
        guide_margin=draw(st.sampled_from([0.0, 0.5])),
        sampling=draw(st.sampled_from(["top", "random"])),
        seed=draw(st.integers(0, 3)),
    )
    positives = np.array(draw(st.lists(QUARTERS, min_size=queries, max_size=queries)))
    return documents, scores, positives, rules


def plain_reason(rank, document, score, positive, rules):
    """What refuses a candidate, said as in the docstring."""
    if document < 0:
        return "absent"
    if not rules.ranks[0] <= rank < rules.ranks[1]:
        return "rank"
    if rules.margin is not None and not score <= positive - rules.margin:
        return "margin"
    if rules.relative_margin is not None and not score <= positive - rules.relative_margin * abs(positive):
        return "relative_margin"
    if rules.max_score is not None and not score <= rules.max_score:
        return "max_score"
    if rules.min_score is not None and not score >= rules.min_score:
        return "min_score"
    return "kept"


@given(problems())
@settings(max_examples=70, deadline=None)
def test_each_candidate_is_refused_by_the_first_rule_that_it_breaks(problem):
    documents, scores, positives, rules = problem
    codes = judge(documents, scores, positives, rules)
    for query, row in enumerate(codes):
        for rank, code in enumerate(row):
            wanted = plain_reason(rank, documents[query, rank], scores[query, rank], positives[query], rules)
            assert REASONS[code] == wanted


@given(problems())
@settings(max_examples=70, deadline=None)
def test_what_is_taken_is_what_a_loop_takes_and_everything_is_counted(problem):
    documents, scores, positives, rules = problem
    found = hard_negatives(documents, scores, positives, rules)
    counts = dict.fromkeys(found.counts, 0)
    for query in range(len(documents)):
        kept = []
        for rank in range(documents.shape[1]):
            reason = plain_reason(rank, documents[query, rank], scores[query, rank], positives[query], rules)
            counts["candidates"] += reason != "absent"
            if reason == "kept":
                kept.append((documents[query, rank], scores[query, rank]))
            elif reason != "absent":
                counts[reason] += 1
        mine = [(d, s) for d, s in zip(found.documents[query], found.scores[query]) if d >= 0]
        assert len(mine) == min(len(kept), rules.negatives)
        assert [d for d in found.documents[query] if d < 0] == [-1] * (rules.negatives - len(mine))
        if rules.sampling == "top":
            assert mine == kept[: rules.negatives]
        assert set(mine) <= set(kept)
        assert [s for _, s in mine] == sorted((s for _, s in mine), reverse=True)
        counts["taken"] += len(mine)
        counts["spare"] += len(kept) - len(mine)
    assert counts == found.counts
    assert found.found.tolist() == [(row >= 0).sum() for row in found.documents]


@given(problems(), st.integers(0, 99))
@settings(max_examples=70, deadline=None)
def test_a_guide_has_its_say_whenever_it_is_given(problem, seed):
    documents, scores, positives, rules = problem
    generator = np.random.default_rng(seed)
    opinions = generator.integers(-4, 5, size=(len(documents), 30)) / 4
    own = generator.integers(-4, 5, size=len(documents)) / 4
    asked = []

    def veto(queries, some):
        asked.extend(zip(queries.tolist(), some.tolist()))
        return opinions[queries, some]

    found = hard_negatives(documents, scores, positives, rules, veto=veto, veto_positives=own)
    assert len(asked) == len(set(asked)), "a pair is scored once"
    for query, row in enumerate(found.documents):
        bound = own[query] - rules.guide_margin * abs(own[query])
        taken = [d for d in row if d >= 0]
        assert all(opinions[query, d] <= bound for d in taken)
        reasons = [
            plain_reason(r, d, s, positives[query], rules)
            for r, (d, s) in enumerate(zip(documents[query], scores[query]))
        ]
        passing = [d for d, r in zip(documents[query], reasons) if r == "kept" and opinions[query, d] <= bound]
        assert len(taken) == min(len(passing), rules.negatives), "nothing that may be taken is missed"
        if rules.sampling == "top":
            assert taken == passing[: rules.negatives]
        assert [opinions[query, d] for d in taken] == found.guide_scores[query, : len(taken)].tolist()
    refused = sum(opinions[q, d] > own[q] - rules.guide_margin * abs(own[q]) for q, d in asked)
    assert found.counts["guide"] == refused
    total = sum(n for name, n in found.counts.items() if name != "candidates")
    assert total == found.counts["candidates"]


def test_the_relative_margin_lies_below_a_positive_of_either_sign():
    bounds = limits(np.array([0.8, 0.0, -0.8]), 0.05)
    assert bounds.tolist() == pytest.approx([0.76, 0.0, -0.84])  # 95 % of 0.8, as NV-Retriever has it
    assert (bounds <= [0.8, 0.0, -0.8]).all()


def test_random_sampling_depends_on_the_seed_alone_and_reaches_every_rank():
    documents, scores = np.tile(np.arange(20), (400, 1)), np.tile(np.linspace(1, 0, 20), (400, 1))
    first, again, other = (
        hard_negatives(
            documents, scores, np.ones(400), NegativeRules(negatives=3, ranks=(4, 14), sampling="random", seed=s)
        )
        for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.documents, again.documents)
    assert (first.documents != other.documents).any()
    counts = np.bincount(first.documents.ravel(), minlength=20)
    assert not counts[:4].any()
    assert not counts[14:].any()
    assert counts[4:14].min() > 60  # 120 expected of each


def test_a_guide_is_asked_about_no_more_than_is_needed():
    documents, scores = np.arange(50)[None], np.linspace(1, 0, 50)[None]
    sizes = []

    def veto(queries, some):
        sizes.append(len(some))
        return np.where(some < 3, 2.0, 0.0)

    rules = NegativeRules(negatives=5, ranks=(0, 50))
    found = hard_negatives(documents, scores, np.ones(1), rules, veto=veto, veto_positives=np.ones(1))
    assert found.documents.tolist() == [[3, 4, 5, 6, 7]]
    assert sizes == [5, 3]
    assert (found.counts["guide"], found.counts["spare"]) == (3, 42)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"negatives": 0}, "`negatives` must be at least 1"),
        ({"ranks": (5, 5)}, "`ranks` must be"),
        ({"ranks": (-1, 5)}, "`ranks` must be"),
        ({"ranks": (0, 3)}, "fewer than `negatives`"),
        ({"margin": -0.1}, "`margin` must be at least 0"),
        ({"margin": math.inf}, "`margin` must be finite"),
        ({"relative_margin": 1.5}, "`relative_margin` must lie in"),
        ({"guide_margin": -1}, "`guide_margin` must lie in"),
        ({"max_score": math.nan}, "`max_score` must be finite"),
        ({"min_score": 0.5, "max_score": 0.1}, "must not exceed"),
        ({"sampling": "tops"}, "Did you mean `top`"),
    ],
)
def test_rules_that_cannot_be_are_refused(values, words):
    with pytest.raises(InputError, match=words):
        NegativeRules(**values)


def test_shapes_and_a_broken_guide_are_refused():
    rules = NegativeRules(negatives=1, ranks=(0, 2))
    documents, scores = np.zeros((2, 3), dtype=np.int64), np.zeros((2, 3))
    with pytest.raises(InputError, match="must be"):
        hard_negatives(documents, scores, np.zeros(3), rules)
    with pytest.raises(InputError, match="together"):
        hard_negatives(documents, scores, np.zeros(2), rules, veto=lambda q, d: np.zeros(len(q)))
    with pytest.raises(InputError, match="one finite score"):
        hard_negatives(
            documents, scores, np.zeros(2), rules, veto=lambda q, d: np.full(len(q), np.nan), veto_positives=np.zeros(2)
        )
