"""Processes are started together, heard through the first one, and end together."""

import subprocess
import sys
import time

import pytest

from accord.cli import launch as room
from accord.cli.launch import launch

WAIT = "import time; time.sleep(60)"


@pytest.fixture
def programs(monkeypatch):
    """Start these programs, one a process, in place of accord."""

    def begin(*sources):
        def start(arguments, rank, processes, port, heard):
            assert len(sources) == processes
            command = [sys.executable, "-c", sources[rank]]
            return subprocess.Popen(command, stdout=heard, stderr=heard, start_new_session=True)

        monkeypatch.setattr(room, "_start", start)
        monkeypatch.setattr(room, "GRACE", 0.5)
        return launch([], len(sources))

    return begin


def test_all_done_is_done(programs):
    assert programs("", "print('not shown')") == 0


def test_the_first_process_decides_the_code_when_it_fails(programs):
    begun = time.monotonic()
    assert programs("import sys; sys.exit(2)", WAIT) == 2
    assert time.monotonic() - begun < 30


def test_what_another_process_says_is_shown_when_it_fails_first(programs, capfd):
    assert programs(WAIT, "import sys; sys.stderr.write('no such file'); sys.exit(2)") == 2
    assert "no such file" in capfd.readouterr().err


def test_a_killed_process_ends_the_others_and_is_named(programs, capfd):
    assert programs(WAIT, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)") == 1
    err = capfd.readouterr().err
    assert "Process 1 of 2 was ended by SIGKILL" in err
    assert "--resume" in err


def test_ctrl_c_is_passed_on_and_the_code_is_that_of_the_first(programs):
    tell = "import os, signal, sys, time\nos.kill(os.getppid(), signal.SIGINT)\ntime.sleep(60)"
    hear = "import signal, sys, time\nsignal.signal(signal.SIGINT, lambda *_: sys.exit(130))\ntime.sleep(60)"
    late = tell.replace("import os", "import time; time.sleep(1.5)\nimport os")
    assert programs(hear, late) == 130


def test_ctrl_c_is_no_failure_of_the_process_that_it_ends_first(programs, capfd):
    slow = ("import signal, sys, time\n"
            "signal.signal(signal.SIGINT, lambda *_: (time.sleep(0.2), sys.exit(130)))\ntime.sleep(60)")  # fmt: skip
    tell = "import time; time.sleep(1.5)\nimport os, signal, sys\nos.kill(os.getppid(), signal.SIGINT)\ntime.sleep(60)"
    assert programs(slow, tell) == 130
    assert programs(tell, WAIT) == 130  # neither says a code of its own
    assert "was ended by" not in capfd.readouterr().err
