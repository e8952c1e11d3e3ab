"""What a shuffle loses: what was learnt, or how large each map of each head is."""

import numpy as np
import pandas as pd
from IPython.display import Markdown

from procmod_lib.experiments.each_head import (
    BOTH_CLOSEST,
    BOTH_LOOP,
    BOTH_OURS,
    CASES,
    DRAWS,
    EVEN,
    EVENED,
    FRESH,
    LAST_CLOSEST,
    LAST_OURS,
    LAYERS,
    LEARNT,
    ONLY,
    SHUFFLED,
    WITHIN,
    starts,
)
from procmod_lib.findings.carrying import TEN, Verdict, verdicts_of
from procmod_lib.network.gpt2 import MAPS, views
from procmod_lib.network.inside import head_weights
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import NOT_MEASURED, capital, in_points, of_runs
from procmod_lib.report.tables import NOT_YET, bullets, grid
from procmod_lib.runs.run import donors_of
from procmod_lib.tasks.bounds import SUCCESS

EXPECTED = {
    ("10 pairs", BOTH_CLOSEST): True,
    ("10 pairs", BOTH_LOOP): True,
    ("10 pairs", LAST_CLOSEST): True,
    ("10 pairs", BOTH_OURS): False,
    ("10 pairs", LAST_OURS): True,
    ("30 pairs", BOTH_CLOSEST): False,
    ("30 pairs", BOTH_LOOP): True,
    ("30 pairs", LAST_CLOSEST): False,
    ("30 pairs", BOTH_OURS): False,
    ("30 pairs", LAST_OURS): False,
}
"""Whether the sizes were expected to be enough; fixed in advance."""

RUNS_MISSING = "open, runs are missing"


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
    if within is None:
        return NOT_MEASURED
    words = {True: "sizes are enough", False: "sizes are not enough", None: "open"}
    surprise = "" if within.carries is expected else "not "
    return f"**{words[within.carries]}**, {surprise}as expected"


def losses_told(sections: dict[tuple[str, str], Section]) -> Markdown:
    """A line a number of pairs and a case: whether a shuffle over whole tensors loses sizes too, by
    the rule of the page: within each head the models end higher, with an interval above zero.

    Args:
        sections: as :func:`within_table` takes them.
    """
    lines = []
    for (pairs, case), section in sections.items():
        _, shuffled, within = starts(CASES[case][0])
        rows = [row for row in section.differences(shuffled, within).itertuples() if row.n]
        word = "loses sizes too" if rows and rows[0].low > 0 else "not shown"
        told = f"**{word}**, {in_points(rows[0])}" if rows else NOT_MEASURED
        lines.append(f"{capital(case)}, {pairs}: {told}.")
    return bullets(lines)


def head_sizes_table(sections: dict[str, Section]) -> Markdown:
    """How large the weights and the biases of each map of a head of the last layer are: the median
    over heads and models of their root mean square, and the least and the greatest.

    Args:
        sections: by the models in words, runs that start from them.
    """
    rows = []
    for name, section in sections.items():
        for kind, sizes in _head_sizes(section).items():
            told = (
                "" if s.isna().all() else f"{s.median():.2f} ({s.min():.2f} to {s.max():.2f})"
                for s in (sizes[each] for each in MAPS)
            )
            rows.append([f"{name}: {kind}", len(sizes), *told])
    return grid(["models", "heads", "queries", "keys", "values", "output rows"], rows)


def _head_sizes(section: Section) -> dict[str, pd.DataFrame]:
    """A row a head of the last layer of each model, a column a map: the root mean square of its
    weights, and of its biases (NaN where it has none).
    """
    found: dict[str, list] = {"weights": [], "biases": []}
    for donor in donors_of(section.runs):
        flat, arch = section.store.weights(donor), donor.arch
        if flat is None:
            continue
        last = arch.layers - 1
        joint = views(flat, arch)[f"h.{last}.attn.c_attn.bias"].reshape(3, arch.heads, -1)
        for head in range(arch.heads):
            maps = head_weights(flat, arch, last, head)
            found["weights"].append({name: _rms(part) for name, part in maps.items()})
            found["biases"].append(dict(zip(MAPS, map(_rms, joint[:, head]), strict=False)))
    return {kind: pd.DataFrame(rows).reindex(columns=MAPS) for kind, rows in found.items() if rows}


def _rms(part: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(part, dtype=float))))


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
        return RUNS_MISSING
    if biases.carries is False and weights.carries:
        return "it is the biases"
    if weights.carries is False and biases.carries:
        return "it is the weights"
    return "undecided"


def even_table(section: Section) -> Markdown:
    """A row a start: what both layers hold, how large each map of a head is, how many models carry;
    and what that says by the rules of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.each_head.even`.
    """
    verdicts = verdicts_of(section, TEN)
    found = {key: verdicts.get(start) for key, start in EVEN.items()}
    rows = [[*key, each or NOT_YET] for key, each in found.items()]
    table = grid(["what both layers hold", "size of each map", "runs above 90 %"], rows)
    random = _said(
        found[WITHIN, EVENED],
        "even sizes are what lets random numbers carry",
        "it is something else of that shuffle",
    )
    learnt = _said(
        found[LEARNT, EVENED],
        "it carries at even sizes too",
        "it does not carry at even sizes",
    )
    lines = [f"Random numbers: **{random}**.", f"What was learnt: **{learnt}**."]
    return Markdown(f"{table.data}\n\n{bullets(lines).data}")


def draws_table(section: Section) -> Markdown:
    """A row a way to shuffle, a column a draw, and whether their difference stands in the second,
    by the rule of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.each_head.drawn_again`.
    """
    verdicts = verdicts_of(section, TEN)
    found = {key: verdicts.get(start) for key, start in DRAWS.items()}
    rows = [[way, *(found[way, draw] or NOT_YET for draw in (0, 1))] for way in (SHUFFLED, WITHIN)]
    table = grid(["both layers", "first draw", "second draw"], rows)
    said = _of_draws(found[SHUFFLED, 1], found[WITHIN, 1])
    return Markdown(f"{table.data}\n\n**By the rule: {said}.**")


def draws_in_words(section: Section) -> str:
    """How many runs succeed after each way to shuffle, both draws together, in a few words."""
    told = []
    for name, way in (("over whole tensors", SHUFFLED), ("within each head", WITHIN)):
        ends = section.of(DRAWS[way, 0], DRAWS[way, 1]).ends.values()
        told.append(f"{name} {of_runs(sum(end >= SUCCESS for end in ends), len(ends))}")
    return ", ".join(told)


def _of_draws(whole: Verdict | None, within: Verdict | None) -> str:
    """Whether the two ways differ in a second draw too."""
    if whole is None or within is None:
        return RUNS_MISSING
    if whole.carries and within.carries is False:
        return "the difference stands"
    if abs(whole.successes - within.successes) <= 2:
        return "the difference does not stand"
    return "open"


def layers_table(section: Section) -> Markdown:
    """A row for what the first layer is, a column for what the last is: how many models carry; and
    what that says by the rules of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.each_head.by_layer`.
    """
    verdicts = verdicts_of(section, TEN)
    found = {layers: verdicts.get(start) for layers, start in LAYERS.items()}
    lasts = [LEARNT, SHUFFLED, WITHIN]
    rows = [
        [first, *(_cell(found, first, last) for last in lasts)]
        for first in (LEARNT, SHUFFLED, FRESH)
    ]
    table = grid(["first layer", *(f"last layer {last}" for last in lasts)], rows)
    return Markdown(f"{table.data}\n\n{bullets(_of_layers(found)).data}")


def _cell(found: dict[tuple[str, str], Verdict | None], first: str, last: str) -> str:
    """The verdict on two layers; that it was not asked of them, or not measured."""
    if (first, last) not in found:
        return "not asked"
    return str(found[first, last] or NOT_YET)


def _of_layers(found: dict[tuple[str, str], Verdict | None]) -> list[str]:
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


def _said(found: Verdict | None, carries: str, carries_not: str) -> str:
    """What a verdict says; that it is open, or that its runs are missing."""
    if found is None:
        return RUNS_MISSING
    return {True: carries, False: carries_not, None: "open"}[found.carries]


def _of_last(whole: Verdict | None, within: Verdict | None) -> str:
    """Whether a shuffle over the whole tensors of the last layer is what carries."""
    if whole is None or within is None:
        return RUNS_MISSING
    if whole.carries and within.carries is False:
        return "it is what a shuffle over whole tensors does to the last layer"
    if whole.carries is False and within.carries is False:
        return "it takes the first layer's shuffle too"
    return "undecided"
