"""What of two transfers helps on sums, by the rules that were fixed before."""

from collections.abc import Callable

from IPython.display import Markdown

from procmod_lib.experiments.conditions import SET_ECA
from procmod_lib.experiments.on_sums import (
    BY_HAND,
    ECA,
    LARGER,
    LARGER_ON,
    PAIR,
    SHUFFLED,
    SHUFFLED_PAIR,
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

PARTS = ("attention=eca", "mlp=eca", "embeddings=eca")
OF_ECA = ((WHOLE, SHUFFLED), (SHUFFLED, "scratch"), *((part, "scratch") for part in PARTS))
PARENTS = ("attention=set", "mlp=eca")
OF_PAIR = (
    (SET_ECA, SHUFFLED_PAIR),
    (SHUFFLED_PAIR, "scratch"),
    *((SET_ECA, parent) for parent in PARENTS),
)
OF_HAND = tuple((start, "scratch") for start in BY_HAND if start != "scratch")
"""The comparisons of each rule, a family."""

HEADS = ["compared", "difference", "p (Holm)"]


def eca_table(section: Section) -> Markdown:
    """What of ECA helps REVERSED ADDITION: a row a comparison, and what they say by the rule.

    Args:
        section: the runs of :func:`procmod_lib.experiments.on_sums.eca`.
    """
    return _told_table(compared_all(section, OF_ECA), _names(OF_ECA, ECA), what_helps)


def pair_table(section: Section) -> Markdown:
    """What of the pair helps ADDITION, in the same way.

    Args:
        section: the runs of :func:`procmod_lib.experiments.on_sums.pair`.
    """
    return _told_table(compared_all(section, OF_PAIR), _names(OF_PAIR, PAIR), what_composes)


def by_hand_table(section: Section) -> Markdown:
    """Whether weights of a size alone help REVERSED ADDITION, in the same way.

    Args:
        section: the runs of :func:`procmod_lib.experiments.on_sums.by_hand`.
    """
    return _told_table(compared_all(section, OF_HAND), _names(OF_HAND, BY_HAND), what_gains)


def larger_table(section: Section) -> Markdown:
    """Where larger weights by hand help, a row a diagnostic, in the same way.

    Args:
        section: the runs of :func:`procmod_lib.experiments.on_sums.larger`.
    """
    found = {name: compared(section.on(name), LARGER, "scratch") for name in LARGER_ON}
    names = {name: f"{title(name)}, seeds {min(s)} to {max(s)}" for name, s in LARGER_ON.items()}
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


def _names(asked: tuple[Compared, ...], starts: dict[str, str]) -> dict[Compared, str]:
    return {(a, b): f"{starts[a]}, against {starts[b]}" for a, b in asked}


def compared_all(section: Section, asked: tuple[Compared, ...]) -> dict:
    """Each comparison's paired difference."""
    return {pair: compared(section, *pair) for pair in asked}


def compared(section: Section, start: str, base: str):
    """The paired difference of two starts over ten seeds; None while some are missing."""
    rows = [row for row in section.differences(base, start).itertuples() if row.n == TEN]
    return rows[0] if rows else None


def what_helps(told: set[Compared]) -> str:
    """What the rule on ECA says, from the comparisons that are told from zero, and above it.

    >>> what_helps({(WHOLE, SHUFFLED), ("mlp=eca", "scratch")})
    'what the weights learnt is needed; told above no pretraining: its MLPs alone'
    """
    parts = [ECA[part] for part in PARTS if (part, "scratch") in told]
    first = _content_or_size(told, WHOLE, SHUFFLED)
    return f"{first}; told above no pretraining: {' and '.join(parts) or 'no part alone'}"


def what_gains(told: set[Compared]) -> str:
    """What the rule on starts by hand says.

    >>> what_gains({("mlp=eca shuffle", "scratch")})
    "told above no pretraining: ECA's MLPs, shuffled; so no start by hand helps"
    """
    gaining = [start for start, _ in OF_HAND if (start, "scratch") in told]
    names = ", and ".join(BY_HAND[start] for start in gaining) or "nothing"
    helps = any("=eca" not in start for start in gaining)
    return f"told above no pretraining: {names}; so {'a' if helps else 'no'} start by hand helps"


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


def _content_or_size(told: set[Compared], learnt: str, shuffled: str) -> str:
    needs_content, size_helps = (learnt, shuffled) in told, (shuffled, "scratch") in told
    if needs_content and size_helps:
        return "a shuffle leaves a part of the gain and costs a part"
    if needs_content:
        return "what the weights learnt is needed"
    return "size is enough" if size_helps else "whether content or size helps is open"
