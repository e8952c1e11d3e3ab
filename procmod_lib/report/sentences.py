"""How the book words numbers.

One way for a share, one for a difference, and one rule for "helps".
"""

import numpy as np

from procmod_lib.report import statistics

SMALLEST = 0.02  # a difference below which no sentence says "helps" or "harms", as a share
HELPS = ("helps", "harms")
HIGHER = ("higher", "lower")
SHOWN = {"replicated": "shown", "partly": "partly shown", "not replicated": "not shown"}
"""How a verdict reads where the claim is this book's own."""

NOT_MEASURED = "not yet measured"


def percent(mean: float, low: float, high: float, n: int) -> str:
    """Write a share as the book writes all of them.

    >>> percent(0.5, 0.25, 0.75, 3)
    '50.0 % (95 % interval 25.0 to 75.0, n = 3)'
    """
    return f"{100 * mean:.1f} % ({_between(low, high, n)})"


def in_points(row) -> str:
    """Write a row of :func:`procmod_lib.report.statistics.paired_differences` as the book writes
    all differences.
    """
    return f"{100 * row.difference:+.1f} points ({_between(row.low, row.high, int(row.n), '+')})"


def _between(low: float, high: float, n: int, sign: str = "") -> str:
    if low != low:  # NaN: too few seeds
        return f"n = {n}: no interval"
    return f"95 % interval {100 * low:{sign}.1f} to {100 * high:{sign}.1f}, n = {n}"


def span(low: float, high: float) -> str:
    """An interval of shares as it stands in a table, in %.

    >>> span(0.25, 0.75), span(float("nan"), float("nan"))
    ('25.0 to 75.0', 'none')
    """
    return "none" if low != low else f"{100 * low:.1f} to {100 * high:.1f}"


def spread(sizes) -> str:
    """The median of some sizes, in brackets the least and the greatest.

    >>> spread([0.5, 0.25, 1])
    '0.50 (0.25 to 1.00)'
    """
    return f"{np.median(sizes):.2f} ({np.min(sizes):.2f} to {np.max(sizes):.2f})"


def from_to(counts) -> str:
    """The least and the most of some numbers; one of them where they are equal.

    >>> from_to([6, 1000, 6]), from_to([0.5])
    ('6 to 1,000', '0.5')
    """
    ends = sorted({min(counts), max(counts)})
    return " to ".join(f"{end:,}" if isinstance(end, int) else f"{end:g}" for end in ends)


def of_runs(successes: int, n: int) -> str:
    """How many of some runs, with Wilson interval; that there are none yet.

    >>> of_runs(5, 6), of_runs(0, 0)
    ('5 of 6 (44 to 97 %)', 'not yet measured')
    """
    if not n:
        return NOT_MEASURED
    low, high = statistics.wilson(successes, n)
    return f"{successes} of {n} ({100 * low:.0f} to {100 * high:.0f} %)"


def p_value(p: float) -> str:
    """A p value as it stands in a table; nothing where there is none.

    >>> p_value(0.0004), p_value(0.25)
    ('below 0.001', '0.250')
    """
    if p != p:
        return ""
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def capital(text: str) -> str:
    """A text with its first letter in upper case, the others as they are."""
    return text[0].upper() + text[1:]


def sentence(row, noun: str, words: tuple[str, str] = HELPS) -> str:
    """One plain sentence on a paired difference, by the rule of the method page: the interval and
    the exact test decide.

    Args:
        row: a row of :func:`procmod_lib.report.statistics.paired_differences`.
        noun: what was transferred, the sentence's subject.
        words: for an interval above zero and for one below.
    """
    noun, points = capital(noun), in_points(row)
    if row.n < statistics.FEWEST_FOR_INTERVAL:
        return f"{noun}: {points}; too few seeds to say."
    if row.low <= 0 <= row.high:
        return f"{noun}: **no difference that can be told from zero**, {points}."
    if max(abs(row.low), abs(row.high)) < SMALLEST:
        return f"{noun}: **differs by less than {100 * SMALLEST:.0f} points**, {points}."
    verb = words[0] if row.low > 0 else words[1]
    if row.p < statistics.LEVEL:
        return f"{noun}: **{verb}**, {points}."
    luck = f"the exact test cannot tell it from luck (p = {p_value(row.p)})"
    return f"{noun}: **perhaps {verb}**, {points}; {luck}."
