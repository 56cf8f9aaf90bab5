"""A family of tiny encoders, to read and to damage."""

import shutil

import pytest
from tiny_families import save_family
from tiny_models import tiny_encoder


@pytest.fixture(scope="session")
def shared_family(tmp_path_factory):
    """Three experts and their base: read only."""
    return save_family(tmp_path_factory.mktemp("family"), lambda: tiny_encoder(layers=2, hidden=16))


@pytest.fixture
def family(shared_family, tmp_path):
    """A copy that a test may damage."""
    for path in shared_family:
        shutil.copytree(path, tmp_path / path.name)
    return [tmp_path / path.name for path in shared_family]
