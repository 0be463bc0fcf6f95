"""Ends what runs too long: SQL of a pack may ask for more rows than there are seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

LONGEST = 600.0
"""Seconds that one query of a rule or view may take; the slowest built-in one takes seconds over a million rows."""


class TookTooLongError(Exception):
    """A query was stopped."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"ran longer than {seconds:g} seconds and was stopped; let it read fewer rows")


@contextmanager
def within(con: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt what the connection runs after so many seconds.

    Raises:
        TookTooLongError: It was interrupted for that, and not by the user.
    """
    fired = threading.Event()

    def stop() -> None:
        fired.set()
        con.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException:
        if fired.is_set():
            raise TookTooLongError(seconds) from None
        raise
    finally:
        timer.cancel()
