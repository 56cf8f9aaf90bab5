"""Forward passes without padding, for inference on the processor: the same numbers as the backbone, sooner.

:func:`packed_program` knows BERT and its kin (RoBERTa, XLM-R, CamemBERT). It lays the tokens of all texts end to end,
joins the query, key and value products, fuses the activation into the product where oneDNN offers it, and runs
attention over texts of equal length without a mask. Whoever uses it compares a few texts with the backbone first.
"""

from __future__ import annotations

from accord.encoders.packed.bert import PackedBert, packed_program

__all__ = ["PackedBert", "packed_program"]
