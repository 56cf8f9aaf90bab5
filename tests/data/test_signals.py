import re

import numpy as np
import pyarrow as pa
import pytest

from accord.core.errors import DataError, InputError
from accord.data.signals import SIGNALS, Labelled, Pairs, Ranked, Scored, Signal, Unlabelled

GOOD = {
    Pairs: {"anchor": ["a", "b"], "positive": ["c", "d"]},
    Labelled: {"text": ["a", "b"], "label": ["x", "y"]},
    Scored: {"text1": ["a", "b"], "text2": ["c", "d"], "score": [0.5, 1.0]},
    Ranked: {"query": ["a", "b"], "pos": [["c"], ["d", "e"]], "neg": [["f"], []]},
    Unlabelled: {"text": ["a", "b"]},
}


@pytest.mark.parametrize("kind", SIGNALS)
def test_rows_keep_their_order_and_further_columns(kind):
    signal = kind.of({**GOOD[kind], "more": [7, 8]})
    assert signal.ids == ["0", "1"] and len(signal) == 2
    assert signal.column("more") == [7, 8] and signal.table.schema.field("more").type == pa.int64()
    for name, values in GOOD[kind].items():
        assert signal.column(name) == values


@pytest.mark.parametrize("kind", SIGNALS)
def test_take_gives_the_same_kind(kind):
    signal = kind.of({**GOOD[kind], "id": ["p", "q"]})
    taken = signal.take(np.array([1]))
    assert type(taken) is kind and taken.ids == ["q"] and len(signal) == 2
    assert len(signal.take([])) == 0


@pytest.mark.parametrize(
    ("kind", "rows", "canonical"),
    [
        (Pairs, {"query": ["a"], "passage": ["b"]}, {"anchor": ["a"], "positive": ["b"]}),
        (Pairs, {"question": ["a"], "Answer": ["b"]}, {"anchor": ["a"], "positive": ["b"]}),
        (Pairs, {"sentence1": ["a"], "sentence2": ["b"]}, {"anchor": ["a"], "positive": ["b"]}),
        (Pairs, {"query": ["a"], "pos": ["b"], "neg": ["c"]}, {"positive": ["b"], "negative": ["c"]}),
        (Scored, {"sentence_A": ["a"], "sentence_B": ["b"], "relatedness_score": [3]}, {"score": [3.0]}),
        (Scored, {"premise": ["a"], "hypothesis": ["b"], "label": [True]}, {"text1": ["a"], "score": [1.0]}),
        (Labelled, {"sentence": ["a"], "category": ["x"]}, {"text": ["a"], "label": ["x"]}),
        (Ranked, {"query": ["a"], "positive": [["b"]], "negative": [["c"]]}, {"pos": [["b"]], "neg": [["c"]]}),
        (Ranked, {"anchor": ["a"], "pos": [["b"]]}, {"query": ["a"], "neg": [[]]}),
    ],
)
def test_usual_names(kind, rows, canonical):
    signal = kind.of(rows)
    assert {name: signal.column(name) for name in canonical} == canonical


def test_columns_name_the_parts_and_source_names_still_work():
    signal = Pairs.of(
        {"title": ["t"], "body": ["b"], "positive": ["else"]}, columns={"anchor": "title", "positive": "body"}
    )
    assert signal.table.column_names == ["id", "anchor", "positive", "source_positive"]
    assert signal.column("title") == signal.column("anchor") == ["t"]
    assert signal.column("source_positive") == ["else"]
    with pytest.raises(InputError, match=r"Did you mean `title`"):
        signal.column("tilte")


def test_one_column_can_play_two_parts():
    signal = Pairs.of({"text": ["a"]}, columns={"anchor": "text", "positive": "text"})
    assert signal.column("anchor") == signal.column("positive") == ["a"]
    assert "teach nothing" in signal.problems[0]


def test_a_dot_reaches_into_an_object():
    rows = [{"text1": {"en": "cat", "de": "Katze"}, "text2": {"en": "pet"}, "score": 4}]
    signal = Scored.of(rows, columns={"text1": "text1.de", "text2": "text2.en"})
    assert signal.column("text1") == ["Katze"] and signal.column("text2") == ["pet"]


def test_negatives_in_order_of_their_numbers():
    names = ["negative_10", "negative_2", "negative"]
    signal = Pairs.of({"anchor": ["a"], "positive": ["b"], **{n: ["x"] for n in names}})
    assert signal.negative_columns == ("negative", "negative_2", "negative_10")
    assert signal.text_columns == ("anchor", "positive", "negative", "negative_2", "negative_10")


def test_ranked_with_a_teacher_and_prompts():
    signal = Ranked.of(
        {
            "query": ["a"],
            "pos": [["b"]],
            "neg": [["c", "d"]],
            "pos_scores": [[9]],
            "neg_scores": [[1.5, 2]],
            "prompt": [None],
        }
    )
    assert signal.column("neg_scores") == [[1.5, 2.0]] and signal.column("prompt") == [""]
    assert signal.text_columns == ("query", "pos", "neg")
    assert signal.texts("neg").to_pylist() == ["c", "d"]


@pytest.mark.parametrize(
    ("values", "written"), [([3, 4], ["3", "4"]), ([1.0, 0.0], ["1", "0"]), ([True, False], ["true", "false"])]
)
def test_labels_become_strings(values, written):
    assert Labelled.of({"text": ["a", "b"], "label": values}).column("label") == written


def test_numbers_in_text_files_become_scores():
    signal = Scored.of({"text1": ["a", "b"], "text2": ["c", "d"], "score": [" 1e-1", "2"]})
    assert signal.column("score") == [0.1, 2.0]


def test_dictionary_columns_are_texts_too():
    encoded = pa.array(["a", "b", "a"]).dictionary_encode()
    assert Labelled.of(pa.table({"text": encoded, "label": encoded})).column("label") == ["a", "b", "a"]


BAD = [
    (Pairs, {"anchor": ["a", None], "positive": ["b", "c"]}, "row 2: `anchor` is missing"),
    (Pairs, {"anchor": ["a", "b"], "positive": ["b", " \t"]}, "row 2: `positive` is an empty text"),
    (Pairs, {"anchor": [1, 2], "positive": ["b", "c"]}, "row 1: `anchor` must hold texts. It holds int64"),
    (Pairs, {"anchor": ["a"], "positive": ["b"], "negative_1": [""]}, "`negative_1` is an empty text"),
    (Pairs, {"anchor": ["a"], "positive": [["b"]]}, "`positive` must hold texts"),
    (Pairs, {"anchor": ["a"]}, "no column for `positive` of Pairs. It has: anchor"),
    (Pairs, {"query": ["a"], "question": ["a"], "answer": ["b"]}, "several columns could be `anchor`"),
    (Pairs, {"anchor": [], "positive": []}, "no rows"),
    (Labelled, {"text": ["a", "b"], "label": ["x", None]}, "row 2: `label` is missing"),
    (Labelled, {"text": ["a", "b"], "label": [1.0, float("nan")]}, "row 2: `label` is NaN"),
    (Labelled, {"text": ["a", "b"], "label": [1.0, 0.5]}, "row 2: .* are scores: use the signal Scored"),
    (Scored, {"text1": ["a"], "text2": ["b"], "score": [float("nan")]}, "row 1: `score` is NaN"),
    (Scored, {"text1": ["a"], "text2": ["b"], "score": [float("inf")]}, "`score` must be a finite number"),
    (
        Scored,
        {"text1": ["a"] * 3, "text2": ["b"] * 3, "score": ["1", "2", "x"]},
        "row 3: `score` must be a number. Got 'x'",
    ),
    (Scored, {"text1": ["a"], "text2": ["b"], "score": ["nan"]}, "finite"),
    (Ranked, {"query": ["a", "b"], "pos": [["b"], []], "neg": [["c"], ["c"]]}, r"row 2: `pos` must hold at least 1"),
    (Ranked, {"query": ["a", "b"], "pos": [["b"], ["b", ""]], "neg": [[], []]}, "row 2: `pos` holds an empty text"),
    (Ranked, {"query": ["a"], "pos": [["b"]], "neg": [["c", None]]}, "row 1: `neg` holds a missing text"),
    (Ranked, {"query": ["a"], "pos": ["b"], "neg": [["c"]]}, "One text a row is the signal Pairs"),
    (Ranked, {"query": ["a"], "pos": [["b"]], "pos_scores": [[1, 2]]}, "one number a text. Got 2 for 1"),
    (Ranked, {"query": ["a"], "pos": [["b"]], "pos_scores": [[None]]}, "finite numbers"),
    (Unlabelled, {"text": ["a"] * 3, "id": ["x", "y", "x"]}, "row 3: the `id` 'x' was used before, in row 1"),
    (Unlabelled, {"text": ["a", "b"], "id": ["x", None]}, "row 2: `id` is missing"),
    (Unlabelled, {"text": ["a", 3]}, "do not make a table"),
]


@pytest.mark.parametrize(("kind", "rows", "match"), BAD)
def test_bad_rows_are_named(kind, rows, match):
    with pytest.raises(DataError, match=match):
        kind.of(rows)


def test_ids_are_strings_and_can_be_numbered_anew():
    assert Unlabelled.of({"text": ["a"], "id": [17]}).ids == ["17"]
    signal = Unlabelled.of({"text": ["a", "b"], "id": [5, 5]}, columns={"id": None})
    assert signal.ids == ["0", "1"] and signal.column("source_id") == [5, 5]
    assert Unlabelled.of({"text": ["a"], "key": ["k"]}, columns={"id": "key"}).ids == ["k"]


def test_columns_refuse_what_is_not_there():
    with pytest.raises(InputError, match=r"no part `anchr`. Did you mean `anchor`"):
        Pairs.of({"q": ["a"]}, columns={"anchr": "q"})
    with pytest.raises(DataError, match=r"no column `titel`. Did you mean `title`"):
        Pairs.of({"title": ["a"], "body": ["b"]}, columns={"anchor": "titel"})
    with pytest.raises(InputError, match=r"must name a column"):
        Pairs.of({"title": ["a"]}, columns={"anchor": None})


def test_fingerprint_follows_content_kind_and_corpus():
    rows = {"anchor": ["a", "b"], "positive": ["c", "d"]}
    pairs = Pairs.of(rows)
    assert pairs.fingerprint() == Pairs.of(rows).fingerprint() == pairs.take([0, 1]).fingerprint()
    corpus = Unlabelled.of({"text": ["z"]}).table
    others = [
        pairs.take([1, 0]),
        Pairs.of({"anchor": ["a", "b"], "positive": ["c", "e"]}),
        Pairs.of({"anchor": ["ab", "b"], "positive": ["c", "d"]}),
        Scored.of({"text1": ["a", "b"], "text2": ["c", "d"], "score": [0, 1]}),
        pairs.with_corpus(corpus),
    ]
    assert len({pairs.fingerprint(), *(o.fingerprint() for o in others)}) == 6


def test_describe():
    found = Labelled.of({"text": ["aa", "aa", "bbbb"], "label": ["y", "x", "y"]}).describe()
    assert found == {
        "signal": "Labelled",
        "rows": 3,
        "unique_texts": {"text": 2},
        "mean_characters": {"text": 2.7},
        "labels": {"x": 1, "y": 2},
    }
    assert Pairs.of(GOOD[Pairs]).take([]).describe()["mean_characters"] == {"anchor": 0.0, "positive": 0.0}


@pytest.mark.parametrize(
    ("signal", "match"),
    [
        (Pairs.of({"anchor": ["a", "a"], "positive": ["b", "b"]}), "1 row.s. repeat an earlier pair"),
        (Labelled.of({"text": ["a", "a", "b"], "label": ["x", "y", "x"]}), "under another label"),
        (Labelled.of({"text": ["a", "b", "c"], "label": ["x", "y", "x"]}), "1 label.s. have a single row"),
        (Scored.of({"text1": ["a", "b"], "text2": ["c", "d"], "score": [1, 1]}), "All scores are equal"),
        (Ranked.of(GOOD[Ranked]), "1 row.s. have no negative"),
    ],
)
def test_problems_are_told(signal, match):
    assert any(re.search(match, note) for note in signal.problems)


def test_a_good_signal_has_no_problems():
    assert Pairs.of(GOOD[Pairs]).problems == () and Scored.of(GOOD[Scored]).problems == ()


def test_the_corpus_is_checked_and_kept():
    pairs = Pairs.of(GOOD[Pairs])
    with pytest.raises(DataError, match=r"empty text"):
        pairs.with_corpus(pa.table({"id": ["d"], "text": [""]}))
    whole = pairs.with_corpus(pa.table({"id": ["d"], "text": ["doc"]}))
    assert pairs.corpus is None and whole.take([0]).corpus.column("text").to_pylist() == ["doc"]


def test_the_base_class_has_no_parts():
    assert Signal.roles == () and all(kind.roles for kind in SIGNALS)
