"""Start a command as several processes that train together, and end them together."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import IO

from accord.core.ranks import process_count
from accord.core.threads import available_cores

__all__ = ["launch", "launched"]

PARENT_DEATH_SIGNAL = 1

GRACE = 5.0
"""Seconds that the others have to end by themselves once one has ended with an error."""


def launched() -> bool:
    """Whether this process is already one of several."""
    return process_count() > 1


def launch(arguments: Sequence[str], processes: int) -> int:
    """Run `accord ARGUMENTS` as several processes on this machine.

    The first one speaks; what the others say is shown only when one of them fails by itself. Ctrl-C and termination are
    passed on to all, and none outlives the others.

    Args:
        arguments: of the command.
        processes: how many, at least 2.

    Returns:
        The exit code: of the first process, or of one that failed before it.
    """
    with tempfile.TemporaryDirectory(prefix="accord-") as folder, _port() as port:
        heard = [open(os.path.join(folder, str(rank)), "w+b") for rank in range(1, processes)]  # noqa: SIM115
        try:
            started = [_start(arguments, rank, processes, port, heard[rank - 1] if rank else None)
                       for rank in range(processes)]  # fmt: skip
            with _passed_on(started) as came:
                return _wait(started, heard, came)
        finally:
            for file in heard:
                file.close()


def _start(
    arguments: Sequence[str], rank: int, processes: int, port: int, heard: IO[bytes] | None
) -> subprocess.Popen[bytes]:
    threads = str(max(1, available_cores() // processes))
    environment = {
        "OMP_NUM_THREADS": threads,
        **os.environ,
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    if sys.platform == "linux":
        environment.setdefault("GLOO_SOCKET_IFNAME", "lo")
    command = [sys.executable, "-m", "accord.cli", *arguments]
    return subprocess.Popen(
        command, env=environment, stdout=heard, stderr=heard, start_new_session=True, preexec_fn=_end_with_parent
    )


def _end_with_parent() -> None:
    """Have the system end this process when the one that started it is gone, where it knows how to."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _wait(started: Sequence[subprocess.Popen[bytes]], heard: Sequence[IO[bytes]], passed_on: set[int]) -> int:
    """Wait for all; when one fails, see that the others end too. Who ends by a signal passed on has not failed."""
    while all(one.poll() is None or one.returncode == 0 for one in started):
        if all(one.returncode == 0 for one in started):
            return 0
        time.sleep(0.05)
    guilty = next(rank for rank, one in enumerate(started) if one.returncode not in {None, 0})
    _end(started)
    code = started[guilty].returncode
    if code < 0 and -code in passed_on:
        return max(started[0].returncode, 0) or 128 - code
    if code < 0:
        name = signal.Signals(-code).name
        sys.stderr.write(f"Process {guilty} of {len(started)} was ended by {name}, and the others with it. "
                         "Go on from the last checkpoint with --resume.\n")  # fmt: skip
        return 1
    if guilty and started[0].returncode != code:
        heard[guilty - 1].seek(0)
        sys.stderr.write(heard[guilty - 1].read().decode(errors="replace"))
    return max(started[0].returncode, 0) or code


def _end(started: Sequence[subprocess.Popen[bytes]]) -> None:
    """Let processes end by themselves for a while, then end them."""
    until = time.monotonic() + GRACE
    while time.monotonic() < until and any(one.poll() is None for one in started):
        time.sleep(0.05)
    for one in started:
        if one.poll() is None:
            one.kill()
        one.wait()


@contextmanager
def _passed_on(started: Sequence[subprocess.Popen[bytes]]) -> Iterator[set[int]]:
    """Pass Ctrl-C and termination on to the processes, leave it to them what that means, and say which came."""
    came: set[int] = set()

    def pass_on(number: int, frame: FrameType | None) -> None:
        del frame
        came.add(number)
        for one in started:
            if one.poll() is None:
                one.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for one in started:
            if one.poll() is None:
                one.kill()
                one.wait()


@contextmanager
def _port() -> Iterator[int]:
    """A port on this machine that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    yield number
