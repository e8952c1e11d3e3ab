"""The words of which an initial condition is made: one entry each, which says everything about its
word.

An entry says what may stand behind the word, what a figure and the method page call it, and what it
does to a tensor. A word of your own is one call of :func:`register` with one of these entries;
nothing else has to change (see CONTRIBUTING.md).

* :class:`Copy` takes the tensors of some parts from a source.
* :class:`Write` draws tensors by hand, with no source.
* :class:`Cut` narrows what is replaced to a layer, a head, a tensor.
* :class:`Change` perturbs what was copied.
* :class:`Word` itself is a setting, such as ``scale``, that the surgery reads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from procmod_lib.network.gpt2 import MAPS

PARTS = {"attention": "A", "mlp": "F", "norms": "N", "embeddings": "E"}
"""The parts of a model by the names that stand behind ``on=``, ``freeze=`` and ``fan_in=``."""

TENSORS = MAPS
"""The four maps of attention, by the names that stand behind ``tensors=``."""


def as_text(value) -> str:
    """A value as it prints."""
    return str(value)


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word of an initial condition.

    Attributes:
        name: the word.
        default: its value where it is absent; its type is the type of the values (a bool stands
            alone).
        about: one sentence for the method page and the command line.
        allowed: what a wrong value is told, a sentence that begins with the word.
        check: whether a value is right.
        label: what a figure writes for a value.
    """

    name: str
    default: bool | float | int | str
    about: str
    allowed: str = ""
    check: Callable = lambda value: True
    label: Callable = as_text

    def read(self, text: str):
        """Turn the text behind ``=`` into a value.

        Raises ValueError where it is of another kind.
        """
        if "_" in text and not isinstance(self.default, str):
            raise ValueError(f"{text!r} is no number")  # though Python reads 1_0
        return True if self.default is False else type(self.default)(text)


@dataclass(frozen=True, kw_only=True)
class Copy(Word):
    """A word that names a source.

    ``parts`` are those that are copied from it, ``noun`` what figures call them, ``marker`` and
    ``line`` how they draw them.
    """

    default: str = ""
    parts: str
    noun: str
    marker: str = "P"
    line: str = "-."


@dataclass(frozen=True, kw_only=True)
class Write(Word):
    """A word that writes tensors by hand.

    ``parts(value)`` are the parts that it touches; ``spread(value, name, shape)`` is the standard
    deviation of a weight tensor."""

    parts: Callable
    spread: Callable


@dataclass(frozen=True, kw_only=True)
class Cut(Word):
    """A word that narrows what is replaced.

    ``keeps(value, name, arch)`` says which outputs of a tensor stay in: True or False for all of
    it, or a mask over the columns of the query, key and value projection (3 D,) or the rows of the
    output projection (D,)."""

    keeps: Callable


@dataclass(frozen=True, kw_only=True)
class Change(Word):
    """A perturbation.

    ``apply(copied, value, fresh, rng)`` returns the changed tensor, of the same shape.
    """

    apply: Callable


class Words(Protocol):
    """The words of a condition, as :class:`procmod_lib.initial.condition.Condition` holds them."""

    given: dict

    def __getitem__(self, name: str) -> Any: ...

    def of_kind(self, kind: type) -> dict:
        """The words of one kind that were given, with their values."""


WORDS: dict[str, Word] = {}
"""Every word by name, in the order in which a condition prints them."""


def register(word: Word) -> Word:
    """Add a word to the grammar; raises ValueError where the name is taken."""
    if word.name in WORDS:
        raise ValueError(f"word must have a name of its own, got {word.name!r}, which is taken.")
    WORDS[word.name] = word
    return word


def is_listed(text: str, allowed) -> bool:
    """Whether text is one or more of the allowed names, in their order, with + between them; so
    what is the same has one text, and one key.

    >>> is_listed("query+key", TENSORS), is_listed("key+query", TENSORS)
    (True, False)
    """
    names = text.split("+")
    return names == [name for name in allowed if name in names]


LARGEST = 1e6
"""Weights beyond it would overflow somewhere in a model."""


def is_size(value: float) -> bool:
    """Whether a number may be a size of weights or a factor of it: above 0 and not absurd."""
    return 0 < value <= LARGEST


def heads(value: str) -> list[tuple[int, int]]:
    """The heads that a value of ``head=`` names, as (layer, head).

    >>> heads("1.0+1.1")
    [(1, 0), (1, 1)]
    """
    pairs = [each.split(".") for each in value.split("+")]
    return [(int(layer), int(head)) for layer, head in pairs]


def as_its_kind(word: Word, value):
    """A value as its word's kind, so that a condition prints what it was read from.

    Raises ValueError where it is of another kind.
    """
    kind = type(word.default)
    kinds = (int, float) if kind is float else kind
    if not isinstance(value, kinds) or (isinstance(value, bool) and kind is not bool):
        asked = {bool: "True", str: "text", int: "a whole number", float: "a number"}[kind]
        raise ValueError(f"initial_condition: {word.name} must be {asked}, got {value!r}.")
    return kind(value)


def known_words() -> str:
    """Every word as it is written, for an error message."""
    return ", ".join(
        ["scratch", *(n if word.default is False else f"{n}=..." for n, word in WORDS.items())]
    )
