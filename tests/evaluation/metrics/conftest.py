import pytest

from accord.evaluation.judged import judge


@pytest.fixture
def judged():
    """Ranking b a c; d is relevant and not found; grades b 2, c 1, d 3. A second query finds nothing."""
    return judge(
        {"one": {"b": 2, "c": 1, "d": 3, "a": 0}, "two": {"x": 1}}, {"one": {"b": -0.1, "a": -0.2, "c": -0.3}}, depth=5
    )
