"""What a check says: one sentence on what is wrong, or on what was learnt."""

import functools
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Verdict:
    """The answer of a check; notebooks show its sentence.

    Attributes:
        right: whether the exercise is solved.
        sentence: what is wrong, or what was learnt.
    """

    right: bool
    sentence: str

    def __repr__(self) -> str:
        if self.right:
            return f"Right. {self.sentence[0].upper()}{self.sentence[1:]}"
        return f"Not yet: {self.sentence}"


class Wrong(Exception):
    """What is wrong with an answer, in one sentence."""


def expect(is_so: bool, sentence: str) -> None:
    """Raise Wrong with the sentence unless it is so."""
    if not is_so:
        raise Wrong(sentence)


def expect_drawn(first: np.ndarray, again: np.ndarray, other: np.ndarray, what: str) -> None:
    """Expect that an answer follows the generator that it was given and nothing else.

    Args:
        first: the answer.
        again: the answer with the same generator.
        other: the answer with another generator.
        what: it is, in a word.
    """
    expect(
        np.array_equal(first, again),
        "two calls with the same generator differ: draw all random numbers from rng.",
    )
    expect(
        not np.array_equal(first, other),
        f"two generators give the same {what}: draw the random numbers from rng.",
    )


def _where(error: Exception, answer) -> str:
    """In which line of the student's cell an error came up; nothing where it came up elsewhere."""
    file = answer.__code__.co_filename if hasattr(answer, "__code__") else None
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return f" in line {lines[-1]} of its cell" if lines else ""


def check(learnt: str) -> Callable:
    """Decorate a function that raises Wrong: it returns a Verdict and never stops a notebook.

    Args:
        learnt: what a right answer has shown.
    """

    def decorate(examine: Callable) -> Callable:
        @functools.wraps(examine)
        def checked(answer, *arguments) -> Verdict:
            try:
                examine(answer, *arguments)
            except Wrong as wrong:
                return Verdict(False, str(wrong))
            except NotImplementedError:
                return Verdict(False, "the function is not written yet.")
            except Exception as error:
                stop = f"{type(error).__name__}{_where(error, answer)}"
                return Verdict(False, f"it stops with {stop}: {error}")
            return Verdict(True, learnt)

        return checked

    return decorate
