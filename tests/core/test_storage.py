"""Files are whole or absent, whatever interrupts the writer."""

import errno
import json
import os
import resource
import subprocess
import sys

import pytest

from accord.core.errors import StorageError
from accord.core.storage import atomic_file, atomic_folder, clear_leftovers, hash_folder, read_json, write_json


def test_an_exception_leaves_the_old_file_and_no_litter(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1})
    with pytest.raises(RuntimeError), atomic_file(tmp_path / "a.json", "w") as handle:
        handle.write("half")
        raise RuntimeError
    assert read_json(tmp_path / "a.json") == {"x": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_is_replaced_whole(tmp_path):
    for content in ("old", "new"):
        with atomic_folder(tmp_path / "d") as partial:
            (partial / content).write_text(content)
    assert [p.name for p in (tmp_path / "d").iterdir()] == ["new"]
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "d") as partial:
        (partial / "broken").write_text("x")
        raise RuntimeError
    assert list(hash_folder(tmp_path)) == ["d/new"]


def test_a_killed_writer_leaves_only_hidden_leftovers_that_are_cleared(tmp_path):
    code = (
        "import os, sys; from accord.core.storage import atomic_file\n"
        "with atomic_file(sys.argv[1], 'w') as h:\n    h.write('half'); h.flush(); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "f")], check=False)
    assert not (tmp_path / "f").exists()
    assert clear_leftovers(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_clear_error_and_nothing_is_left(tmp_path):
    code = (
        "import sys, resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from accord.core.storage import atomic_file\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with atomic_file(sys.argv[1]) as h: h.write(b'x' * 100_000)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "f")], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_no_space_becomes_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="disk is full"), atomic_file(tmp_path / "f"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_that_a_library_reports_in_words_is_recognised(tmp_path):
    with pytest.raises(StorageError, match="disk is full"), atomic_folder(tmp_path / "model"):
        raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")
    with pytest.raises(RuntimeError, match="other"), atomic_folder(tmp_path / "model"):
        raise RuntimeError("other (os error 280)")
    assert list(tmp_path.iterdir()) == []


def test_json_refuses_numbers_that_json_cannot_hold(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "x.json", {"loss": float("nan")})
    assert not (tmp_path / "x.json").exists()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
    write_json(tmp_path / "x.json", {"é": 1})
    assert json.loads((tmp_path / "x.json").read_text("utf-8")) == {"é": 1}
