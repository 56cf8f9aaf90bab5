"""Ratios beside a foreign baseline, measured in one run; each writes JSON with machine and versions."""
