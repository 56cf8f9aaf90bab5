"""The protocols of mteb 2.26, for the tasks that are asked for them by ``against="mteb"``, and its result files.

Our own protocols differ where mteb's have traps; each task says where. These parts give mteb's numbers to four digits,
so that a model can be put beside published ones: fixed seed 42, few-shot probes, resampled clusterings, thresholds
found on the test rows, no normalisation of texts, symmetric tasks encoded in no role.
"""

from __future__ import annotations

from accord.evaluation.mteb.clusters import legacy_clusters, resampled_v_measures, sampled_rows
from accord.evaluation.mteb.experiments import few_shot_predictions, few_shot_rows
from accord.evaluation.mteb.nearness import pair_nearness
from accord.evaluation.mteb.results import (
    PROTOCOL,
    MtebResult,
    mteb_name,
    read_mteb_results,
    result_place,
    write_mteb_results,
)
from accord.evaluation.mteb.translations import nearest_translations

__all__ = [
    "PROTOCOL",
    "MtebResult",
    "few_shot_predictions",
    "few_shot_rows",
    "legacy_clusters",
    "mteb_name",
    "nearest_translations",
    "pair_nearness",
    "read_mteb_results",
    "resampled_v_measures",
    "result_place",
    "sampled_rows",
    "write_mteb_results",
]
