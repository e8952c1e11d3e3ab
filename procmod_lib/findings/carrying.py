"""Whether a start carries HAYSTACK, by how many of its models succeed."""

from typing import NamedTuple

from IPython.display import Markdown

from procmod_lib.experiments import specification, why_curricula
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import of_runs
from procmod_lib.report.tables import NOT_YET, grid

RUNS_MISSING = "open, runs are missing"
"""What a rule says before all that it asks for is there."""


class Bounds(NamedTuple):
    """Of how many seeds, at most so many mean that a start does not carry, at least so many that it
    does; see "Fixed in advance".
    """

    seeds: int
    most: int
    least: int


OF_EIGHT = Bounds(specification.SEEDS, specification.SPOILT_IN, specification.CARRIED_IN)
OF_TEN = Bounds(why_curricula.TEN, 2, 8)
OF_SIX = Bounds(6, 1, 5)


class Carried(NamedTuple):
    """How many models of those that a rule asks for carry."""

    successes: int
    rule: Bounds

    @property
    def carries(self) -> bool | None:
        """Whether the start carries by the rule; None is open."""
        if self.rule.most < self.successes < self.rule.least:
            return None
        return self.successes >= self.rule.least

    def __str__(self) -> str:
        word = {True: "carries", False: "does not carry", None: "open"}[self.carries]
        return f"{of_runs(self.successes, self.rule.seeds)}: {word}"


def verdicts_of(section: Section, rule: Bounds) -> dict[str, Carried]:
    """By start; none of a start that has fewer seeds, or more, than the rule is made for.

    Args:
        section: runs of several starts.
        rule: how many seeds each needs, and how many decide.
    """
    return {
        str(row.initial_condition): Carried(row.successes, rule)
        for row in section.summary.itertuples()
        if row.n == rule.seeds
    }


def in_words(verdict: Carried | None) -> str:
    """The verdict on a start; that it is not measured."""
    return NOT_YET if verdict is None else str(verdict)


def by_rule(heads: list[str], rows: list[list], said: str) -> Markdown:
    """A table, and below it what it says by the rule of the page."""
    return Markdown(f"{grid(heads, rows).data}\n\n**By the rule: {said}.**")
