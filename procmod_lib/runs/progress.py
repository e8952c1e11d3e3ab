"""How far a sweep is."""

import os
import sys
import time

try:
    from tqdm import tqdm  # text: its widget needs a package that many lack
except ImportError:  # it is no requirement of the library alone
    tqdm = None

SECONDS_BETWEEN_LINES = 30


class Progress:
    """A bar in a terminal and in a notebook, one line every 30 s elsewhere: in a log, without tqdm,
    and where the book is built, which sets ``PAPERMILL_RUN``.
    """

    def __init__(self):
        self.begun = self.said = time.monotonic()
        self.bar = None
        in_jupyter = "ipykernel" in sys.modules and "PAPERMILL_RUN" not in os.environ
        if tqdm and (sys.stderr.isatty() or in_jupyter):
            self.bar = tqdm(total=None, unit="run")

    def __call__(self, line: str) -> None:
        """Say one line, when a run has ended."""
        now = time.monotonic()
        if self.bar is not None:
            self.bar.set_postfix_str(line)
            self.bar.update()
        elif now - self.said > SECONDS_BETWEEN_LINES:
            self.said = now
            print(f"[{now - self.begun:5.0f} s] {line}", file=sys.stderr, flush=True)
