"""Does a composition beat both of its parents? The rule, its word, and the table."""

import pandas as pd
from IPython.display import Markdown

from procmod_lib.initial import parse
from procmod_lib.report import statistics
from procmod_lib.report.tables import NOT_YET, grid
from procmod_lib.tasks import title

WORDS = ("yes", "perhaps yes", "not shown", "perhaps no", "no")
HEADS = [
    "diagnostic",
    "composition",
    "n",
    "result in points (95 % interval): against no pretraining",
    "against its attention alone",
    "against its MLPs alone",
    "beats both",
]
FEWEST = 3


def judge(table: pd.DataFrame) -> list[list]:
    """A row for each composition that was run with three seeds, beside no pretraining and both of
    its parents, with a word.

    "yes" is all three intervals above zero: beating parents that harm is not enough, it must also
    beat no pretraining. "no" is an interval below zero against a parent. "perhaps" stands before it
    where the exact test does not agree."""
    rows, lines = statistics.differences_from_parents(table), []
    rows = rows[rows.n >= FEWEST]
    for (diagnostic, condition), three in rows.groupby(
        ["diagnostic", "initial_condition"], sort=False
    ):
        if len(three) < 3:
            continue
        points = [
            f"{100 * r.difference:+.1f} ({100 * r.low:+.1f} to {100 * r.high:+.1f})"
            for r in three.itertuples()
        ]
        lines.append(
            [title(diagnostic), parse(condition).label, three.n.min(), *points, word(three)]
        )
    return lines


def word(three: pd.DataFrame) -> str:
    """The word for a composition, from its differences from no pretraining and from each parent."""
    lost = three[(three.baseline != "scratch") & (three.high < 0)]
    if (three.low > 0).all():
        return "yes" if (three.p < statistics.LEVEL).all() else "perhaps yes"
    if not len(lost):
        return "not shown"
    return "no" if (lost.p < statistics.LEVEL).any() else "perhaps no"


def judged_table(lines: list[list]) -> Markdown:
    """The table of all judged compositions."""
    return grid(HEADS, lines)


def judged_in_words(lines: list[list]) -> Markdown:
    """How many compositions got each word, what luck alone would give, and those that beat both of
    their parents, one by one.
    """
    if not lines:
        return Markdown(NOT_YET)
    words = [line[-1] for line in lines]
    counts = "; ".join(f"{each}: {words.count(each)}" for each in WORDS)
    luck = _luck(sum(line[2] == FEWEST for line in lines))
    text = f"Of {len(lines)} compositions, {counts}.{luck}\n"
    for diagnostic, composition, n, none, attention, mlps, said in lines:
        if "yes" in said:
            text += (
                f"\n- {diagnostic}, {composition} (n = {n}): {none} points against no pretraining, "
                f"{attention} against its "
                f"attention alone, {mlps} against its MLPs alone: {said}"
            )
    return Markdown(text)


def _luck(three: int) -> str:
    """What luck alone would give so many compositions of three seeds.

    "perhaps yes" is being the best of four in each of three seeds; "perhaps no" being below one of
    two parents in each of three."""
    if not three:
        return ""
    yes, no = three / 4**3, three * (2 / 2**3 - 1 / 3**3)
    return (
        " With n = 3 no word can be without its perhaps; were a composition and what it is "
        "compared with equally good, luck alone "
        f'would give "perhaps yes" to {yes:.1f} and "perhaps no" to {no:.0f} of {three}.'
    )
