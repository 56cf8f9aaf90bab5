"""What a store is on the disk: the database and its list of files, segments of vectors, columns, and one change of it.

From below: :mod:`~accord.retrieval.files.schema` (tables, connections, hashes of rows),
:mod:`~accord.retrieval.files.segments` (files of vectors), :mod:`~accord.retrieval.files.manifest` (what the store says
about itself), :mod:`~accord.retrieval.files.spans` (rows on their way in), and
:mod:`~accord.retrieval.files.transaction` (all of a change, or nothing).
"""
