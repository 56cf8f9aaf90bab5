"""What commands print is what was meant: brackets are no markup."""

from rich.table import Table

from accord.cli.output import show


def test_brackets_and_colons_are_printed_as_they_are(capsys):
    table = Table("[heading]")
    table.add_row("[task:faq] a text [/b]")
    show(table, "[task:faq] :smile:")
    text = capsys.readouterr().out
    assert "[heading]" in text and "[task:faq] a text [/b]" in text and "[task:faq] :smile:" in text
