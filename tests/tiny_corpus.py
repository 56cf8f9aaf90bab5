"""Forty-eight documents that are made of two words each, as a file of JSON lines."""

import json

WORDS = ("read", "write", "open", "close", "list", "file", "row", "name", "code", "text", "send", "load")
ROWS = [{"id": f"{a}-{b}", "title": a, "text": f"{b} the {a}", "length": len(a + b)} for a in WORDS for b in WORDS[:4]]


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
