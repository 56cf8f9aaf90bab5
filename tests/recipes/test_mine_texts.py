import numpy as np
import pytest

import accord
from accord.core.errors import InputError
from accord.data.signals import Labelled, Pairs, Ranked, Unlabelled
from accord.recipes.mine_texts import drop_near_duplicates, mine_paraphrases

TEXTS = ["at 0", "At  0", "at 5", "at 50", "at 90", "at 54", "at 50"]


class Angles:
    """Texts end in the angle of their direction."""

    def encode_query(self, texts, *, prompt_name=None, progress=None):
        angles = np.deg2rad([float(text.split()[-1]) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    encode_document = encode = encode_query


def test_paraphrases_are_the_nearest_pairs_of_distinct_texts(tmp_path):
    out = tmp_path / "pairs.jsonl"
    found = mine_paraphrases(Angles(), Unlabelled.of({"text": TEXTS}), out=out, neighbours=1)
    rows = list(zip(*(found.signal.column(name) for name in ("text1", "text2"))))
    assert rows == [("at 50", "at 54"), ("at 0", "at 5"), ("at 90", "at 54")]
    cosines = np.cos(np.deg2rad([4, 5, 36]))
    np.testing.assert_allclose(found.signal.column("score"), cosines, atol=2e-6)
    assert (found.report["texts"], found.report["distinct"], found.report["pairs"]) == (7, 5, 3)
    again = accord.read(out)
    assert type(again) is type(found.signal)
    assert again.table.to_pylist() == found.signal.table.to_pylist()


def test_bounds_on_pairs():
    texts = Unlabelled.of({"text": TEXTS})
    assert len(mine_paraphrases(Angles(), texts, min_score=0.99).signal) == 2
    assert len(mine_paraphrases(Angles(), texts, pairs=1).signal) == 1
    with pytest.raises(InputError, match=r"scores 1\.0 or more"):
        mine_paraphrases(Angles(), texts, min_score=1.0)
    with pytest.raises(InputError, match=r"distinct text\(s\)"):
        mine_paraphrases(Angles(), Unlabelled.of({"text": ["at 0", "AT 0"]}))


def test_near_duplicates_go_and_the_rows_that_stay_keep_their_columns(tmp_path):
    out = tmp_path / "rows.jsonl"
    rows = Labelled.of({"text": TEXTS, "label": list("aabbcca"), "team": list("stuvwxy")})
    found = drop_near_duplicates(Angles(), rows, threshold=0.99, out=out)
    assert found.signal.column("text") == ["at 0", "at 50", "at 90"]
    assert found.signal.column("team") == ["s", "v", "w"]
    assert found.report["equal_texts"] == 1
    assert found.report["near_duplicates"] == 3
    assert found.report["examples"][0]["repeats"] == "at 0"
    assert accord.read(out).table.to_pylist() == found.signal.table.to_pylist()


def test_a_column_of_either_name_can_be_chosen():
    pairs = Pairs.of({"question": ["at 0", "at 1"], "answer": ["at 10", "at 80"]})
    assert len(drop_near_duplicates(Angles(), pairs, threshold=0.9).signal) == 1
    assert len(drop_near_duplicates(Angles(), pairs, threshold=0.9, column="answer").signal) == 2
    assert mine_paraphrases(Angles(), pairs, column="answer").signal.column("text1") == ["at 10"]
    with pytest.raises(InputError, match="Did you mean `answer`"):
        mine_paraphrases(Angles(), pairs, column="answers")
    ranked = Ranked.of({"query": ["at 0"], "pos": [["at 1"]]})
    with pytest.raises(InputError, match="lists of texts"):
        drop_near_duplicates(Angles(), ranked, threshold=0.9, column="pos")
