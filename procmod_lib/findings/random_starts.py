"""What random numbers in place of learnt attention carry: by their sizes and by layer.

Of models of the released loop with its optional curriculum, HAYSTACK with 30 pairs.
"""

from IPython.display import Markdown

from procmod_lib.experiments.each_head import (
    EVEN,
    EVENED,
    FRESH,
    LAYERS,
    LEARNT,
    SHUFFLED,
    WITHIN,
)
from procmod_lib.findings.carrying import (
    OF_TEN,
    RUNS_MISSING,
    Carried,
    in_words,
    verdicts_of,
)
from procmod_lib.findings.two_numbers import Predictions
from procmod_lib.report.section import Section
from procmod_lib.report.tables import bullets, grid, label

Found = dict[tuple, Carried | None]
"""The verdict on each start, by what it is in words."""


def _found(section: Section, starts: dict[tuple, str]) -> Found:
    verdicts = verdicts_of(section, OF_TEN)
    return {key: verdicts.get(start) for key, start in starts.items()}


def even_table(section: Section) -> Markdown:
    """A row a start: what both layers hold, how large each map of a head is, how many models carry;
    and what that says by the rules of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.each_head.even`.
    """
    found = _found(section, EVEN)
    rows = [[*key, in_words(each)] for key, each in found.items()]
    random = _said(
        found[WITHIN, EVENED],
        "even sizes are what lets random numbers carry",
        "even sizes are not it",
    )
    learnt = _said(
        found[LEARNT, EVENED],
        "it carries at even sizes too",
        "it does not carry at even sizes",
    )
    table = grid(["what both layers hold", "size of each map", "runs above 90 %"], rows)
    lines = [f"Random numbers: **{random}**.", f"What was learnt: **{learnt}**."]
    return Markdown(f"{table.data}\n\n{bullets(lines).data}")


def numbers_table(section: Section) -> Markdown:
    """A row a start: its share of tokens and its selective write before the first step, the mean
    over models (see :func:`procmod_lib.network.inside.start_numbers`).

    Args:
        section: the runs of :func:`procmod_lib.experiments.each_head.even`.
    """
    starts = Predictions(section).starts.itertuples()
    rows = [[label(row.condition), f"{row.tokens:.2f}", f"{row.write:.2f}"] for row in starts]
    return grid(["start", "share of tokens", "selective write"], rows)


def layers_table(section: Section) -> Markdown:
    """A row for what the first layer is, a column for what the last is: how many models carry; and
    what that says by the rules of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.each_head.by_layer`.
    """
    found, lasts = _found(section, LAYERS), [LEARNT, SHUFFLED, WITHIN]
    rows = [
        [first, *(_cell(found, first, last) for last in lasts)]
        for first in (LEARNT, SHUFFLED, FRESH)
    ]
    table = grid(["first layer", *(f"last layer {last}" for last in lasts)], rows)
    return Markdown(f"{table.data}\n\n{bullets(_of_layers(found)).data}")


def _cell(found: Found, first: str, last: str) -> str:
    """The verdict on two layers; that it was not asked of them, or not measured."""
    return in_words(found[first, last]) if (first, last) in found else "not asked"


def _of_layers(found: Found) -> list[str]:
    """What each rule says of the layers."""
    last = _of_last(found[LEARNT, SHUFFLED], found[LEARNT, WITHIN])
    first = _said(
        found[FRESH, SHUFFLED],
        "the learnt first layer keeps the shuffled last one from carrying",
        "the shuffled last layer needs the shuffled first one",
    )
    learnt = _said(
        found[SHUFFLED, LEARNT],
        "the learnt last layer carries beside a shuffled first one",
        "the learnt last layer does not carry beside a shuffled first one",
    )
    within = _said(found[FRESH, WITHIN], "sizes are enough", "sizes are not enough")
    return [
        f"The last layer beside the first as learnt: **{last}**.",
        f"The last layer shuffled, alone: **{first}**.",
        f"The first layer shuffled: **{learnt}**.",
        f"The last layer shuffled within each head, alone: **{within}**.",
    ]


def _said(found: Carried | None, carries: str, carries_not: str) -> str:
    """What a verdict says; that it is open, or that its runs are missing."""
    if found is None:
        return RUNS_MISSING
    return {True: carries, False: carries_not, None: "open"}[found.carries]


def _of_last(whole: Carried | None, within: Carried | None) -> str:
    """Whether a shuffle over the whole tensors of the last layer is what carries."""
    if whole is None or within is None:
        return RUNS_MISSING
    if whole.carries and within.carries is False:
        return "it is what a shuffle over whole tensors does to the last layer"
    if whole.carries is False and within.carries is False:
        return "it takes the first layer's shuffle too"
    return "undecided"
