"""A budget on the job in miniature: what is measured, chosen, kept, read again and said."""

import numpy as np
import pytest

from accord.recipes.budget import Limits, budget
from accord.recipes.evaluate import evaluate

CHOICE = {"sizes": [[3, 32], [1, 32], [1, 16]], "codecs": ["Int8", "RotatedSign"], "documents": 500}


@pytest.fixture(scope="module")
def measured(tmp_path_factory, tiny_folder):
    from conftest import write_job

    folder = tmp_path_factory.mktemp("budget")
    recipe = write_job(folder, tiny_folder)
    return recipe, budget(str(tiny_folder), recipe, limits=Limits(keep=0.5), out=folder / "out", **CHOICE)


def test_the_whole_model_is_what_evaluate_says(measured, tiny_folder):
    recipe, found = measured
    scores = evaluate([str(tiny_folder)], recipe).scores
    whole = found.rows[0]
    assert whole["name"] == "3x32 · float32"
    assert whole["test"]["kept"] == 1.0
    for task, one in whole["test"]["tasks"].items():
        wanted = np.mean([row.score for row in scores if row.task == task and row.primary])
        assert one["score"] == pytest.approx(wanted, abs=1e-6)
