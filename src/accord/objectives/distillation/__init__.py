"""Objectives that follow a teacher: its vectors, its scores, or only the order that it gives."""
