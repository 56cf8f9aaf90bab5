"""A model whose prompts move its vectors."""

import pytest
from tiny_models import tiny_encoder

TEXTS = ["read a file", "the row of the list", "two\nthree"]

collect_ignore = ["stand_ins"]  # they would be taken for the host itself


@pytest.fixture
def texts():
    return list(TEXTS)


@pytest.fixture
def model():
    """Prompts for roles."""
    return tiny_encoder(prompts={"query": "query: ", "document": "the document: "})


@pytest.fixture
def by_task():
    """Prompts for two tasks, as `accord fit` saves them."""
    return tiny_encoder(prompts={"faq-query": "query one: ", "faq-document": "text: ", "topic-query": "name: "})
