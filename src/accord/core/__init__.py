"""What every room stands on: types, errors, checks, records, storage, progress and randomness."""
