"""What a check says: one sentence on what is wrong, or on what was learnt."""

import functools
from collections.abc import Callable
from dataclasses import dataclass


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
                return Verdict(False, f"it stops with {type(error).__name__}: {error}")
            return Verdict(True, learnt)

        return checked

    return decorate
