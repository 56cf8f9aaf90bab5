"""Encoders of text: a transformer backbone, a pooling, heads.

Any encoder or decoder that transformers knows can be the backbone. A decoder may be switched to see the whole text; its
attention is tried out when it is loaded. Tasks may have a learned token of their own in front of their texts
(:meth:`TextEncoder.add_task_tokens`).
"""

from __future__ import annotations

from accord.encoders.text.transformer import TextEncoder

__all__ = ["TextEncoder"]
