"""ADDITION, REVERSED ADDITION and MULTIPLICATION."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from procmod_lib.tasks.registry import diagnostic
from procmod_lib.tasks.task import IGNORE, Batch, Task, scored_span

PLUS, EQUALS, PAD, ANSWER, STOP = 10, 11, 12, 20, 30


@dataclass(frozen=True)
class Arithmetic(Task):
    """``a op b = answer stop pad``: operand digits are 0-9, answer digits 20-29, stop 30, pad 12.

    Both operands have exactly ``digits`` digits. Two masks: ``reference`` scores the outputs whose
    INPUT is an answer token (id >= 20), so the first answer digit is left out and the pad after the
    stop is in, where it fits; ``answer`` is the truth, first digit to stop."""

    digits: int = 5
    vocab: ClassVar[int] = 31
    position_count: ClassVar[int] = 40
    draws: ClassVar[int] = 2
    symbol: ClassVar[str] = "+"
    backwards: ClassVar[bool] = False
    most_digits: ClassVar[int] = 11
    presets: ClassVar[dict] = {"smoke": {"digits": 2}, "quick": {"digits": 3}}

    @property
    def answer_digits(self) -> int:
        return self.digits + 1

    @property
    def length(self) -> int:
        return 3 * self.digits + 4

    def check(self) -> None:
        self.require(
            "digits",
            1 <= self.digits <= self.most_digits,
            f"between 1 and {self.most_digits} (the model has {self.position_count} positions)",
        )

    def spell(self, token: int) -> str:
        special = {PLUS: "×" if self.symbol == "*" else "+", EQUALS: "=", PAD: "", STOP: "."}
        return special.get(token, str(token % ANSWER))

    def solve(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a + b

    def build(self, uniforms: np.ndarray) -> Batch:
        n, d, most = len(uniforms), self.digits, self.answer_digits
        low = 10 ** (d - 1)
        a, b = np.ascontiguousarray((low + (uniforms * 9 * low).astype(np.int64)).T)
        answer = self.solve(a, b)
        order = slice(None) if self.backwards else slice(None, None, -1)
        tokens = np.full((n, self.length), PAD, np.int32)
        tokens[:, :d], tokens[:, d + 1 : 2 * d + 1] = (
            low_digits(a, d)[:, order],
            low_digits(b, d)[:, order],
        )
        tokens[:, d], tokens[:, 2 * d + 1] = PLUS, EQUALS
        written = np.full((n, most + 2), PAD, np.int32)  # the answer with most digits, stop, pad
        written[:, :most], written[:, most] = low_digits(answer, most)[:, order] + ANSWER, STOP
        short = np.flatnonzero(
            answer < 10 ** (most - 1)
        )  # one digit fewer: its zero goes, the stop moves up
        if self.backwards:
            written[short, most - 1], written[short, most] = STOP, PAD
        else:
            written[short, :-1] = written[short, 1:]
        rest = tokens[:, 2 * d + 2 :]
        rest[:, : most + 2] = written[:, : rest.shape[1]]
        width = min(most + 2, self.length - 2 - 2 * d)
        batch = scored_span(tokens, np.full(n, 2 * d + 1), np.full(n, width), width)  # from "=" on
        reference = tokens[:, 2 * d + 1 : 2 * d + 1 + width] >= ANSWER
        full = np.arange(width) < (written >= ANSWER).sum(1)[:, None]
        targets = np.where(full | reference, batch.targets, IGNORE).astype(np.int32)
        return Batch(tokens, batch.positions, targets, reference, full)


def low_digits(numbers: np.ndarray, count: int) -> np.ndarray:
    """The ``count`` least significant digits of numbers (n,), least significant first, (n, count):
    three at a time, from a table.

    >>> low_digits(np.array([1907]), 5).tolist()
    [[7, 0, 9, 1, 0]]
    """
    out = np.empty((len(numbers), -(-count // 3) * 3), np.int8)
    for i in range(0, count, 3):
        rest = numbers // 1000
        out[:, i : i + 3] = _THREE[numbers - 1000 * rest]
        numbers = rest
    return out[:, :count]


_THREE = np.array([[i % 10, i // 10 % 10, i // 100] for i in range(1000)], np.int8)


@diagnostic
@dataclass(frozen=True)
class Addition(Arithmetic):
    """ADDITION: the sum of two numbers, most significant digit first.

    >>> # 55 + 19 = 74;  91 + 91 = 182
    >>> batch = Addition(digits=2).build(np.array([[.5, .1], [.9, .9]]))
    >>> batch.tokens.tolist()
    [[5, 5, 10, 1, 9, 11, 27, 24, 30, 12], [9, 1, 10, 9, 1, 11, 21, 28, 22, 30]]
    >>> batch.targets.tolist()                                          # from "=" on
    [[27, 24, 30, 12], [21, 28, 22, 30]]
    >>> # not the first digit; the pad where it fits
    >>> batch.reference.astype(int).tolist()
    [[0, 1, 1, 1], [0, 1, 1, 1]]
    >>> batch.answer.astype(int).tolist()                               # first digit to stop
    [[1, 1, 1, 0], [1, 1, 1, 1]]
    """

    name: ClassVar[str] = "addition"


@diagnostic
@dataclass(frozen=True)
class ReversedAddition(Arithmetic):
    """REVERSED ADDITION: all three numbers are written least significant digit first.

    >>> ReversedAddition(digits=2).build(np.array([[.5, .1]])).tokens.tolist()    # 55 + 19 = 74
    [[5, 5, 10, 9, 1, 11, 24, 27, 30, 12]]
    """

    name: ClassVar[str] = "reversed_addition"
    digits: int = 10
    backwards: ClassVar[bool] = True
    example: ClassVar[dict] = {"digits": 5}
    presets: ClassVar[dict] = {"smoke": {"digits": 2}, "quick": {"digits": 5}}


@diagnostic
@dataclass(frozen=True)
class Multiplication(Arithmetic):
    """MULTIPLICATION: the product of two numbers, most significant digit first; padded to 5 *
    digits + 4 tokens.

    >>> Multiplication(digits=2).build(np.array([[.5, .1]])).tokens.tolist()      # 55 * 19 = 1045
    [[5, 5, 10, 1, 9, 11, 21, 20, 24, 25, 30, 12, 12, 12]]
    """

    name: ClassVar[str] = "multiplication"
    symbol: ClassVar[str] = "*"
    most_digits: ClassVar[int] = 7
    example: ClassVar[dict] = {"digits": 3}
    presets: ClassVar[dict] = {"smoke": {"digits": 2}, "quick": {"digits": 2}}
    budgets: ClassVar[dict] = {
        "small": {"batch": 256},
        "standard": {"batch": 256},
        "paper": {"batch": 64, "steps": 156_250},
    }
    shapes: ClassVar[dict] = {"paper": "4_8_512"}

    @property
    def answer_digits(self) -> int:
        return 2 * self.digits

    @property
    def length(self) -> int:
        return 5 * self.digits + 4

    def solve(self, a, b):
        return a * b
