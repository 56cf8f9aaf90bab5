"""Objectives that sort pairs into classes."""
