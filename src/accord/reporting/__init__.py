"""Reports: what a run found, in plain words, with its intervals.

A report is rebuilt from saved records alone: `results.json`, `steps.jsonl` and `recipe.yaml` of a run folder. It needs
neither torch nor the models, and the same folder gives the same page.

* :func:`summarise` turns results into plain rows and one honest sentence.
* The tables (:func:`scores_table`, :func:`comparisons_table`, :func:`tasks_table`, :func:`leakage_table`,
  :func:`models_table`, :func:`strategies_table`) print in a terminal of 80 columns or more, with or without colour;
  :func:`plan_tables` and :func:`run_tables` are what a plan and a finished run show, :func:`hits_panel` an answer of a
  search, :func:`mined_tables`, :func:`paraphrases_table` and :func:`duplicates_table` what was mined,
  :func:`distil_tables` what a student kept of its teachers, :func:`prune_tables` what pruning took out of a model.
* :func:`data_check_tables` shows what was found in a file, and :func:`write_data_check` writes it as a page.
* :func:`conflict_tables` shows where tasks conflict, and :func:`write_conflict_report` writes a page of heat maps.
* :func:`budget_tables` shows what a model can be shrunk to, and :func:`write_frontier` writes a page of its frontier.
* :func:`write_report` writes `report.html`: one page without script or outside resource, light and dark, for screens
  from 400 pixels and for paper. It needs the extra `report`.

How to read a report

* An interval belongs to one score. Two overlapping intervals say little: look at the comparison, which is paired
  example by example.
* A verdict is "better" or "worse" only where p stays small after Holm's correction over all comparisons of the run.
  Anything else is "not distinguishable", with the number of examples at which a difference of the size seen would be
  told apart four times in five.
* "single" stands for the model that was trained on the row's own task alone.
"""

from accord.reporting.budget import budget_tables, write_frontier
from accord.reporting.conflict import conflict_tables, write_conflict_report
from accord.reporting.data_check import data_check_tables, write_data_check
from accord.reporting.distilled import distil_tables
from accord.reporting.hits import hits_panel
from accord.reporting.merged import merge_plan_tables, merge_tables
from accord.reporting.mined import duplicates_table, mined_tables, paraphrases_table
from accord.reporting.pruned import prune_tables
from accord.reporting.report import write_report
from accord.reporting.run_folder import Run, read_run
from accord.reporting.summary import Summary, summarise
from accord.reporting.tables import (
    comparisons_table,
    leakage_table,
    models_table,
    plan_tables,
    run_tables,
    scores_table,
    strategies_table,
    tasks_table,
)

__all__ = [
    "Run",
    "Summary",
    "budget_tables",
    "comparisons_table",
    "conflict_tables",
    "data_check_tables",
    "distil_tables",
    "duplicates_table",
    "hits_panel",
    "leakage_table",
    "merge_plan_tables",
    "merge_tables",
    "mined_tables",
    "models_table",
    "paraphrases_table",
    "plan_tables",
    "prune_tables",
    "read_run",
    "run_tables",
    "scores_table",
    "strategies_table",
    "summarise",
    "tasks_table",
    "write_conflict_report",
    "write_data_check",
    "write_frontier",
    "write_report",
]
