"""Child processes that never outlive the work they belong to.

Each child leads a group of its own, so that what it starts ends with it. Whoever leaves early,
because of an interruption or because another part of the work failed, ends all that still run.
"""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

__all__ = ["child", "workers"]

_thread = threading.local()


@contextlib.contextmanager
def child(command: Sequence[str], **options: object) -> Iterator[subprocess.Popen]:
    """Start `command` (options as of `subprocess.Popen`) and end it if the block is left early."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    group: set[subprocess.Popen] = getattr(_thread, "group", set())
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
    """Give `count` threads for work that waits for children; leaving early ends those children."""
    group: set[subprocess.Popen] = set()

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


def _end(process: subprocess.Popen) -> None:
    """End the child and whatever it started: asked first, killed after five seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue
        return
