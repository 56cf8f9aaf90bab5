"""Objectives that texts alone can feed, by hiding some of their tokens."""
