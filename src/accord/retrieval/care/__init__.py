"""The care of a store: whether every byte is as it was written, what can be mended, and what can be tidied away."""
