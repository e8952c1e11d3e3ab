"""More functions of a list, from the follow-up paper (arXiv 2601.21725).

REVERSE, SORT, UNION, DELETE.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from procmod_lib.tasks.lists import ListTask, first_appearances, left_align
from procmod_lib.tasks.registry import source


@source
@dataclass(frozen=True)
class Reverse(ListTask):
    """REVERSE: write the list backwards.

    >>> task = Reverse(symbols=5, list_length=3, lengths="fixed")
    >>> task.build(np.array([[0, .30, .90, .10]])).tokens.tolist()
    [[2, 4, 1, 5, 1, 4, 2]]
    """

    name: ClassVar[str] = "reverse"
    colour: ClassVar[str] = "#7F6A00"

    def output(self, payload, lengths):
        back = np.maximum(lengths[:, None] - 1 - np.arange(payload.shape[1]), 0)
        return np.take_along_axis(payload, back, 1), lengths


@source
@dataclass(frozen=True)
class Sort(ListTask):
    """SORT: write the list in ascending order of token id.

    >>> task = Sort(symbols=5, list_length=3, lengths="fixed")
    >>> task.build(np.array([[0, .30, .90, .10]])).tokens.tolist()
    [[2, 4, 1, 5, 1, 2, 4]]
    """

    name: ClassVar[str] = "sort"
    colour: ClassVar[str] = "#5D3A9B"

    def output(self, payload, lengths):
        return np.sort(payload, axis=1), lengths  # the pad is the largest id


@source
@dataclass(frozen=True)
class Union(ListTask):
    """UNION: the list is two lists end to end; write the elements of either, once, in order of
    first appearance.

    The first list takes the first half of the positions (rounded down), the second the rest; the
    pop token 0 stands between them. In the reference's form both lists have half of the length, and
    a separator of its own stands between them.

    >>> task = Union(symbols=5, list_length=5, lengths="fixed")
    >>> # {2 4} + {2 2} = {2 4}
    >>> task.build(np.array([[0, .30, .90, .10, .30, .30]])).tokens.tolist()
    [[2, 4, 0, 2, 2, 5, 2, 4, 6, 6, 6, 6]]
    """

    name: ClassVar[str] = "union"
    colour: ClassVar[str] = "#A6761D"
    divider: ClassVar[str] = "+"
    ends: ClassVar[bool] = True
    shortest: ClassVar[int] = 3

    def check(self) -> None:
        super().check()
        self.require(
            "list_length", self.list_length >= 3, "at least 3: two lists and their divider"
        )

    @property
    def input_length(self) -> int:
        return self.list_length + self.is_reference

    def inputs(self, payload, lengths):
        if not self.is_reference:
            return payload, lengths
        half = lengths[:, None] // 2
        column = np.arange(self.input_length)
        moved = np.minimum(column - (column > half), self.list_length - 1)
        inputs = np.take_along_axis(payload, moved, 1)
        return np.where(column == half, self.symbols, inputs), 2 * half[:, 0] + 1

    def output(self, payload, lengths):
        half = lengths // 2
        if self.is_reference:
            payload[np.arange(self.list_length) >= 2 * half[:, None]] = self.symbols + 1
        else:
            payload[np.arange(len(payload)), half] = 0
        return left_align(
            payload,
            first_appearances(payload) & (payload < self.symbols) & (payload > 0),
            self.symbols + 1,
        )


@source
@dataclass(frozen=True)
class Delete(ListTask):
    """DELETE: the last token names an element; write the list before it without that element.

    The token 0 stands before the element to delete. (The released code removes its first appearance
    only, and writes it between two separators; that form is not built.)

    >>> task = Delete(symbols=5, list_length=5, lengths="fixed")
    >>> task.build(np.array([[0, .30, .90, .30, .10, .90]])).tokens.tolist()  # 2 4 2 without 4
    [[2, 4, 2, 0, 4, 5, 2, 2, 6, 6, 6, 6]]
    """

    name: ClassVar[str] = "delete"
    colour: ClassVar[str] = "#444444"
    divider: ClassVar[str] = "-"
    ends: ClassVar[bool] = True
    shortest: ClassVar[int] = 3

    def check(self) -> None:
        super().check()
        self.require(
            "list_length", self.list_length >= 3, "at least 3: a list, its divider and the element"
        )
        self.require("form", not self.is_reference, "'ours': the reference's form is not built")

    def as_reference(self):
        return self

    def output(self, payload, lengths):
        row = np.arange(len(payload))
        payload[row, np.maximum(lengths - 2, 0)] = 0
        gone = payload[row, lengths - 1]
        keep = (np.arange(payload.shape[1]) < lengths[:, None] - 2) & (payload != gone[:, None])
        return left_align(payload, keep, self.symbols + 1)
