"""A tiny encoder for the tests of this room."""

import pytest
from tiny_models import tiny_encoder, tiny_encoder_folder

TEXTS = (
    *("read a file", "write the code", "", "read a file", "the row of the list", "a", "open and close 17 files!"),
    *("Straße", "日本語 and русский", "  spaces\tand\nlines ", "query: the name of the text", "two " * 40, "xyz" * 60),
    *("sort the rows of a list and return one of them", "load, parse; join", "🙂 six seven", "READ A FILE"),
)


@pytest.fixture(scope="session")
def texts():
    return list(TEXTS)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def tiny():
    return tiny_encoder()
