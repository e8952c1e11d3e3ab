"""Does a composition beat both of its parents? The rule, its word, and the table."""

from typing import NamedTuple

import pandas as pd
from IPython.display import Markdown

from procmod_lib.initial import parse
from procmod_lib.report import statistics
from procmod_lib.report.sentences import in_points
from procmod_lib.report.tables import NOT_YET, grid
from procmod_lib.tasks import title

WORDS = ("yes", "perhaps yes", "not shown", "perhaps no", "no")
HEADS = [
    "diagnostic",
    "composition",
    "against no pretraining",
    "against its attention alone",
    "against its MLPs alone",
    "beats both",
]
FEWEST = 3


class Beside(NamedTuple):
    """One composition: its differences as text, the word, and in how many seeds the comparison with
    fewest of them was made.
    """

    diagnostic: str
    composition: str
    none: str
    attention: str
    mlps: str
    word: str
    seeds: int


def judge(table: pd.DataFrame) -> list[Beside]:
    """Each composition of attention and MLPs that was run with three seeds, beside no pretraining
    and both of its parents, with a word.

    "yes" is all three intervals above zero: beating parents that harm is not enough, it must also
    beat no pretraining. "no" is an interval below zero against a parent. "perhaps" stands before it
    where the exact test does not agree.
    """
    rows, lines = statistics.differences_from_parents(table), []
    rows = rows[rows.n >= FEWEST]
    for (diagnostic, condition), three in rows.groupby(
        ["diagnostic", "initial_condition"], sort=False
    ):
        composition = parse(condition)
        if set(composition.given) != {"attention", "mlp"} or len(three) < 3:
            continue
        points = [in_points(row) for row in three.itertuples()]
        lines.append(
            Beside(title(diagnostic), composition.label, *points, word(three), three.n.min())
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


def judged_table(lines: list[Beside]) -> Markdown:
    """The table of all judged compositions."""
    return grid(HEADS, [line[:-1] for line in lines])


def judged_in_words(lines: list[Beside]) -> Markdown:
    """How many compositions got each word, what luck alone would give, and those that beat both of
    their parents, one by one.
    """
    if not lines:
        return Markdown(NOT_YET)
    words = [line.word for line in lines]
    counts = "; ".join(f"{each}: {words.count(each)}" for each in WORDS)
    luck = _luck(sum(line.seeds == FEWEST for line in lines))
    text = f"Of {len(lines)} compositions, {counts}.{luck}\n"
    for line in lines:
        if "yes" in line.word:
            text += (
                f"\n- {line.diagnostic}, {line.composition}: {line.none} against no pretraining, "
                f"{line.attention} against its attention alone, {line.mlps} against its MLPs "
                f"alone: {line.word}"
            )
    return Markdown(text)


def _luck(three: int) -> str:
    """What luck alone would give so many compositions of three seeds.

    "perhaps yes" is being the best of four in each of three seeds; "perhaps no" being below one of
    two parents in each of three.
    """
    if not three:
        return ""
    yes, no = three / 4**3, three * (2 / 2**3 - 1 / 3**3)
    return (
        ' With n = 3 every "yes" and every "no" is a "perhaps"; were a composition and what it is '
        'compared with equally good, luck alone would give "perhaps yes" to '
        f'{yes:.1f} and "perhaps no" to {no:.0f} of the {three} with n = 3.'
    )
