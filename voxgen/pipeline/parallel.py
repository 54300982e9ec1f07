"""Tasks in spawned processes, of which none can take the others with it.

A reader may crash the process it runs in, or use up its memory, without a word. The pool is then broken and
every task in flight is lost; each of those is tried again alone, and one that brings its process down again
is given up and named.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Crash:
    """What a task gives whose process died."""


class Workers:
    """A number of processes, started on first use and kept for further tasks.

    Args:
        count: processes; 1 runs the tasks in this one, where a crash is a crash of the program. None takes
            one a core.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = _cores() if count is None else max(count, 1)
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def run(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R | Crash]]:
        """Give each task's position and result, in the order in which they are done.

        Args:
            function: a function at the level of a module, because processes are spawned.
            tasks: its arguments; they are pickled.

        Raises:
            Exception: whatever `function` raises.
        """
        if self.count == 1:
            for position, task in enumerate(tasks):
                yield position, function(task)
            return
        waiting = deque(range(len(tasks)))
        while waiting:
            lost: list[int] = []
            yield from self._run_until_crash(function, tasks, waiting, lost)
            if len(lost) == 1:  # it was alone already
                yield lost[0], Crash()
                continue
            for position in sorted(lost):
                yield position, self._alone(function, tasks[position])

    def _run_until_crash(
        self, function: Callable[[T], R], tasks: Sequence[T], waiting: deque[int], lost: list[int]
    ) -> Iterator[tuple[int, R | Crash]]:
        """Work off `waiting`; when the pool breaks, leave what was in flight in `lost`."""
        pool = self._open()
        running: dict[Future[R], int] = {}
        try:
            while waiting or running:
                # A short queue: results are taken as they come, and little is lost when a process dies.
                while waiting and len(running) < 2 * self.count:
                    running[pool.submit(function, tasks[waiting[0]])] = waiting[0]
                    waiting.popleft()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    result = future.result()
                    yield running.pop(future), result
        except BrokenProcessPool:
            for future, position in running.items():
                if future.done() and future.exception() is None:
                    yield position, future.result()
                else:
                    lost.append(position)
            self._close()

    def _alone(self, function: Callable[[T], R], task: T) -> R | Crash:
        try:
            return self._open().submit(function, task).result()
        except BrokenProcessPool:
            self._close()
            return Crash()

    def _open(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.count, mp_context=context, initializer=_end_with_parent)
        return self._pool

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _end_with_parent() -> None:
    """Let this process end when its parent is killed; a pool's processes would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


def _watch(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)
