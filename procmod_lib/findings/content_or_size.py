"""Can size stand in for content? The last layer of short lists, learnt and shuffled, at many sizes.

The rule stands on the page "Fixed in advance".
"""

import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib.figure import Figure

from procmod_lib.experiments.each_head import LEARNT, SHUFFLED, WITHIN
from procmod_lib.experiments.specification import CARRIED_IN, SEEDS, Setting
from procmod_lib.experiments.why_curricula import MULTIPLIERS, at_size
from procmod_lib.findings.curricula import ends_of, successes_of
from procmod_lib.report.figures import draw_factors
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import NOT_MEASURED, from_to
from procmod_lib.report.tables import NOT_YET, bullets


def draw_scaled(section: Section) -> Figure | None:
    """What the last layer carries, as learnt and shuffled, at every size; None before any run.

    Args:
        section: the runs of :func:`procmod_lib.experiments.why_curricula.scaled`, and of
            :func:`procmod_lib.experiments.why_curricula.scaled_within`.
    """
    rows = [
        {"panel": _named(setting), "change": change, "factor": factor}
        | {"initial_condition": start, "token_accuracy": accuracy}
        for setting, ends in ends_of(section).items()
        for factor in MULTIPLIERS
        for change, start in at_size(factor).items()
        for accuracy in ends.get(start, [])
    ]
    return draw_factors(pd.DataFrame(rows)) if rows else None


def scaled_judged(section: Section) -> Markdown:
    """Whether content is worth size and size replaces content, by the rule of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.why_curricula.scaled`.
    """
    if not section.is_complete:
        return Markdown(NOT_YET)
    least = {setting: _least_sizes(ends) for setting, ends in ends_of(section).items()}
    is_worth = all(each[LEARNT] < each[SHUFFLED] for each in least.values())
    replaces = all(each[SHUFFLED] < np.inf for each in least.values())
    return bullets(
        [
            f"As learnt the layer carries at a smaller size than shuffled: **{_so(is_worth)}**.",
            f"Shuffled it carries too if it is large enough: **{_so(replaces)}**.",
            _told(least, SHUFFLED),
            f"So shuffled over whole tensors the layer needs {worth(section)}.",
        ]
    )


def within_judged(section: Section) -> Markdown:
    """Whether content is worth size beside a shuffle that keeps the size of each map of each head,
    by the rule of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.why_curricula.scaled`, and of
            :func:`procmod_lib.experiments.why_curricula.scaled_within`.
    """
    if not section.is_complete:
        return Markdown(NOT_YET)
    least = {setting: _least_sizes(ends) for setting, ends in ends_of(section).items()}
    is_worth = all(each[LEARNT] < each[WITHIN] for each in least.values())
    return bullets(
        [
            "As learnt the layer carries at a smaller size than shuffled within each head: "
            f"**{_so(is_worth)}**.",
            _told(least, WITHIN),
            f"So shuffled within each head the layer needs {worth(section, WITHIN)}.",
        ]
    )


def _so(holds: bool) -> str:
    return "in both settings" if holds else "not shown"


def _told(least: dict[Setting, dict[str, float]], change: str) -> str:
    """A sentence on the least sizes, as learnt and changed."""
    sizes = [
        f"with {_named(setting)} as learnt {_least(each['as learnt'])}, "
        f"{change} {_least(each[change])}"
        for setting, each in least.items()
    ]
    return f"Least sizes, of eight models each: {'; '.join(sizes)}."


def _named(setting: Setting) -> str:
    """What tells the two settings that are asked apart."""
    return f"{setting.steps:,} steps and weight decay {setting.decay:g}"


def worth(section: Section, change: str = SHUFFLED) -> str:
    """How many times the size that it needs as learnt the last layer needs when shuffled, with n:
    the bounds that the factors allow, since each size lies between two of them.

    Args:
        section: the runs of :func:`procmod_lib.experiments.why_curricula.scaled`, with those of
            :func:`procmod_lib.experiments.why_curricula.scaled_within` for the other change.
        change: which shuffle, as :func:`procmod_lib.experiments.why_curricula.at_size` names it.
    """
    if not section.is_complete:
        return NOT_MEASURED
    sizes = [_least_sizes(ends) for ends in ends_of(section).values()]
    least = [(each[LEARNT], each[change]) for each in sizes]
    beyond = int(np.isinf(least).any(axis=1).sum())
    if beyond:
        return f"more than was asked in {beyond} of {len(least)} settings (n = {SEEDS} models)"
    times = f"at least {min(_below(shuffled) / learnt for learnt, shuffled in least):g}"
    if all(_below(learnt) for learnt, _ in least):
        bounds = [_below(shuffled) / learnt for learnt, shuffled in least]
        times = from_to(bounds + [shuffled / _below(learnt) for learnt, shuffled in least])
    return f"{times} times the size (bounds of a grid; n = {SEEDS} models)"


def _least_sizes(ends: dict[str, list[float]]) -> dict[str, float]:
    """The smallest factor with which enough models carry, by what was done, else infinity."""
    least: dict[str, float] = {}
    for factor in MULTIPLIERS:
        for change, start in at_size(factor).items():
            if successes_of(ends.get(start, [])) >= CARRIED_IN:
                least.setdefault(change, factor)
    return dict.fromkeys(at_size(1), np.inf) | least


def _below(factor: float) -> float:
    """The factor that was tried before, with which too few models carry; 0 below the first."""
    return max((other for other in MULTIPLIERS if other < factor), default=0.0)


def _least(factor: float) -> str:
    return f"times {factor:g}" if factor < np.inf else "at none"
