"""Ctrl-C between steps: a step that was begun is finished, so that what is saved is whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Hold a Ctrl-C back until the block has ended; a second one gets through at once.

    Only the main thread receives interrupts; elsewhere nothing has to be done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    waiting = []

    def hold(number: int, frame: FrameType | None) -> None:
        if waiting and callable(before):
            before(number, frame)
        waiting.append(number)

    signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if waiting:
        signal.raise_signal(signal.SIGINT)
