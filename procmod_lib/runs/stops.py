"""Ctrl-C and SIGTERM as a person means them: finish the step, keep everything, say how to go on."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Stopped(Exception):
    """A sweep was asked to stop; all that it had is kept.

    Jupyter and papermill show the sentence alone.

    Attributes:
        code: the exit code that a shell expects, 130 or 143.
    """

    def __init__(self, number: int, sentence: str):
        super().__init__(f"stopped on {SIGNALS[signal.Signals(number)]}: {sentence}")
        self.code = 128 + number

    def _render_traceback_(self):
        return [f"Stopped: {self}"]


class Request:
    """Whether a stop was asked for, and by which signal.

    A notebook's kernel is never sent the SIGTERM that ends papermill; it only finds that its parent
    is gone, which counts as one.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.parent = os.getppid() if in_kernel() else None

    def asked(self) -> bool:
        """Whether to stop now."""
        if self.number is None and self.parent is not None and os.getppid() != self.parent:
            self.number = signal.SIGTERM
        return self.number is not None

    def __call__(self, number: int, _frame) -> None:
        """Handle a signal: the first asks, a second one ends at once."""
        if self.number is not None:
            sys.stderr.write("ended at once; the last checkpoint is kept.\n")
            sys.stderr.flush()
            os._exit(128 + number)
        self.number = number


def in_kernel() -> bool:
    """Whether this process is a notebook's kernel."""
    return "JPY_PARENT_PID" in os.environ


def tell(sentence: str) -> None:
    """Say it on the terminal that a notebook's kernel was started from.

    Whoever stopped papermill no longer sees what its notebook says.
    """
    if in_kernel() and sys.__stderr__ is not None:
        sys.__stderr__.write(f"\n{sentence}\n")
        sys.__stderr__.flush()


@contextmanager
def kernel_waits() -> Iterator[None]:
    """Within, a notebook's kernel outlives papermill, so that a checkpoint can be written.

    The kernel looks every second whether its parent is gone and then ends on the spot; it looks
    through the ``os`` of its own module, which here always finds the parent. Afterwards it ends.
    """
    poller = sys.modules.get("ipykernel.parentpoller")
    if poller is None:
        yield
        return
    parent = os.getppid()
    vars(poller)["os"] = SimpleNamespace(**vars(os) | {"getppid": lambda: parent})
    try:
        yield
    finally:
        vars(poller)["os"] = os


@contextmanager
def stop_on_request() -> Iterator[Request]:
    """Within, Ctrl-C and SIGTERM set the request and interrupt nothing.

    Only the main thread can listen to signals; elsewhere the request stays unset.
    """
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
