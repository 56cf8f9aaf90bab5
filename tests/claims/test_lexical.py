"""BM25 as vectors is BM25."""

import math

import numpy as np

from claims.lexical import Bm25, words

DOCUMENTS = ["the cats sat on a mat", "a dog sat", "cats, cats and more cats chase dogs", "nothing here"]


def bm25(query, document, k1=1.2, b=0.75):
    """The formula, word by word."""
    texts = [words(text) for text in DOCUMENTS]
    mean = sum(map(len, texts)) / len(texts)
    own, total = words(document), 0.0
    for word in words(query):
        often = own.count(word)
        held = sum(word in text for text in texts)
        idf = math.log(1 + (len(texts) - held + 0.5) / (held + 0.5))
        total += idf * often * (k1 + 1) / (often + k1 * (1 - b + b * len(own) / mean))
    return total


def test_the_dot_product_is_the_formula():
    model = Bm25(DOCUMENTS)
    queries = ["cats", "dog sat cats", "unknown words"]
    found = model.encode_query(queries) @ model.encode_document(DOCUMENTS).T
    expected = [[bm25(query, document) for document in DOCUMENTS] for query in queries]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
