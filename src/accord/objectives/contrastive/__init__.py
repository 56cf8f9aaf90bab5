"""Objectives that pull what belongs together and push the rest of the batch away."""
