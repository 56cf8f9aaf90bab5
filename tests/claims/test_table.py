import pytest

from accord.core.errors import DataError
from claims.results import code_hash, read_results
from claims.runner import found_claims
from claims.table import PAGE, page, read_papers

PAPERS = {
    110: {"id": "110", "title": "Guess | again", "year": "2023", "reference": "A (2023)"},
    7: {"id": "7", "title": "Nobody ran me", "year": "", "reference": ""},
}


def result(claim, **changed):
    row = {
        "claim": "guess",
        "effect": 0.02,
        "ci": [0.01, 0.03],
        "p": 0.001,
        "n": 30,
        "seeds": [0, 1],
        "verdict": "holds",
    }
    scores = {"method_score": 0.52, "baseline_score": 0.5, "scale": "full", "hash": code_hash(claim)}
    return {**row, **scores, **changed}


def test_page_shows_results_and_every_paper(claim):
    text = page(PAPERS, {"guess": claim}, {"guess": result(claim)})
    assert "0.520 against 0.500: +0.020 [+0.010, +0.030]" in text
    assert "**holds** (full)" in text
    assert "1 holds" in text
    assert "| 7 | Nobody ran me |  |  |  |" in text
    assert "| 110 | Guess \\| again | 2023 | A (2023) | `guess` |" in text
    assert text.index("| 7 |") < text.index("| 110 |")


def test_page_says_what_is_stale_and_what_was_not_run(claim):
    assert "**holds** (full, stale)" in page(PAPERS, {"guess": claim}, {"guess": result(claim, hash="0")})
    assert "1 not run" in page(PAPERS, {"guess": claim}, {})


def test_a_claim_about_an_unknown_paper_is_refused(claim):
    with pytest.raises(DataError, match="paper 110"):
        page({7: PAPERS[7]}, {"guess": claim}, {})


def test_bad_lists_of_papers_are_refused(tmp_path):
    file = tmp_path / "papers.tsv"
    for text in (
        "id\ttitle\n",
        "id\ttitle\tyear\treference\n1\ta\t\t\n1\tb\t\t\n",
        "id\ttitle\tyear\treference\nx\ta\t\t\n",
    ):
        file.write_text(text)
        with pytest.raises(DataError, match="line"):
            read_papers(file)


def test_the_list_is_whole_and_every_claim_has_its_paper():
    papers = read_papers()
    assert sorted(papers) == list(range(248))
    assert all(paper["title"] for paper in papers.values())
    assert {paper for claim in found_claims().values() for paper in claim.papers} <= papers.keys()


def test_the_committed_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(read_papers(), found_claims(), read_results()), (
        "run `python -m claims table`"
    )
