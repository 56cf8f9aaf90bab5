"""Which prompt a host's queries and documents get."""

import numpy as np
import pytest
from tiny_models import tiny_encoder

from accord.core.errors import InputError
from accord.integrations.hosts import host_class
from accord.integrations.roles import Roles


def test_roles_take_their_own_prompts(model, texts):
    roles = Roles(model)
    assert np.array_equal(roles.queries(texts), model.encode_query(texts))
    assert np.array_equal(roles.documents(texts), model.encode_document(texts))
    assert np.abs(roles.queries(texts) - model.encode(texts)).max() > 0.05


def test_a_task_names_its_prompts(by_task, texts):
    roles = Roles(by_task, task="faq")
    assert np.array_equal(roles.queries(texts), by_task.encode(texts, prompt_name="faq-query"))
    assert np.array_equal(roles.documents(texts), by_task.encode(texts, prompt_name="faq-document"))
    assert np.array_equal(Roles(by_task, task="topic").documents(texts), by_task.encode(texts))


def test_prompts_by_task_are_never_skipped_in_silence(by_task):
    with pytest.raises(InputError, match="Say which by `task`: faq, topic"):
        Roles(by_task)
    with pytest.raises(InputError, match="Did you mean `topic`"):
        Roles(by_task, task="topics")


def test_a_model_without_prompts_needs_none(texts):
    plain = tiny_encoder()
    assert np.array_equal(Roles(plain).queries(texts), plain.encode(texts))


def test_a_default_prompt_is_not_a_query_prompt(texts):
    model = tiny_encoder(prompts={"query": "query: ", "text": "text: "}, default_prompt_name="text")
    assert np.array_equal(Roles(model).queries(texts), model.encode_query(texts))
    assert np.array_equal(Roles(model).documents(texts), model.encode_document(texts))


def test_models_by_path(model, texts, tmp_path):
    model.save(tmp_path / "m")
    roles = Roles(str(tmp_path / "m"), device="cpu")
    assert np.array_equal(roles.queries(texts), model.encode_query(texts))


def test_a_missing_host_gives_a_plain_base():
    assert host_class("no_such_project.base", "Base") is object
    assert host_class("collections.abc", "Sized").__name__ == "Sized"
