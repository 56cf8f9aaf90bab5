"""Claims: what a paper says, run side by side on real data, with a verdict.

A claim is one file of this folder that defines ``CLAIM = Claim(...)``: nothing else needs to be touched. The runner
looks at every module here and keeps those with a `CLAIM`; `papers.tsv` says which paper its number stands for.

* ``python -m claims list`` shows the claims and what their last recorded run said;
* ``python -m claims run NAME --data DIR`` runs one (``ACCORD_DATA`` in place of ``--data``);
* ``python -m claims run NAME --scale full --record`` keeps the result in `results.jsonl`;
* ``python -m claims table`` writes ``docs/papers.md`` from the recorded results.

A claim compares a method with a baseline that got the same data, budget and tuning. Choices are made on dev splits; the
test splits decide once. The verdict rests on :func:`claims.paired.compare`.
"""

from __future__ import annotations
