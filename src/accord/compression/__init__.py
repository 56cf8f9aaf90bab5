"""Smaller models and smaller vectors, with the price known.

:mod:`~accord.compression.elastic` trains one model whose smaller sizes are models of their own,
:mod:`~accord.compression.prune` takes layers, widths and tokens out of a finished one,
:mod:`~accord.compression.distil` teaches a small model what large ones know, and
:mod:`~accord.compression.codecs` turns vectors into few bytes that can still be searched.
"""
