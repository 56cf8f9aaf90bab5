import dataclasses
import io
import math

import pytest
from rich.console import Console, Group

from accord.core.records import Results
from accord.reporting import tables


def show(renderable, width=80):
    console = Console(width=width, color_system=None, file=io.StringIO())
    console.print(renderable)
    return console.file.getvalue()


EVERY = (
    tables.scores_table,
    tables.comparisons_table,
    tables.tasks_table,
    tables.leakage_table,
    tables.models_table,
)


def test_scores_at_80_columns_have_their_interval_below(results):
    text = show(tables.scores_table(results), 80)
    lines = text.splitlines()
    row = next(i for i, line in enumerate(lines) if line.startswith("code-search"))
    assert lines[row].split() == ["code-search", "812", "0.413", "0.498", "0.507"]
    assert lines[row + 1].split(maxsplit=1)[0] == "nDCG@10"
    assert "[0.480, 0.534]" in lines[row + 1]


def test_scores_at_120_columns_stand_on_one_line(results):
    text = show(tables.scores_table(results), 120)
    assert "0.413 [0.386, 0.440]   0.498 [0.471, 0.525]   0.507 [0.480, 0.534]" in text


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("table", EVERY)
def test_nothing_is_wider_than_the_terminal_or_cut(results, table, width):
    text = show(table(results), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_many_models_become_rows(make):
    names = ["base", "single:names", "joint", "balanced", "merged", "run:runs/another"]
    text = show(tables.scores_table(Results(scores=[make.score(n, "names", 0.5) for n in names])), 80)
    assert text.count("0.500   [0.473, 0.527]") == len(names)
    assert "run:runs/another" in text


def test_verdicts_read_without_colour(results):
    text = " ".join(show(tables.comparisons_table(results), 120).split())
    assert "joint \N{MINUS SIGN} single" in text
    assert "+0.095 [+0.074, +0.116] <0.001 better" in text
    assert "0.004 worse" in text
    assert "not distinguishable: about 4,300 examples would be needed" in text


def test_names_are_text_not_markup(make):
    results = Results(scores=[make.score("base", "[red]a[/red]", 0.5)])
    assert "[red]a[/red]" in show(tables.scores_table(results))


def test_what_was_not_measured_is_a_dash(make):
    score = dataclasses.replace(make.score("base", "names", 0.5), score=math.nan, ci=(math.nan, math.nan))
    text = show(tables.scores_table(Results(scores=[score])))
    assert "\N{EN DASH}" in text and "nan" not in text


@pytest.mark.parametrize("table", EVERY)
def test_empty_results_give_one_line(table):
    text = show(table(Results(scores=[])))
    assert text.startswith("No ") and text.count("\n") == 1


def test_leakage_names_who_holds_the_rows_out(results):
    assert ["topic", "code-search", "id", "104"] in [
        line.split() for line in show(tables.leakage_table(results)).splitlines()
    ]
    assert "No leakage:" in show(tables.leakage_table([]))


def test_a_plan_fits_one_screen(results):
    tasks = [{**task, "steps": 33, "epochs": 0.49} for task in results.details["tasks"]]
    stages = {"read data": 12.4, "train joint": 131.5, "evaluate": 88.0}
    notes = ["topic gets no step: raise `train.steps` or its weight."]
    text = show(Group(*tables.plan_tables(tasks, results.details["leakage"], stages, notes)))
    assert "0.49" in text and "InfoNCE" in text and "temperature" not in text
    assert "3 min 52 s" in text
    assert "Note: topic gets no step" in text
    assert len(text.splitlines()) <= 45


def test_a_finished_run_ends_with_the_sentence(results):
    text = show(Group(*tables.run_tables(results)))
    places = [text.index(words) for words in ("Scores", "Comparisons", "The joint encoder is better than the base")]
    assert places == sorted(places)
    assert "Comparisons" not in show(Group(*tables.run_tables(dataclasses.replace(results, comparisons=()))))


def test_comparisons_alone_make_a_table(results):
    assert "+0.095" in show(tables.comparisons_table(results.comparisons))
    assert show(tables.comparisons_table([])).startswith("No comparisons")
