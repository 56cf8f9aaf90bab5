"""The part of a card that says what a model was merged from."""

from accord.encoders.card_merge import merged_from

RECORD = {
    "method": "task_arithmetic",
    "seed": 3,
    "models": [{"name": "a|b", "files": {"model.safetensors": "0123456789abcdef0123"}}, {"name": "c", "files": {}}],
    "base": {"name": "base", "files": {"model.safetensors": "fedcba9876543210aaaa"}},
    "parameters": [
        {"parameter": "weight", "value": [0.5, 1.0], "given": True},
        {"parameter": "lambda", "value": 1.0, "given": False},
    ],
    "measures": {"lengths": [4.0, 5.0], "merged_length": 3.0, "shrinkage": 0.6667},
}


def test_models_numbers_and_lengths_are_told():
    text = merged_from(RECORD)
    assert text.startswith("## Merged from")
    for words in ("`task_arithmetic`", "seed 3", "`0123456789abcdef`", "0.5, 1.0", "default", "0.67 times", "base"):
        assert words in text
    rows = [line for line in text.splitlines() if line.startswith("| model")]
    assert len(rows) == 2
    assert rows[0].rstrip(" |").endswith("4")


def test_nothing_is_said_of_other_models():
    assert merged_from(None) == ""
    assert merged_from({"something": "else"}) == ""
    assert "length" not in merged_from(RECORD | {"measures": None}).partition("SHA-256")[0]
