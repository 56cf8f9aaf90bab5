"""Objectives of other libraries."""
