"""Vectors to few bytes and back, each with distances of its own.

```python
from accord.compression import codecs

codec = codecs.Int8().fit(vectors)
codes = codec.encode(vectors)
nearest = codec.scores(queries, codes).argmax(axis=1)
codecs.save(codec, "int8")
same = codecs.load("int8")
```
"""

from __future__ import annotations

from accord.compression.codecs.base import SIMILARITIES, Codec, FittedCodec
from accord.compression.codecs.binary_paragraph import BinaryParagraph
from accord.compression.codecs.codes_file import read_codes, write_codes
from accord.compression.codecs.fidelity import Fidelity, fidelity
from accord.compression.codecs.float16 import Float16
from accord.compression.codecs.folder import check_made_for, identity, load, save
from accord.compression.codecs.int8 import Int8
from accord.compression.codecs.pca import PCA
from accord.compression.codecs.product_quantizer import ProductQuantizer
from accord.compression.codecs.rabitq import RaBitQ
from accord.compression.codecs.recurrent_binary import RecurrentBinary
from accord.compression.codecs.rotated_sign import RotatedSign
from accord.compression.codecs.sign import Sign
from accord.compression.codecs.word_counts import word_counts

__all__ = [
    "PCA",
    "SIMILARITIES",
    "BinaryParagraph",
    "Codec",
    "Fidelity",
    "FittedCodec",
    "Float16",
    "Int8",
    "ProductQuantizer",
    "RaBitQ",
    "RecurrentBinary",
    "RotatedSign",
    "Sign",
    "check_made_for",
    "fidelity",
    "identity",
    "load",
    "read_codes",
    "save",
    "word_counts",
    "write_codes",
]
