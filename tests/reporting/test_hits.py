import io

from rich.console import Console

from accord.reporting import hits_panel


def show(renderable):
    console = Console(width=80, color_system=None, file=io.StringIO())
    console.print(renderable)
    return console.file.getvalue()


def test_an_answer_shows_rank_score_id_and_text():
    lines = show(hits_panel(1, 0.71239, "csv.reader", "def reader(f):\n    return [bold]x[/bold]\n")).splitlines()
    assert lines[0].split() == ["1", "0.712", "csv.reader"]
    assert [line.rstrip() for line in lines[1:3]] == ["    def reader(f):", "        return [bold]x[/bold]"]


def test_long_texts_are_cut_and_say_so():
    text = show(hits_panel(10, 0.5, "id", "\n".join(f"line {i}" for i in range(40))))
    assert "line 11" in text and "line 12" not in text
    assert "28 more lines" in text


def test_an_explained_answer_says_where_it_came_from():
    lines = show(hits_panel(1, 0.0325, "id", "text", {"dense": (2, 0.71239), "lexical": (11, 7.5)})).splitlines()
    assert lines[1].strip() == "dense: 2nd, 0.712 · lexical: 11th, 7.500"
    assert lines[2].strip() == "text"
