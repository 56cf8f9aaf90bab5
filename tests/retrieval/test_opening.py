"""A store that is made when it is opened, by the model that then answers."""

from __future__ import annotations

import pytest
from tiny_models import tiny_encoder_folder

import accord
import accord.retrieval
from accord.core.errors import InputError, ModelError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("model") / "m")


def test_texts_go_in_and_answers_come_out(tmp_path, folder):
    with accord.open(tmp_path / "s", model=folder, create=True) as store:
        with store.write() as writer:
            writer.add([{"id": "a", "text": "read the file"}, {"id": "b", "title": "row", "text": "send the row"}])
        assert store.search("read the file", 1)[0].id == "a"
    with accord.open(tmp_path / "s") as again:  # the record says where the model lies
        assert again.search("row send the row", 1)[0].id == "b"
        with again.write() as writer:
            writer.update([{"id": "a", "text": "close the list"}])
        assert again.search("close the list", 1)[0].id == "a"
    with accord.open(tmp_path / "s", model=folder, create=True) as kept:
        assert len(kept) == 2


def test_an_encoder_in_place_of_a_folder(tmp_path, folder):
    model = accord.load(str(folder))
    with accord.retrieval.open(tmp_path / "s", model=model, create=True) as store, store.write() as writer:
        writer.add([{"id": "a", "text": "read the file"}])
    with accord.retrieval.open(tmp_path / "s") as store:
        with pytest.raises(InputError, match="does not say which model"):
            store.search("read the file")
        with pytest.raises(InputError, match="does not say which model"), store.write() as writer:
            writer.add([{"text": "t"}])
    other = str(tiny_encoder_folder(tmp_path / "other", layers=1))
    with accord.retrieval.open(tmp_path / "s", model=other) as store, pytest.raises(ModelError, match="fingerprint"):
        store.search("read the file")


def test_what_cannot_be_made(tmp_path):
    with pytest.raises(InputError, match="is not a store"):
        accord.open(tmp_path / "s")
    with pytest.raises(InputError, match="a new one needs a `model`"):
        accord.open(tmp_path / "s", create=True)
    assert not (tmp_path / "s").exists()
