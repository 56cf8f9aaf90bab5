"""Pure functions on arrays and tensors; every method is a few lines on top of these."""
