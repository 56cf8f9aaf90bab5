"""Objectives that fit scores of pairs."""
