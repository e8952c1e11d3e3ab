"""Sources that write a function of a list: IDENTITY and SET.

More of the kind are in further_lists.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from procmod_lib.tasks.registry import source
from procmod_lib.tasks.task import Batch, Task, below, check_form, scored_span


@dataclass(frozen=True)
class ListTask(Task):
    """``s, SEP, f(s), PAD``: a list of payload tokens, a separator, an output, padding.

    Payload tokens are 1..symbols-1, the separator is ``symbols``, the pad ``symbols + 1``.
    The outputs from the separator on are scored: the whole of f(s) and, where the length of f(s)
    varies, the first pad, which says that the output has ended.

    Attributes:
        symbols: V, payload ids run to V - 1.
        list_length: the longest list.
        lengths: ``"fixed"`` (always list_length), ``"all"`` (uniform from 2 to list_length)
            or ``"curriculum"`` (as fixed; training lengthens the list as it is learnt).
        form: ``"ours"``, or ``"reference"``, in which no pad is scored.
    """

    symbols: int = 21
    list_length: int = 20
    lengths: str = "all"
    form: str = "ours"
    ends: ClassVar[bool] = False  # whether, in our form, a scored pad ends the output
    has_lengths: ClassVar[bool] = True
    length_field: ClassVar[str] = "list_length"
    divider: ClassVar[str] = "0"  # how token 0 is written, where it is used
    example: ClassVar[dict] = {"list_length": 8, "symbols": 10}

    @property
    def vocab(self) -> int:
        return self.symbols + 2

    @property
    def length(self) -> int:
        return self.input_length + 1 + self.list_length + self.pads

    @property
    def input_length(self) -> int:
        """Tokens before the last separator, at most."""
        return self.list_length

    @property
    def pads(self) -> int:
        """How many scored pads end an output."""
        return int(self.ends and not self.is_reference)

    @property
    def draws(self) -> int:
        return self.list_length + 1

    def check(self) -> None:
        self.require("symbols", 2 <= self.symbols <= 4096, "between 2 and 4096")
        self.require("list_length", 2 <= self.list_length <= 2048, "between 2 and 2048")
        self.require(
            "lengths",
            self.lengths in ("fixed", "all", "curriculum"),
            "'fixed', 'all' or 'curriculum'",
        )
        check_form(self)

    def build(self, uniforms: np.ndarray) -> Batch:
        n, m = len(uniforms), self.list_length
        lengths = np.full(n, m) if self.lengths != "all" else 2 + below(uniforms[:, 0], m - 1)
        pad = self.symbols + 1
        real = np.arange(m) < lengths[:, None]  # (n, m)
        payload = np.where(real, self.drawn(uniforms[:, 1:]), pad)
        output, sizes = self.output(payload, lengths)
        tokens = np.full((n, self.length), pad, np.int32)
        inputs, ends_at = self.inputs(payload, lengths)
        tokens[:, : self.input_length] = inputs
        tokens[np.arange(n), ends_at] = self.symbols
        _place(tokens, output, ends_at + 1, sizes)
        return scored_span(tokens, ends_at, sizes + self.pads, m + self.pads)

    def drawn(self, uniforms: np.ndarray) -> np.ndarray:
        """Payload tokens (n, list_length)."""
        return 1 + below(uniforms, self.symbols - 1)

    def inputs(self, payload: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what stands before the last separator, (n, input_length), and its lengths (n,)."""
        return payload, lengths

    def spell(self, token: int) -> str:
        special = {self.symbols: "|", self.symbols + 1: "", 0: self.divider}
        return special.get(token, str(token))

    def output(self, payload: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return f of each padded list (n, m), left-aligned, and its lengths (n,)."""
        raise NotImplementedError


@source
@dataclass(frozen=True)
class Identity(ListTask):
    """IDENTITY: write the list again.

    With one fixed length the copy can be made by position alone (look 20 back); with all lengths it
    cannot.

    Attributes:
        repeats: whether a token may stand in a list twice.

    >>> task = Identity(symbols=5, list_length=3, lengths="fixed")      # SEP is 5, PAD is 6
    >>> batch = task.build(np.array([[0, .30, .90, .10]]))
    >>> batch.tokens.tolist()                                           # s, SEP, s
    [[2, 4, 1, 5, 2, 4, 1]]
    >>> # from SEP on, the copy is predicted
    >>> batch.positions.tolist(), batch.targets.tolist()
    ([[3, 4, 5]], [[2, 4, 1]])
    """

    repeats: bool = True
    younger: ClassVar[dict] = {"form": "ours", "repeats": True}
    name: ClassVar[str] = "identity"
    colour: ClassVar[str] = "#0072B2"
    presets: ClassVar[dict] = {"smoke": {"list_length": 4}}
    budgets: ClassVar[dict] = {"quick": {"steps": 4000}}

    @property
    def draws(self) -> int:
        return super().draws if self.repeats else self.symbols

    def check(self) -> None:
        super().check()
        self.require("repeats", isinstance(self.repeats, bool), "True or False")
        enough = self.repeats or self.symbols > self.list_length
        self.require("symbols", enough, f"above {self.list_length} where no token may repeat")

    def drawn(self, uniforms):
        if self.repeats:
            return super().drawn(uniforms)
        return 1 + np.argsort(uniforms, axis=1)[:, : self.list_length]

    def output(self, payload, lengths):
        return payload, lengths


@source
@dataclass(frozen=True)
class Set(ListTask):
    """SET: write the list without repeats, in order of first appearance.

    >>> task = Set(symbols=5, list_length=4, lengths="fixed")
    >>> batch = task.build(np.array([[0, .30, .30, .10, .30]]))
    >>> batch.tokens.tolist()                                           # 2 2 1 2 | 2 1 PAD PAD PAD
    [[2, 2, 1, 2, 5, 2, 1, 6, 6, 6]]
    >>> # the first pad is scored: it ends the set
    >>> batch.targets.tolist()
    [[2, 1, 6, -100, -100]]
    """

    name: ClassVar[str] = "set"
    colour: ClassVar[str] = "#CC79A7"
    presets: ClassVar[dict] = {"smoke": {"list_length": 4}}
    budgets: ClassVar[dict] = {
        p: {"steps": 24_000} for p in ("small", "standard", "paper")
    }  # it leaves its plateau late
    ends: ClassVar[bool] = True

    def output(self, payload, lengths):
        return left_align(
            payload, first_appearances(payload) & (payload < self.symbols), self.symbols + 1
        )


def left_align(rows: np.ndarray, keep: np.ndarray, fill: int) -> tuple[np.ndarray, np.ndarray]:
    """Move the kept entries of each row (n, m) to its left, in order.

    Return rows and counts (n,).
    """
    out = np.full_like(rows, fill)
    row, column = np.nonzero(keep)
    out[row, (np.cumsum(keep, 1) - 1)[row, column]] = rows[row, column]
    return out, keep.sum(1)


def first_appearances(rows: np.ndarray) -> np.ndarray:
    """Mark the first appearance of each value in its row (n, m)."""
    order = np.argsort(rows, axis=1, kind="stable")
    ordered = np.take_along_axis(rows, order, 1)
    new = np.ones_like(rows, bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.empty_like(new)
    np.put_along_axis(first, order, new, 1)
    return first


def _place(tokens: np.ndarray, output: np.ndarray, start: np.ndarray, sizes: np.ndarray) -> None:
    """Write output[r, :sizes[r]] into tokens[r, start[r]:], for every row at once."""
    row, column = np.nonzero(np.arange(output.shape[1]) < sizes[:, None])
    tokens[row, start[row] + column] = output[row, column]
