"""What a shuffle loses: what was learnt, or how large each map of each head is."""

from IPython.display import Markdown

from procmod_lib.experiments.each_head import CASES, ONLY, starts
from procmod_lib.findings.carrying import TEN, Verdict, verdicts_of
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import HIGHER
from procmod_lib.report.tables import NOT_YET, bullets, grid

BOTH_CLOSEST, BOTH_LOOP, LAST_CLOSEST = CASES
EXPECTED = {
    ("10 pairs", BOTH_CLOSEST): True,
    ("10 pairs", BOTH_LOOP): True,
    ("10 pairs", LAST_CLOSEST): True,
    ("30 pairs", BOTH_CLOSEST): False,
    ("30 pairs", BOTH_LOOP): True,
    ("30 pairs", LAST_CLOSEST): False,
}
"""Whether the sizes were expected to be enough; fixed in advance."""


def within_table(sections: dict[tuple[str, str], Section]) -> Markdown:
    """A row a number of pairs and a case: how many models carry as learnt and after each shuffle,
    and what the second says by the rule of the page.

    Args:
        sections: by (pairs, case), the runs of :func:`procmod_lib.experiments.each_head.runs`.
    """
    rows = []
    for (pairs, case), section in sections.items():
        verdicts = verdicts_of(section, TEN)
        found = [verdicts.get(start) for start in starts(CASES[case][0])]
        verdict = _verdict(found[-1], EXPECTED[pairs, case])
        rows.append([f"{case}, {pairs}", *(each or NOT_YET for each in found), verdict])
    return grid(["from", "as learnt", "shuffled", "shuffled within each head", "by the rule"], rows)


def _verdict(within: Verdict | None, expected: bool) -> str:
    """What the shuffle within each head says, and whether it was expected."""
    if within is None or within.carries is None:
        return "open"
    said = "sizes are enough" if within.carries else "what was learnt is needed"
    return f"**{said}**, {'' if within.carries is expected else 'not '}as expected"


def losses_told(sections: dict[tuple[str, str], Section]) -> Markdown:
    """A sentence a number of pairs and a case: whether a shuffle over whole tensors loses sizes
    too, by the rule of the page.

    Args:
        sections: as :func:`within_table` takes them.
    """
    lines = []
    for (pairs, case), section in sections.items():
        _, shuffled, within = starts(CASES[case][0])
        lines.append(section.sentence(within, f"{case}, {pairs}", shuffled, HIGHER))
    return bullets(lines)


def only_table(sections: dict[str, Section]) -> Markdown:
    """Whether a shuffle of weights or of biases alone does what a shuffle of both does, by the
    rule of the page: a row of what is shuffled, a column a number of pairs.

    Args:
        sections: by the number of pairs, the runs of
            :func:`procmod_lib.experiments.each_head.only`.
    """
    verdicts = {pairs: verdicts_of(section, TEN) for pairs, section in sections.items()}
    rows = [
        [name, *(found.get(start) or NOT_YET for found in verdicts.values())]
        for name, start in ONLY.items()
    ]
    said = [f"With {pairs}, by the rule: **{_which(found)}**." for pairs, found in verdicts.items()]
    table = grid(["shuffled over whole tensors", *sections], rows)
    return Markdown(f"{table.data}\n\n{bullets(said).data}")


def _which(found: dict[str, Verdict]) -> str:
    """Whether it is the biases or the weights, from the verdict on each shuffle."""
    _, biases, weights = (found.get(start) for start in ONLY.values())
    if biases is None or weights is None:
        return "open, runs are missing"
    if biases.carries is False and weights.carries:
        return "it is the biases"
    if weights.carries is False and biases.carries:
        return "it is the weights"
    return "undecided"
