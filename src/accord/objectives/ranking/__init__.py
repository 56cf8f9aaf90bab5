"""Objectives that put the documents of a query in order: each reads a list of scores beside how relevant they are."""
