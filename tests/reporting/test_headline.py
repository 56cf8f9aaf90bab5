import dataclasses
import math

from accord.core.records import Results
from accord.reporting.summary import summarise


def test_the_whole_sentence(results):
    assert summarise(results).headline == (
        "The joint encoder is better than the base on all 3 tasks; "
        "against each task trained alone it is worse on 1 of 3 tasks and not distinguishable on 2."
    )


def _headline(make, *verdicts, b="base"):
    made = {"better": (0.1, 0.001), "worse": (-0.1, 0.001), "same": (0.01, 0.5), "none": (math.nan, math.nan)}
    comparisons = [
        make.comparison("joint", b, f"t{i}", made[v][0], p=made[v][1], needed=9999) for i, v in enumerate(verdicts)
    ]
    return summarise(Results(scores=[], comparisons=comparisons)).headline


def test_mixed_verdicts_all_appear(make):
    assert _headline(make, "same", "better", "worse", "none", "better") == (
        "The joint encoder is better than the base on 2 of 5 tasks, worse on 1, not distinguishable on 1 "
        "and not measured on 1."
    )


def test_a_loss_leads_when_there_is_no_gain(make):
    assert _headline(make, "worse", "same") == (
        "The joint encoder is worse than the base on 1 of 2 tasks and not distinguishable on 1."
    )
    assert _headline(make, "worse", "worse") == "The joint encoder is worse than the base on both tasks."


def test_a_draw_is_called_a_draw(make):
    assert _headline(make, "same", "same", "same") == (
        "The joint encoder is not distinguishable from the base on any of 3 tasks."
    )


def test_one_task_is_named(make):
    assert _headline(make, "better") == "The joint encoder is better than the base on the task t0."


def test_two_primary_metrics_of_a_task_count_as_measures(make):
    comparisons = [
        make.comparison("joint", "base", "topic", 0.1, p=0.001, metric=metric) for metric in ("accuracy", "v_measure")
    ]
    scores = [make.score("joint", "topic", 0.5, metric=metric) for metric in ("accuracy", "v_measure")]
    headline = summarise(Results(scores=scores, comparisons=comparisons)).headline
    assert headline == "The joint encoder is better than the base on both measures."


def test_secondary_metrics_do_not_count(results, make):
    extra = make.comparison("joint", "base", "topic", -0.5, p=0.001, metric="v_measure")
    with_extra = dataclasses.replace(results, comparisons=[*results.comparisons, extra])
    assert summarise(with_extra).headline == summarise(results).headline


def test_other_runs_keep_their_names(make):
    comparison = make.comparison("run:a", "run:b", "names", 0.2, p=0.001)
    assert summarise(Results(scores=[], comparisons=[comparison])).headline == (
        "run:a is better than run:b on the task names."
    )


def test_without_comparisons_nothing_is_claimed(make):
    one = Results(scores=[make.score("base", "names", 0.5)])
    two = Results(scores=[make.score("base", "names", 0.5), make.score("joint", "names", 0.9)])
    assert summarise(one).headline == "One model was measured; there is nothing to compare it with."
    assert summarise(two).headline == (
        "Two models were measured and none compared: the scores alone do not say which is better."
    )
