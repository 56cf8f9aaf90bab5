import pytest

from accord.core.errors import DataError, InputError
from accord.reporting.run_folder import read_run


def test_a_run_is_read_whole(run_folder, results):
    run = read_run(run_folder)
    assert run.name == "python-library"
    assert len(run.summary.differences) == len(results.comparisons)
    assert run.recipe["train"]["steps"] == 100


def test_no_folder(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        read_run(tmp_path / "missing")


def test_an_unfinished_run_says_how_to_finish_it(tmp_path):
    with pytest.raises(InputError, match=r"no `results\.json`.*--resume"):
        read_run(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "other/1"}', '{"format": "accord-results/1"}',
                                  '{"format": "accord-results/1", "scores": [{"model": "base"}]}'])  # fmt: skip
def test_a_damaged_results_file_is_named(tmp_path, text):
    (tmp_path / "results.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"results\.json"):
        read_run(tmp_path)


def test_a_recipe_that_cannot_be_parsed_is_still_shown(tmp_path, results, make):
    run = read_run(make.run(tmp_path / "run", results, recipe="a: [broken"))
    assert (run.recipe_text, run.recipe) == ("a: [broken", {})
