"""Ways to train with batches larger than memory."""
