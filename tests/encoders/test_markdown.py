"""Text that means itself in Markdown."""

import pytest

from accord.encoders.markdown import code, escape, fenced, table

SPECIMENS = ("plain", "a|b", "*bold* _it_", "<script>", "[x](y)", "`tick`", "&amp;", "~~no~~", "$x$", "back\\slash")


@pytest.mark.parametrize("text", SPECIMENS)
def test_escaped_text_reads_as_itself(text):
    """A renderer takes away one backslash before each mark of punctuation, and nothing else is left to act."""
    shown = escape(text)
    unescaped, rest = "", iter(shown)
    for character in rest:
        unescaped += next(rest) if character == "\\" else character
    assert unescaped == text


def test_lines_become_one():
    assert escape("a\n  b\tc") == "a b c"


@pytest.mark.parametrize("text", ["x", "`", "``a`", "a`b``c", " ", "query: "])
def test_a_code_span_is_longer_than_any_run_inside(text):
    span = code(text)
    marks = len(span) - len(span.lstrip("`"))
    assert "`" * marks not in text
    assert span.strip("`").strip(" ") == text.strip("`").strip(" ") or text in span


def test_a_fence_is_longer_than_any_run_inside():
    assert fenced("```\ncode\n```", "yaml").startswith("````yaml\n")


def test_bars_do_not_end_a_cell():
    assert table(("a",), [("`x|y`",), (escape("x|y"),)]).splitlines()[2:] == ["| `x\\|y` |", "| x\\|y |"]
