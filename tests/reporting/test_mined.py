import io

from rich.console import Console

from accord.reporting import duplicates_table, mined_tables, paraphrases_table

ENDING = {"path": "mined.jsonl", "seconds": {"encode": 12.0}, "cache": {"encoded": 1200, "reused": 34}}
SIDES = {"mean": 0.5, "p5": 0.25, "median": 0.5, "p95": 0.75}
MINED = {
    "queries": 1000, "documents": 2000, "negatives": 4500, "wanted": 5000, "queries_full": 880, "queries_short": 20,
    "queries_without": 100, "rows_without_positive": 7, "rows": 1000, "positives_without_row": 0, "known_inside": 990,
    "candidates": {"candidates": 60000, "rank": 10000, "margin": 0, "guide": 17, "spare": 45483, "taken": 4500},
    "scores": {"guide": {"positives": SIDES, "negatives": SIDES}, "model": {"positives": SIDES, "negatives": SIDES}},
} | ENDING  # fmt: skip


def shown(renderable, width=80):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(renderable)
    return console.file.getvalue()


def test_mined_tables_say_each_count_and_leave_out_rules_that_refused_nothing():
    text = shown(mined_tables(MINED))
    for words in ("4,500", "5,000", "60,000 candidates", "refused by the guide", "17", "990", "1,200 encoded", "Wrote"):
        assert words in text
    assert "within the margin" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_paraphrases_and_duplicates():
    report = {"texts": 10, "distinct": 9, "pairs": 3, "highest": 0.99, "lowest": 0.5, "mean": 0.7} | ENDING
    assert "from 0.990 to 0.500" in shown(paraphrases_table(report | {"cache": None}))
    example = {"text": "[bold]a\nb[/bold]" * 9, "repeats": "c", "score": 0.951}
    report = {"rows": 10, "kept": 8, "equal_texts": 1, "near_duplicates": 1, "examples": [example]} | ENDING
    assert "[bold]a b[/bold]" in shown(duplicates_table(report))
