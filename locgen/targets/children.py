"""Child processes that never outlive their work.

Each child leads its own process group and ends with everything that it started. Leaving early,
because of an interruption or a failure elsewhere, ends all running children.
"""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

__all__ = ["child", "workers"]

_thread = threading.local()


@contextlib.contextmanager
def child(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
    stderr: int | None = None,
    pass_fds: Collection[int] = (),
) -> Iterator[subprocess.Popen[str]]:
    """Start `command`; end it if the block is left early.

    Parameters
    ----------
    command : program and arguments
    cwd, env : working folder and environment, ours if None
    stdin, stderr, pass_fds : as of `subprocess.Popen`; standard output is always a pipe of text
    """
    process = subprocess.Popen(
        command,
        start_new_session=True,
        cwd=cwd,
        env=env,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        pass_fds=pass_fds,
        text=True,
        errors="replace",
    )
    group: set[subprocess.Popen[str]] = getattr(_thread, "group", set())
    group.add(process)
    try:
        with process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    _end(process)
    finally:
        group.discard(process)


@contextlib.contextmanager
def workers(count: int) -> Iterator[ThreadPoolExecutor]:
    """Provide `count` threads for work that waits for children; leaving early ends the children."""
    group: set[subprocess.Popen[str]] = set()

    def join_group() -> None:
        _thread.group = group

    with ThreadPoolExecutor(count, initializer=join_group) as pool:
        finished = False
        try:
            yield pool
            finished = True
        finally:
            if not finished:
                pool.shutdown(wait=False, cancel_futures=True)
                for process in list(group):
                    _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """End the child and all that it started: terminate, then kill after five seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue
        return
