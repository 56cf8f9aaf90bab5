"""An encoder as a view: its vectors, in no role where it has one for that."""

import numpy as np

from accord.alignment.views import Encoded


def test_it_gives_the_encoders_vectors(gist):
    view = Encoded(gist).fit(["a"], np.ones((1, 1), dtype=bool), [""])
    np.testing.assert_array_equal(view.transform(["aafo1 x", ""], ["q", "r"]), gist.encode_query(["aafo1 x", ""]))
    assert not view.learns


def test_it_prefers_encode_and_passes_the_prompt():
    told = []

    class Both:
        def encode_query(self, texts, *, prompt_name=None, progress=None):
            raise AssertionError

        def encode(self, texts, *, prompt_name=None):
            told.append(prompt_name)
            return np.zeros((len(texts), 2))

    Encoded(Both(), prompt_name="topic").transform(["a"], [""])
    assert told == ["topic"]
