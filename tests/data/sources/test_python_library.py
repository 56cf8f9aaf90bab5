import ast
import re

import pytest

from accord.core.errors import DataError, InputError
from accord.data.sources import PythonLibrary

SOURCE = '''
import sys; sys.exit("imported")

def read_rows(path):
    """Read rows of a file, one by one.

    And a   second
    paragraph.
    """

    # a comment stays
    for row in open(path):
        yield row or read_rows(path)

class Outer:
    @property
    def é_width(self): "The width of it, in characters."; return self.é_width_

    @é_width.setter
    def é_width(self, value):
        """Set the width of it to another value."""
        self.é_width = value

    async def wait(self):
        """Wait until the thing is done at last."""
        text = """
not indented
"""
        def inner(x):
            """An inner function with a docstring."""
            return x
        return inner

def short():
    """Too short."""
    return 1

def nothing():
    """Nothing but a docstring stands in here."""

def undocumented():
    return 2
'''


@pytest.fixture
def root(tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkgz").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "pkgz" / "twin.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "broken.py").write_text("def broken(:\n")
    (tmp_path / "latin.py").write_bytes(
        b'# coding: latin-1\ndef caf\xe9():\n    """Serves a caf\xe9 au lait to the guest."""\n    return 1\n'
    )
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "foreign.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def rows(root, **arguments):
    return {row["id"]: row for row in PythonLibrary(root=root, **{"exclude": [], **arguments}).load().to_pylist()}


def test_what_is_found(root):
    found = rows(root)
    assert set(found) == {
        "latin:caf\u00e9",
        "pkg:Outer.wait",
        "pkg:Outer.wait.<locals>.inner",
        "pkg:Outer.\u00e9_width",
        "pkg:Outer.\u00e9_width#2",
        "pkg:read_rows",
    }  # and the twins of pkgz are dropped
    row = found["pkg:read_rows"]
    assert (row["module"], row["top"], row["name"]) == ("pkg", "pkg", "read_rows")
    assert row["summary"] == "Read rows of a file, one by one."
    assert row["doc"] == "Read rows of a file, one by one. And a second paragraph."
    assert (
        row["code"] == "def f(path):\n    # a comment stays\n    for row in open(path):\n        yield row or f(path)"
    )


def test_code_on_the_line_of_the_docstring(root):
    found = rows(root)
    assert found["pkg:Outer.\u00e9_width"]["code"] == "def f(self): return self.\u00e9_width_"
    assert found["pkg:Outer.\u00e9_width#2"]["code"] == "def f(self, value):\n    self.f = value"


def test_texts_inside_keep_their_margin(root):
    code = rows(root)["pkg:Outer.wait"]["code"]
    assert code.startswith('async def f(self):\n    text = """\nnot indented\n"""\n    def inner(x):')
    ast.parse(code)


def test_names_can_stay(root):
    assert rows(root, hide_names=False)["pkg:read_rows"]["code"].startswith("def read_rows(path):")


def test_modules_can_be_left_out(root):
    assert {row["module"] for row in rows(root, exclude=["pkg", "pkgz"]).values()} == {"latin"}
    assert {row["module"] for row in rows(root, exclude=["pkgz.twin", "lat"]).values()} == {"latin", "pkg"}


def test_the_cap_holds_by_top_level_module_and_is_stable(root):
    capped = rows(root, cap_per_module=2)
    assert sum(row["top"] == "pkg" for row in capped.values()) == 2 and "latin:caf\u00e9" in capped
    assert capped == rows(root, cap_per_module=2)
    assert set(capped) < set(rows(root, cap_per_module=3))


def test_refuses(root, tmp_path):
    with pytest.raises(InputError, match="`cap_per_module` must be at least 1"):
        PythonLibrary(cap_per_module=0)
    with pytest.raises(InputError, match="`exclude` must be a list"):
        PythonLibrary(exclude="test")
    with pytest.raises(DataError, match="is not a folder"):
        PythonLibrary(root=tmp_path / "none").load()
    with pytest.raises(DataError, match="no function with a docstring of 500"):
        PythonLibrary(root=root, min_doc_characters=500).load()


def test_modules_may_be_taken_alone(root):
    whole = PythonLibrary(root=root).load().column("module").to_pylist()
    alone = PythonLibrary(root=root, only=["pkg"]).load().column("module").to_pylist()
    assert set(alone) == {"pkg"} < set(whole)
    with pytest.raises(DataError, match="no function"):
        PythonLibrary(root=root, only=["pkg"], exclude=["pkg"]).load()
    with pytest.raises(InputError, match="`only` must be a list"):
        PythonLibrary(only="pkg")


@pytest.fixture(scope="module")
def library():
    return PythonLibrary(cap_per_module=200).load().to_pylist()


@pytest.mark.slow
def test_the_standard_library(library):
    assert 3000 < len(library) < 9000
    ids = [row["id"] for row in library]
    assert len(set(ids)) == len(ids) and ids == sorted(ids)
    tops = [row["top"] for row in library]
    assert len(set(tops)) > 100 and max(tops.count(top) for top in set(tops)) == 200
    assert not {"test", "idlelib", "lib2to3", "site-packages"} & set(tops)
    assert len({(row["summary"], row["code"]) for row in library}) == len(library)


@pytest.mark.slow
def test_the_standard_library_is_clean(library):
    for row in library:
        assert len(row["doc"]) >= 20 and row["doc"] == " ".join(row["doc"].split())
        assert row["summary"] and row["doc"].startswith(row["summary"])
        assert row["code"].startswith(("def f(", "async def f(", "def f ("))


@pytest.mark.slow
def test_the_code_is_the_function_without_its_docstring(library):
    for row in library[::10]:
        tree = ast.parse(row["code"])
        assert len(tree.body) == 1, row["id"]
        assert (ast.get_docstring(tree.body[0]) or "") != row["doc"], row["id"]
        assert not re.search(rf"\b{re.escape(row['name'])}\b", row["code"]) or row["name"] == "f"
