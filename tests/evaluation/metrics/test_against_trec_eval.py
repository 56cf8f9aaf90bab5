"""The ranking metrics beside pytrec_eval and ir_measures: ties, negative scores, missing queries."""

import ir_measures
import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from accord.evaluation.judged import judge
from accord.evaluation.named import metric

DOCUMENTS = [f"d{i}" for i in range(14)]
SCORES = st.one_of(
    st.sampled_from([-1.0, -0.5, -0.5 - 1e-10, 0.0, -0.0, 0.5, 0.5 + 1e-12]),
    st.floats(-1, 1, allow_nan=False, allow_subnormal=False),
)
RUNS = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]), st.dictionaries(st.sampled_from(DOCUMENTS), SCORES, min_size=1)
)
# grades below zero are tested elsewhere: trec_eval itself may not return when all grades of a query are negative
QRELS = st.fixed_dictionaries(
    {q: st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(0, 3), min_size=1) for q in ("q1", "q2", "q3")}
)
TREC = {
    "nDCG@{}": "ndcg_cut_{}",
    "Recall@{}": "recall_{}",
    "Precision@{}": "P_{}",
    "MAP@{}": "map_cut_{}",
    "HitRate@{}": "success_{}",
}
CUTS = (1, 3, 10, 100)


@given(QRELS, RUNS)
def test_equal_to_pytrec_eval_query_by_query(qrels, run):
    measures = {f"{name.rpartition('_')[0]}.{cut}" for name in TREC.values() for cut in CUTS}
    theirs = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    judged = judge(qrels, run)
    for ours, name in TREC.items():
        for cut in CUTS:
            values = metric(ours.format(cut))(judged)
            wanted = [theirs.get(query, {}).get(name.format(cut), 0.0) for query in qrels]
            assert values.tolist() == pytest.approx(wanted, abs=1e-9), (ours, cut)


IR = {"nDCG@10": "nDCG@10", "MRR@100": "RR", "Recall@3": "R@3", "Precision@3": "P@3", "MAP@10": "AP@10"}
IR |= {"HitRate@3": "Success@3", "MAP@100": "AP", "nDCG@100": "nDCG"}


@given(QRELS, RUNS.filter(bool))
def test_equal_to_ir_measures_on_average(qrels, run):
    parsed = [ir_measures.parse_measure(name) for name in IR.values()]
    theirs = ir_measures.calc_aggregate(parsed, qrels, run)
    for ours, measure in zip(IR, parsed):
        assert metric(ours)(judge(qrels, run)).mean() == pytest.approx(theirs[measure], abs=1e-9), ours


@given(QRELS, RUNS.filter(bool))
def test_mrr_with_a_cut_equals_ir_measures_once_ties_are_broken(qrels, run):
    # its RR@k comes from the MS MARCO script, which gives ties to the smaller identifier
    ranked = {q: sorted(row, key=lambda d: (np.float32(row[d]), d), reverse=True) for q, row in run.items()}
    untied = {q: {d: float(-rank) for rank, d in enumerate(row)} for q, row in ranked.items()}
    theirs = ir_measures.calc_aggregate([ir_measures.RR @ 3], qrels, untied)[ir_measures.RR @ 3]
    assert metric("MRR@3")(judge(qrels, run)).mean() == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("change", [lambda s: s - 5, lambda s: 3 * s, np.exp, lambda s: s**3])
def test_any_rising_change_of_scores_changes_nothing(change):
    generator = np.random.default_rng(0)
    run = {f"q{i}": dict(zip(DOCUMENTS, generator.permutation(14) - 7.0)) for i in range(20)}
    qrels = {q: {d: int(g) for d, g in zip(DOCUMENTS, generator.integers(0, 3, 14))} for q in run}
    changed = {q: {d: float(change(s)) for d, s in row.items()} for q, row in run.items()}
    for name in ("nDCG@5", "MRR@5", "Recall@5", "Precision@5", "MAP@5", "HitRate@1"):
        assert np.array_equal(metric(name)(judge(qrels, run)), metric(name)(judge(qrels, changed)))
