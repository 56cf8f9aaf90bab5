"""Objectives that draw examples towards fixed or learned vectors of their classes."""

from accord.objectives.proxies.fixed_targets import FixedTargets

__all__ = ["FixedTargets"]
