"""The page and its style, read by `report.py`."""
