"""Progress on standard error, which disappears when that is no terminal."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

__all__ = ["progress"]


@contextmanager
def progress(console: Console, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows what goes on now; it disappears on what is no terminal."""
    if quiet or not console.is_terminal:
        yield lambda text: logging.getLogger("locgen").info(text)
        return
    with console.status("starting") as status:
        handler = _StatusHandler(lambda text: console.print(f"[dim]{escape(text)}[/dim]"))
        logging.getLogger("locgen.toolchain").addHandler(handler)
        try:
            yield lambda text: status.update(escape(text))
        finally:
            logging.getLogger("locgen.toolchain").removeHandler(handler)


class _StatusHandler(logging.Handler):
    """Shows the tool chain's notes, such as the one about a slow first run."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        """Show one note."""
        self._show(record.getMessage())
