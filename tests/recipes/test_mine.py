"""Mining from file to file, with encoders whose scores are known."""

import json

import numpy as np
import pytest

import accord
from accord.core.errors import InputError
from accord.data.mining import NegativeRules
from accord.data.signals import Labelled, Pairs, Ranked, Scored, Unlabelled
from accord.encoders.cache import VectorCache
from accord.recipes.mine import mine

ANGLES = {"q0": 0, "p0": 10, "d20": 20, "d30": 30, "d40": 40, "d100": 100, "q9": 90, "p9": 95}


class Angles:
    """Texts as directions in the plane, so that every cosine is known."""

    similarity_name = "cosine"

    def __init__(self, angles=ANGLES):
        self.angles, self.encoded = angles, []

    def _encode(self, texts, *, prompt_name=None, progress=None):
        self.encoded += texts
        angles = np.deg2rad([self.angles[text.strip().lower()] for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    encode_query = encode_document = encode = _encode


class Judge:
    """A cross-encoder that thinks highly of one document."""

    def __init__(self, favourite):
        self.favourite, self.pairs = favourite, []

    def score(self, left, right, *, progress=None):
        self.pairs += zip(left, right)
        return np.array([2.0 if t == self.favourite else 1.0 if t.startswith("p") else 0.0 for t in right])


PAIRS = {"anchor": ["q0", "q9"], "positive": ["p0", "p9"], "team": ["sales", "help"]}
CORPUS = Unlabelled.of({"text": ["d20", "d30", "d40", "d100", " Q0", "P0"]})


def cosine(a, b):
    return np.cos(np.deg2rad(ANGLES[a] - ANGLES[b]))


def test_negatives_are_the_nearest_that_are_not_known_with_their_scores():
    found = mine(Angles(), Pairs.of(PAIRS), corpus=CORPUS, rules=NegativeRules(negatives=2, ranks=(0, 4)))
    assert isinstance(found.signal, Ranked)
    assert found.signal.column("neg") == [["d20", "d30"], ["d100", "d40"]]  # neither p0, P0 nor " Q0" for q0
    assert found.signal.column("pos_scores") == [[pytest.approx(cosine("q0", "p0"), abs=1e-6)],
                                                 [pytest.approx(cosine("q9", "p9"), abs=1e-6)]]  # fmt: skip
    assert found.signal.column("neg_scores")[0] == pytest.approx([cosine("q0", "d20"), cosine("q0", "d30")], abs=1e-6)
    assert found.signal.column("team") == ["sales", "help"]
    assert found.report["queries_full"] == 2
    assert found.report["negatives"] == found.report["wanted"] == 4


def test_ranks_count_from_the_first_document_that_is_not_known():
    rules = NegativeRules(negatives=1, ranks=(1, 3))
    found = mine(Angles(), Pairs.of(PAIRS), corpus=CORPUS, rules=rules)
    assert found.signal.column("neg") == [["d30"], ["d40"]]
    assert found.report["candidates"] == {
        "candidates": 6, "rank": 2, "margin": 0, "relative_margin": 0, "max_score": 0, "min_score": 0, "spare": 2,
        "taken": 2,
    }  # fmt: skip


def test_what_is_not_found_is_counted_and_the_query_kept():
    rules = NegativeRules(negatives=2, ranks=(0, 4), margin=0.2)
    found = mine(Angles(), Pairs.of(PAIRS), corpus=CORPUS, rules=rules)
    assert found.signal.column("neg") == [["d40", "p9"], ["d40", "d30"]]
    strict = mine(
        Angles(), Pairs.of(PAIRS), corpus=CORPUS, rules=NegativeRules(negatives=2, ranks=(0, 4), max_score=-0.05)
    )
    assert strict.signal.column("neg") == [["p9"], []]
    assert (strict.report["queries_short"], strict.report["queries_without"]) == (1, 1)
    assert strict.report["candidates"]["max_score"] > 0


@pytest.mark.parametrize("rules", [{}, {"margin": 0.0}, {"sampling": "random"}])
def test_a_cross_encoder_may_refuse_with_or_without_a_margin(rules):
    judge = Judge("d20")
    found = mine(
        Angles(), Pairs.of(PAIRS), corpus=CORPUS, guide=judge, rules=NegativeRules(negatives=3, ranks=(0, 6), **rules)
    )
    assert "d20" not in found.signal.column("neg")[0]
    assert found.report["candidates"]["guide"] > 0
    assert found.signal.column("pos_scores") == [[1.0], [1.0]]  # the guide's
    assert found.signal.column("model_pos_scores")[0] == [pytest.approx(cosine("q0", "p0"), abs=1e-6)]
    assert set(found.report["scores"]) == {"guide", "model"}
    assert len(judge.pairs) == len(set(judge.pairs))


def test_another_encoder_guides_by_its_own_vectors():
    guide = Angles(ANGLES | {"d20": 1})  # to the guide, d20 lies nearer to q0 than p0
    found = mine(Angles(), Pairs.of(PAIRS), corpus=CORPUS, guide=guide, rules=NegativeRules(negatives=1, ranks=(0, 4)))
    assert found.signal.column("neg") == [["d30"], ["d100"]]


def test_a_cross_encoder_with_several_labels_is_refused():
    class Classes:
        def score(self, left, right, *, progress=None):
            return np.zeros((len(left), 3))

    with pytest.raises(InputError, match="gives 3"):
        mine(Angles(), Pairs.of(PAIRS), corpus=CORPUS, guide=Classes(), rules=NegativeRules(negatives=1, ranks=(0, 4)))


def test_classes_give_negatives_of_other_classes():
    rows = Labelled.of({"text": ["q0", "p0", "d20", "d30", "d100"], "label": ["a", "a", "b", "b", "lone"]})
    found = mine(Angles(), rows, layout="triplets", rules=NegativeRules(negatives=1, ranks=(0, 3)))
    rows = list(zip(*(found.signal.column(n) for n in ("anchor", "positive", "negative"))))
    assert rows == [("q0", "p0", "d20"), ("p0", "q0", "d20"), ("d20", "d30", "p0"), ("d30", "d20", "p0")]
    assert found.report["rows_without_positive"] == 1
    assert found.report["known_inside"] is None


@pytest.mark.parametrize(
    ("layout", "kind"), [("ranked", Ranked), ("triplets", Pairs), ("pairs", Pairs), ("scored", Scored)]
)
def test_what_is_written_reads_back_as_what_was_returned(layout, kind, tmp_path):
    out = tmp_path / "mined.jsonl"
    rules = NegativeRules(negatives=2, ranks=(0, 4))
    found = mine(Angles(), Pairs.of(PAIRS), corpus=CORPUS, rules=rules, layout=layout, out=out)
    again = accord.read(out)
    assert type(again) is type(found.signal) is kind
    assert again.table.to_pylist() == found.signal.table.to_pylist()
    assert found.report["rows"] == len(again)
    assert found.report["path"] == str(out)


def test_mined_lists_can_be_mined_again(tmp_path):
    rules = NegativeRules(negatives=2, ranks=(0, 4))
    first = mine(Angles(), Pairs.of(PAIRS), corpus=CORPUS, rules=rules, out=tmp_path / "a.jsonl")
    second = mine(Angles(), tmp_path / "a.jsonl", corpus=CORPUS, rules=rules)
    assert second.signal.column("neg") == first.signal.column("neg")


def test_equal_texts_are_encoded_once():
    model = Angles()
    pairs = Pairs.of({"anchor": ["q0", "q0"], "positive": ["p0", "d20"]})
    mine(model, pairs, corpus=CORPUS, rules=NegativeRules(negatives=1, ranks=(0, 2)))
    assert len(model.encoded) == len(set(model.encoded))


def test_a_cache_serves_the_second_time_and_two_models(tmp_path, tiny_folder):
    rows = [{"query": f"read the {w}", "answer": f"{w} is open"} for w in ("file", "row", "list", "name", "code")]
    (tmp_path / "faq.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    rules, reports = NegativeRules(negatives=1, ranks=(0, 3)), []
    for _ in range(2):
        found = mine(str(tiny_folder), tmp_path / "faq.jsonl", rules=rules, cache=tmp_path / "cache")
        reports.append((found.report["cache"], found.signal.column("neg")))
    assert reports[0][0] == {"encoded": 10, "reused": 0}
    assert reports[1][0] == {"encoded": 0, "reused": 10}
    assert reports[0][1] == reports[1][1]
    plain = mine(accord.load(tiny_folder), tmp_path / "faq.jsonl", rules=rules)
    assert plain.signal.column("neg") == reports[0][1]
    assert plain.report["cache"] is None
    held = VectorCache(tmp_path / "cache")
    mine(str(tiny_folder), tmp_path / "faq.jsonl", rules=rules, guide=str(tiny_folder), cache=held)
    assert held.encoded == 0


def test_no_negative_at_all_is_an_error_that_says_why_and_writes_nothing(tmp_path):
    rules = NegativeRules(negatives=1, ranks=(0, 4), max_score=-0.9)
    with pytest.raises(InputError, match=r"no negative was found.* by max_score"):
        mine(Angles(), Pairs.of(PAIRS), corpus=CORPUS, rules=rules, out=tmp_path / "mined.jsonl")
    with pytest.raises(InputError, match="ending of the output"):
        mine(Angles(), Pairs.of(PAIRS), out=tmp_path / "mined.txt")
    with pytest.raises(InputError, match="`layout` must be one of"):
        mine(Angles(), Pairs.of(PAIRS), layout="lists")
    assert not list(tmp_path.iterdir())


def test_an_encoder_that_breaks_is_named_with_the_text():
    class Broken(Angles):
        def encode_query(self, texts, *, prompt_name=None, progress=None):
            return np.full((len(texts), 2), np.nan, dtype=np.float32)

    with pytest.raises(InputError, match="NaN or infinity for 'q0'"):
        mine(Broken(), Pairs.of(PAIRS))
