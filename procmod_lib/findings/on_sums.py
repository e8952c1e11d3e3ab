"""What of two transfers helps on sums, by the rules that were fixed before."""

from collections.abc import Callable
from typing import NamedTuple

from IPython.display import Markdown

from procmod_lib.experiments.conditions import SET_ECA
from procmod_lib.experiments.on_sums import (
    BY_HAND,
    CONTENT,
    ECA,
    LARGER,
    LARGER_ON,
    MLPS,
    PAIR,
    SHUFFLED,
    SHUFFLED_MLPS,
    SHUFFLED_PAIR,
    SIZED,
    WHOLE,
)
from procmod_lib.experiments.why_curricula import TEN
from procmod_lib.findings.carrying import RUNS_MISSING, by_rule
from procmod_lib.report import statistics
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import in_points, p_value
from procmod_lib.report.tables import NOT_YET
from procmod_lib.tasks import title

Compared = tuple[str, str]
"""A start, and what it is held against."""

PARTS_OF_ECA = ("attention=eca", "mlp=eca", "embeddings=eca")
PARENTS = ("attention=set", "mlp=eca")
HEADS = ["compared", "difference", "p (Holm)"]


class Question(NamedTuple):
    """A rule: which starts are compared, a family, and what it makes of those that are told.

    Attributes:
        names: of the starts.
        asked: the comparisons.
        says: the rule, from the comparisons that are told from zero, and above it.
    """

    names: dict[str, str]
    asked: tuple[Compared, ...]
    says: Callable[[set[Compared]], str]


def answer(section: Section, question: Question) -> Markdown:
    """A row a comparison, and what they say by the rule.

    Args:
        section: the runs of the question, see :mod:`procmod_lib.experiments.on_sums`.
        question: one of those below, such as :data:`OF_ECA`.
    """
    names, asked, says = question
    found = {pair: section.difference(*pair, TEN) for pair in asked}
    rows = {(start, base): f"{names[start]}, against {names[base]}" for start, base in asked}
    return _told_table(found, rows, says)


def larger_table(section: Section, by_hand: str = LARGER) -> Markdown:
    """Where larger weights by hand help, a row a diagnostic, in the same way.

    Args:
        section: the runs of :func:`procmod_lib.experiments.on_sums.larger`.
        by_hand: the start.
    """
    found = {name: section.on(name).difference(by_hand, fewest=TEN) for name in LARGER_ON}
    seeds = {name: [run.seed for run in section.on(name).runs] for name in LARGER_ON}
    names = {name: f"{title(name)}, seeds {min(s)} to {max(s)}" for name, s in seeds.items()}
    return _told_table(found, names, where_larger_helps)


def _told_table(found: dict, names: dict, rule: Callable[[set], str]) -> Markdown:
    """A row a comparison; below it what the rule makes of those that are told, and above zero.

    Args:
        found: the paired difference of each, None where runs are missing.
        names: of each, for its row.
        rule: from those that are told.
    """
    if None in found.values():
        rows = [[name, NOT_YET, ""] for name in names.values()]
        return by_rule(HEADS, rows, RUNS_MISSING)
    adjusted = dict(zip(found, statistics.holm([row.p for row in found.values()]), strict=True))
    rows = [[names[c], in_points(row), p_value(adjusted[c])] for c, row in found.items()]
    told = {c for c, row in found.items() if row.low > 0 and adjusted[c] < statistics.LEVEL}
    return by_rule(HEADS, rows, rule(told))


def what_helps(told: set[Compared]) -> str:
    """What the rule on ECA says, from the comparisons that are told from zero, and above it.

    >>> what_helps({(WHOLE, SHUFFLED), ("mlp=eca", "scratch")})
    'what the weights learnt is needed; told above no pretraining: its MLPs alone'
    """
    parts = [ECA[part] for part in PARTS_OF_ECA if (part, "scratch") in told]
    first = _content_or_size(told, WHOLE, SHUFFLED)
    return f"{first}; told above no pretraining: {' and '.join(parts) or 'no part alone'}"


def what_gains(told: set[Compared]) -> str:
    """What the rule on starts by hand says.

    >>> what_gains({("mlp=eca shuffle", "scratch")})
    "told above no pretraining: ECA's MLPs, shuffled; so no start by hand helps"
    """
    gaining = [start for start in BY_HAND if (start, "scratch") in told]
    names = ", and ".join(BY_HAND[start] for start in gaining) or "nothing"
    helps = any("=eca" not in start for start in gaining)
    return f"told above no pretraining: {names}; so {'a' if helps else 'no'} start by hand helps"


def which_sizes_help(told: set[Compared]) -> str:
    """What the rule on other parts and sizes says.

    >>> which_sizes_help({("fan_in=attention scale=0.3", "scratch")})
    'told above no pretraining: random attention alone at 0.3'
    """
    names = [name for start, name in SIZED.items() if (start, "scratch") in told]
    return f"told above no pretraining: {', and '.join(names) or 'none of them'}"


def where_larger_helps(told: set[str]) -> str:
    """What the rule on larger weights says, from the diagnostics on which they are told.

    >>> where_larger_helps({"reversed_addition"})
    'larger weights by hand help on Reversed Addition'
    """
    named = [title(name) for name in LARGER_ON if name in told]
    return f"larger weights by hand help on {', '.join(named) or 'none of them'}"


def what_composes(told: set[Compared]) -> str:
    """What the rule on the pair says.

    >>> what_composes({(SHUFFLED_PAIR, "scratch"), (SET_ECA, "mlp=eca")})
    'size is enough; the pair is told above one of its parts, not above both'
    """
    above = sum((SET_ECA, parent) in told for parent in PARENTS)
    words = ("neither of its parts", "one of its parts, not above both", "each of its parts")
    return (
        f"{_content_or_size(told, SET_ECA, SHUFFLED_PAIR)}; the pair is told above {words[above]}"
    )


def what_the_mlps_need(told: set[Compared]) -> str:
    """What the rule on ECA's MLPs says.

    >>> what_the_mlps_need({(SHUFFLED_MLPS, "scratch")})
    'size is enough'
    """
    return _content_or_size(told, MLPS, SHUFFLED_MLPS)


def _content_or_size(told: set[Compared], learnt: str, shuffled: str) -> str:
    needs_content, size_helps = (learnt, shuffled) in told, (shuffled, "scratch") in told
    if needs_content and size_helps:
        return "a shuffle leaves a part of the gain and costs a part"
    if needs_content:
        return "what the weights learnt is needed"
    return "size is enough" if size_helps else "whether content or size helps is open"


OF_ECA = Question(
    ECA,
    ((WHOLE, SHUFFLED), (SHUFFLED, "scratch"), *((part, "scratch") for part in PARTS_OF_ECA)),
    what_helps,
)
"""What of ECA helps REVERSED ADDITION."""

OF_PAIR = Question(
    PAIR,
    (
        (SET_ECA, SHUFFLED_PAIR),
        (SHUFFLED_PAIR, "scratch"),
        *((SET_ECA, parent) for parent in PARENTS),
    ),
    what_composes,
)
"""What of the pair helps ADDITION."""

OF_HAND = Question(
    BY_HAND,
    tuple((start, "scratch") for start in BY_HAND if start != "scratch"),
    what_gains,
)
"""Whether weights of a size alone help REVERSED ADDITION."""

OF_SIZE = Question(
    SIZED,
    tuple((start, "scratch") for start in SIZED if start != "scratch"),
    which_sizes_help,
)
"""Which larger weights help REVERSED ADDITION, and how large."""

OF_MLPS = Question(
    CONTENT,
    ((MLPS, SHUFFLED_MLPS), (SHUFFLED_MLPS, "scratch")),
    what_the_mlps_need,
)
"""Whether what ECA's MLPs learnt helps REVERSED ADDITION."""
