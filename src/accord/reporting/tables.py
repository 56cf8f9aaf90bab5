"""Tables for the terminal: they fit 80 and 120 columns and need no colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from accord.core.records import Comparison, Results
from accord.reporting import formats
from accord.reporting.rows import Cell, Difference, Row
from accord.reporting.summary import Summary, summarise

__all__ = [
    "Fitted",
    "comparisons_table",
    "leakage_table",
    "models_table",
    "plan_tables",
    "run_tables",
    "scores_table",
    "strategies_table",
    "tasks_table",
]

STYLES = {"better": "green", "worse": "red", "same": "", "unmeasured": "dim"}
NUMBERS = ("train", "dev", "test", "dropped", "truncated", "steps", "epochs", "weight")
TASK_NOTES = (
    ("dropped", "dropped = left train because dev or test holds it"),
    ("truncated", "cut = texts past the maximum length"),
)
INTERVAL_WIDTH, WIDE_CELL, NAME_WIDTH, METRIC_WIDTH, GAP, WIDE = 14, 20, 20, 10, 3, 100


class Fitted:
    """A table that chooses its layout when it learns how wide the terminal is.

    Args:
        build: gives the table for a width in columns.
    """

    def __init__(self, build: Callable[[int], RenderableType]) -> None:
        self.build = build

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.build(options.max_width)


def scores_table(results: Results | Summary) -> RenderableType:
    """Primary metrics by model: the score, and its interval beside or below it.

    Args:
        results: of a run, or their summary.

    Returns:
        A renderable; one line where nothing was scored.
    """
    summary = summarise(results)
    if not summary.rows:
        return Text("No scores.")
    return Group(Fitted(lambda width: _scores(summary, width)), _note(_scores_note(summary)))


def _scores(summary: Summary, width: int) -> Table:
    room = width - NAME_WIDTH - 8
    if len(summary.columns) * (INTERVAL_WIDTH + GAP) > room:
        return _long_scores(summary)
    wide = len(summary.columns) * (WIDE_CELL + GAP) <= room - METRIC_WIDTH
    table = _table("Scores")
    _name_columns(table, wide=wide)
    table.add_column("n", justify="right", no_wrap=True)
    for name in summary.columns:
        table.add_column(Text(name), justify="right", overflow="fold")
    for index, row in enumerate(summary.rows):
        if index and not wide:
            table.add_row()
        cells = [_cell(row.cells.get(name), wide=wide) for name in summary.columns]
        table.add_row(*_names(row, wide=wide), formats.count(row.n), *cells)
    return table


def _long_scores(summary: Summary) -> Table:
    table = _table("Scores")
    for name in ("task", "model"):
        table.add_column(name, overflow="fold")
    for name in ("score", "interval", "n"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in summary.rows:
        names = [name for name in summary.columns if name in row.cells]
        left = _names(row, wide=len(names) > 1)
        for index, name in enumerate(names):
            cell = row.cells[name]
            table.add_row(
                left[index] if index < len(left) else "",
                Text(name),
                Text(formats.decimals(cell.score), style="bold"),
                Text(formats.interval(cell.low, cell.high), style="dim"),
                "" if index else formats.count(row.n),
                end_section=index == len(names) - 1,
            )
    return table


def _scores_note(summary: Summary) -> str:
    note = f"{formats.share(summary.level)} intervals; higher is better; part scored: {summary.split}."
    if "single" in summary.columns:
        note += " single = trained on that task alone."
    if len(summary.seeds) > 1:
        note += f" Means over {len(summary.seeds)} seeds, widest interval."
    return note


def _cell(cell: Cell | None, *, wide: bool) -> Text:
    if cell is None:
        return Text(formats.MISSING, style="dim")
    return _beside(formats.decimals(cell.score), formats.interval(cell.low, cell.high), wide=wide)


def _beside(number: str, interval: str, *, wide: bool) -> Text:
    text = Text(number, style="bold")
    if interval == formats.MISSING:
        return text
    return text.append(f"{' ' if wide else chr(10)}{interval}", style="not bold dim")


def _name_columns(table: Table, *, wide: bool) -> None:
    table.add_column("task", overflow="fold")
    if wide:
        table.add_column("metric", overflow="fold")


def _names(row: Row | Difference, *, wide: bool) -> list[Text]:
    if wide:
        return [Text(row.task), Text(row.metric, style="dim")]
    return [Text(row.task).append(f"\n{row.metric}", style="dim")]


def comparisons_table(results: Results | Summary | Sequence[Comparison]) -> RenderableType:
    """Paired differences: effect, interval, p after Holm's correction, and a plain verdict.

    Args:
        results: of a run, their summary, or the comparisons alone.

    Returns:
        A renderable; one line where nothing was compared.
    """
    given = isinstance(results, (Results, Summary))
    summary = summarise(results if given else Results(scores=(), comparisons=results))
    if not summary.differences:
        return Text("No comparisons: they need two models that were scored on the same examples.")
    note = f"{formats.share(summary.level)} intervals of the paired difference; p after Holm's correction."
    return Group(Fitted(lambda width: _comparisons(summary, wide=width >= WIDE)), _note(note))


def _comparisons(summary: Summary, *, wide: bool) -> Table:
    table = _table("Comparisons")
    _name_columns(table, wide=wide)
    table.add_column("difference", justify="right", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold", ratio=1)
    pair = None
    for d in summary.differences:
        if d.pair != pair:
            if pair is not None:
                table.add_row()
            pair = d.pair
            table.add_row(Text(d.pair, style="bold"))
        effect = _beside(formats.difference(d.effect), formats.interval(d.low, d.high, signed=True), wide=wide)
        words = Text(d.words, style=STYLES[d.verdict])
        table.add_row(*_names(d, wide=wide), effect, formats.p_value(d.p), words)
    return table


def tasks_table(results: Results | Summary | Sequence[Mapping[str, Any]]) -> RenderableType:
    """What each task learns from: signal, rows of each part, rows dropped by the leakage check, texts cut.

    Args:
        results: of a run, their summary, or the rows themselves.

    Returns:
        A renderable; one line where there are no tasks.
    """
    tasks = _rows_of(results, "tasks")
    if not tasks:
        return Text("No tasks are recorded.")
    known = {key for task in tasks for key in task}
    notes = [words for key, words in TASK_NOTES if key in known]
    table = Fitted(lambda width: _tasks(tasks, wide=width >= WIDE))
    return Group(table, *([_note("; ".join(notes) + ".")] if notes else []))


def _tasks(tasks: Sequence[Mapping[str, Any]], *, wide: bool) -> Table:
    table = _table("Tasks")
    table.add_column("task", overflow="fold")
    if wide:
        for name in ("signal", "objective", "evaluation"):
            table.add_column(name, overflow="fold")
    numbers = [name for name in NUMBERS if any(task.get(name) is not None for task in tasks)]
    for name in numbers:
        table.add_column({"truncated": "cut"}.get(name, name), justify="right", no_wrap=True)
    for task in tasks:
        words = [_word(task.get(key)).partition("(")[0] for key in ("signal", "objective", "evaluation")]
        name = Text(_word(task.get("name")))
        if not wide:
            name.append(f"\n{words[0]}, {words[1]}", style="dim")
        table.add_row(name, *(map(Text, words) if wide else ()), *(_amount(task.get(key)) for key in numbers))
    return table


def leakage_table(results: Results | Summary | Sequence[Mapping[str, Any]]) -> RenderableType:
    """Training rows that some task's dev or test also holds, by task and by who holds them out.

    Args:
        results: of a run, their summary, or the rows themselves.

    Returns:
        A renderable; one line where nothing leaked.
    """
    found = _rows_of(results, "leakage")
    if found is None:
        return Text("No leakage check is recorded.")
    rows = [row for row in found if row.get("count")]
    if not rows:
        return Text("No leakage: no training row appears in any task's dev or test part.")
    table = _table("Leakage")
    table.add_column("in train of", overflow="fold")
    table.add_column("held out by", overflow="fold")
    table.add_column("same")
    table.add_column("rows", justify="right", no_wrap=True)
    for row in rows:
        words = (Text(_word(row.get(key))) for key in ("task", "held_out_by", "kind"))
        table.add_row(*words, formats.count(row.get("count")))
    return Group(table, _note("Training rows that a dev or test part also holds."))


def strategies_table(results: Results | Summary) -> RenderableType:
    """The ways to an encoder side by side: how each stands to the one that the run gives, its price, and what to take.

    Args:
        results: of a run, or their summary.

    Returns:
        A renderable; one line where only joint training was tried.
    """
    summary = summarise(results)
    found = summary.strategies
    if found is None:
        return Text("Only joint training was tried.")
    table = _table("Strategies")
    table.add_column("model", overflow="fold")
    for name in ("tokens", "time", "\N{MULTIPLICATION SIGN} joint"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(f"against {found.chosen}", overflow="fold", ratio=1)
    for way in found.ways:
        name = Text(way.name, style="bold" if way.name == found.chosen else "")
        words = "the one that the run gives" if way.name == found.chosen else way.verdicts()
        table.add_row(name, *_price(way.price), Text(words))
    if found.search:
        table.add_row(Text("auto"), *_price(found.search), Text("measuring and all that was tried"))
    lines = [Text(f"- {line}") for line in found.evidence]
    note = _note("Verdicts are on the tasks' primary metrics; merged counts the training of the models it is made of.")
    return Group(table, note, Text(""), Text(found.sentence, style="bold"), *lines)


def _price(row: Mapping[str, Any]) -> list[str]:
    seconds, times = row.get("seconds"), row.get("times")
    return [formats.size(row.get("tokens")), formats.duration(seconds), formats.decimals(times, 2)]


def models_table(results: Results | Summary) -> RenderableType:
    """What each model cost: steps, tokens, seconds, parameters and size on disk.

    Args:
        results: of a run, or their summary.

    Returns:
        A renderable; one line where nothing is recorded.
    """
    sizes = summarise(results).sizes
    if not sizes:
        return Text("No models are recorded.")
    table = _table("Models")
    table.add_column("model", overflow="fold")
    for name in ("steps", "tokens", "time", "parameters", "MB"):
        table.add_column(name, justify="right", no_wrap=True)
    for model in sizes:
        table.add_row(
            Text(_word(model.get("name"))),
            formats.count(model.get("steps")),
            formats.size(model.get("tokens")),
            formats.duration(model.get("seconds")),
            formats.size(model.get("parameters")),
            formats.decimals(model.get("megabytes"), 1),
        )
    return table


def plan_tables(
    tasks: Sequence[Mapping[str, Any]],
    leakage: Sequence[Mapping[str, Any]],
    stages: Mapping[str, float],
    notes: Sequence[str] = (),
) -> list[RenderableType]:
    """One screen about a run that has not begun.

    Args:
        tasks: rows as in the details of results, with `steps` and `epochs` where they are known.
        leakage: rows as in the details of results.
        stages: estimated seconds by stage.
        notes: sentences that deserve a look.

    Returns:
        Renderables, top to bottom.
    """
    parts = [tasks_table(tasks), Text(""), leakage_table(leakage), Text(""), _stages(dict(stages))]
    if notes:
        parts.append(Text(""))
        parts.extend(Text(f"Note: {note}") for note in notes)
    return parts


def _stages(stages: Mapping[str, float]) -> RenderableType:
    if not stages:
        return Text("No estimate of the time.")
    table = _table("Time, about")
    table.add_column("stage", overflow="fold")
    table.add_column("time", justify="right", no_wrap=True)
    for name, seconds in stages.items():
        table.add_row(Text(name), formats.duration(seconds))
    table.add_section()
    table.add_row(Text("together", style="bold"), Text(formats.duration(sum(stages.values())), style="bold"))
    return table


def run_tables(results: Results | Summary) -> list[RenderableType]:
    """What a finished run shows: scores, comparisons and the sentence that sums them up.

    Args:
        results: of a run, or their summary.

    Returns:
        Renderables, top to bottom.
    """
    summary = summarise(results)
    parts = [scores_table(summary), Text("")]
    if summary.differences:
        parts += [comparisons_table(summary), Text("")]
    if summary.strategies is not None:
        parts += [strategies_table(summary), Text("")]
    return [*parts, Text(summary.headline, style="bold"), Text("")]


def _note(text: str) -> Text:
    return Text(text, style="dim")


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )


def _rows_of(source: Results | Summary | Sequence[Mapping[str, Any]], key: str) -> Sequence[Mapping[str, Any]] | None:
    return getattr(summarise(source), key) if isinstance(source, (Results, Summary)) else list(source)


def _word(value: object) -> str:
    if value is None:
        return formats.MISSING
    if isinstance(value, Mapping):
        return ", ".join(str(key) for key in value)
    if isinstance(value, (list, tuple)):
        return ", ".join(_word(item) for item in value)
    return str(value)


def _amount(value: object) -> str:
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.3g}"
    return formats.count(value) if isinstance(value, (int, float)) else formats.MISSING
