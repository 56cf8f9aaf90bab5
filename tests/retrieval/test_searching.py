"""Ways to search a store: by words, by meaning, by both, explained."""

from dataclasses import replace

import numpy as np
import pytest

from accord.core.errors import InputError
from accord.retrieval import Hybrid, Lexical, Store
from accord.retrieval.fusion import MajorityVote, ReciprocalRank, WeightedSum, fuse_hits
from accord.retrieval.lexical import BM25, RM3, Analyser

TEXTS = {
    "bank": "The bank lends money and pays interest.",
    "loan": "A loan is money that a bank lends.",
    "river": "The river flows along its bank to the sea.",
    "tide": "Running water, cafés and tides.",
}
ANGLES = {"bank": 0.0, "loan": 0.4, "river": 1.2, "tide": 2.0}


def vector(angle):
    return [np.cos(angle), np.sin(angle)]


class Angles:
    """Reads the angle out of a query such as `money 0.3`."""

    fingerprint = "f0"

    def encode_query(self, texts, **_):
        return np.array([vector(float(text.split()[-1])) for text in texts], dtype=np.float32)

    encode_document = encode_query


@pytest.fixture
def store(tmp_path):
    Store.create(tmp_path / "store", model={"dim": 2, "fingerprint": "f0"}).close()
    with Store(tmp_path / "store", model=Angles()) as store:
        with store.write() as writer:
            records = [{"id": name, "text": text, "title": name.title()} for name, text in TEXTS.items()]
            writer.add(records, [vector(angle) for angle in ANGLES.values()])
        yield store


def ids(hits):
    return [hit.id for hit in hits]


def test_words_find_what_holds_them(store):
    hits = store.search("money lends", mode="lexical")
    assert set(ids(hits)) == {"bank", "loan"}
    assert [hit.rank for hit in hits] == [1, 2] and hits[0].score > hits[1].score > 0
    assert store.search("zebra", mode="lexical") == []
    assert ids(store.search("river", k=1, mode=Lexical(BM25(title=5.0)))) == ["river"]


def test_what_a_query_language_would_read_is_plain_words(store):
    for trick in ('"money" NOT bank', "title:money", "money*", "NEAR(money bank)", "money'; DROP TABLE documents; --"):
        assert "loan" in ids(store.search(trick, mode="lexical"))
    assert len(store) == 4 and store.get("bank") is not None


def test_changes_are_found_at_once_and_what_is_deleted_is_not(store):
    with store.write() as writer:
        writer.delete(["loan"])
        writer.update([{"id": "bank", "title": "Zebra"}])
        writer.add([{"id": "new", "text": "money money"}], [vector(3.0)])
    assert ids(store.search("zebra", mode="lexical")) == ["bank"]
    assert ids(store.search("money", mode="lexical")) == ["new", "bank"]
    assert store.search("loan", mode="lexical") == []


def test_hybrid_is_the_fusion_of_both(store):
    query = "money river 1.1"
    dense, lexical = store.search(query), store.search(query, mode="lexical")
    found = ids(lexical)
    lexical += [replace(hit, score=0.0) for hit in dense if hit.id not in found]
    for method in (ReciprocalRank(), WeightedSum([0.7, 0.3]), MajorityVote(depth=1)):
        hits = store.search(query, mode=Hybrid(method))
        wanted = {hit.id: hit.score for hit in fuse_hits([dense, lexical], method)}
        assert {hit.id: hit.score for hit in hits} == pytest.approx(wanted)
        assert ids(hits) == sorted(wanted, key=lambda name: (round(wanted[name], 12), name), reverse=True)
    assert ids(store.search(query, mode="hybrid")) == ids(store.search(query, mode=Hybrid(ReciprocalRank())))
    assert len(store.search(query, k=1, mode="hybrid")) == 1


def test_both_sides_score_every_candidate(store):
    query = "loan 2.0"  # one candidate each: the loan by its word, the tide by its vector
    hits = store.search(query, k=1, mode=Hybrid(WeightedSum([0.0, 1.0]), candidates=1), explain=True)
    assert ids(hits) == ["loan"] and set(hits[0].sources) == {"lexical"}
    hits = store.search(query, k=1, mode=Hybrid(WeightedSum([1.0, 0.0]), candidates=1))
    assert ids(hits) == ["tide"]


def test_a_filter_holds_for_every_way(store):
    for mode in ("dense", "lexical", "hybrid", Lexical(expand=RM3())):
        assert set(ids(store.search("money bank 0.1", mode=mode, where="id in ('loan', 'river')"))) <= {"loan", "river"}
    assert ids(store.search("river 0.0", k=1, mode="lexical", where="id != 'river'")) == []


def test_hits_say_where_they_came_from(store):
    query = "money 1.1"
    dense = {hit.id: (hit.rank, hit.score) for hit in store.search(query)}
    lexical = {hit.id: (hit.rank, hit.score) for hit in store.search(query, mode="lexical")}
    for hit in store.search(query, mode="hybrid", explain=True):
        sides = {"dense": dense, "lexical": lexical}
        assert hit.sources == {name: side[hit.id] for name, side in sides.items() if hit.id in side}
    (first, *_) = store.search(query, mode="lexical", explain=True)
    assert first.sources == {"lexical": (1, first.score)}
    assert store.search(query, explain=True)[0].sources == {"dense": (1, pytest.approx(1.0, abs=0.5))}
    assert store.search(query, mode="hybrid")[0].sources is None


def test_feedback_finds_what_shares_words_with_the_first_hits(store):
    assert "river" not in ids(store.search("loan", mode="lexical"))
    expanded = store.search("loan", mode=Lexical(expand=RM3(documents=1, terms=5)))
    assert expanded[0].id == "loan" and {"bank", "river"} <= set(ids(expanded))


def test_an_expansion_is_a_function_of_the_question(store):
    asked = []

    def with_synonyms(question):
        asked.append(question)
        return {**question.terms, **dict.fromkeys(question.analyser.query_terms("River"), 0.1)}

    assert "river" in ids(store.search("loan", mode=Lexical(expand=with_synonyms)))
    assert asked[0].text == "loan" and asked[0].terms == {"loan": 1.0}
    texts, scores = asked[0].first(1)
    assert texts == ["Loan A loan is money that a bank lends."] and len(scores) == 1
    for wrong in ({}, {"a": -1.0}, {"a": float("nan")}, {1: 1.0}, None, {"a": 0.0}):
        with pytest.raises(InputError, match="`expand` must return"):
            store.search("loan", mode=Lexical(expand=lambda question, wrong=wrong: wrong))


def test_the_analyser_belongs_to_the_store(tmp_path):
    path, model = tmp_path / "stems", {"dim": 2}
    with Store.create(path, model=model, analyser=Analyser("porter")) as store:
        with store.write() as writer:
            writer.add([{"id": name, "text": text} for name, text in TEXTS.items()], np.eye(4, 2) + 1)
        assert ids(store.search("run tide cafe", mode="lexical")) == ["tide"]
    with Store(path) as store:
        assert set(ids(store.search("lending", mode="lexical"))) == {"loan", "bank"}
    Store.create(path, model=model, exist_ok=True).close()
    with pytest.raises(InputError, match="another analyser"):
        Store.create(path, model=model, analyser=Analyser("trigram"), exist_ok=True)


def test_bad_input_is_one_clear_error(store):
    for query in ("", "  ", "?!"):
        with pytest.raises(InputError, match="`query` must"):
            store.search(query, mode="lexical")
    for mode in ("lexical", "hybrid"):
        with pytest.raises(InputError, match='mode="dense"'):
            store.search([1.0, 0.0], mode=mode)
    for mode in ("words", 3, None):
        with pytest.raises(InputError, match="`mode` must be one of"):
            store.search("money", mode=mode)
    for make in (lambda: Hybrid(candidates=0), lambda: Hybrid("rrf"), lambda: Hybrid(lexical="bm25")):
        with pytest.raises(InputError):
            make()
    for make in (lambda: Lexical("bm25"), lambda: Lexical(expand="rm3")):
        with pytest.raises(InputError):
            make()


def test_a_snapshot_that_nobody_needs_is_gone_at_once(store):
    import gc
    import weakref

    gc.disable()
    try:
        store.search("money", mode="lexical")
        old = weakref.ref(store._current())
        store.refresh()
        assert old() is None
    finally:
        gc.enable()
