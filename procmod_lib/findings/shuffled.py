"""What a shuffle loses: what was learnt, or how large each map of each head is."""

import numpy as np
import pandas as pd
from IPython.display import Markdown

from procmod_lib.experiments.each_head import (
    BOTH_CLOSEST,
    BOTH_LOOP,
    BOTH_OURS,
    CASES,
    LAST_CLOSEST,
    LAST_OURS,
    ONLY,
    starts,
)
from procmod_lib.findings.carrying import OF_TEN, RUNS_MISSING, Carried, in_words, verdicts_of
from procmod_lib.network.gpt2 import MAPS, views
from procmod_lib.network.inside import head_weights
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import NOT_MEASURED, capital, in_points, spread
from procmod_lib.report.tables import bullets, grid
from procmod_lib.runs.run import donors_of

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


def within_table(sections: dict[tuple[str, str], Section]) -> Markdown:
    """A row a number of pairs and a case: how many models carry as learnt and after each shuffle,
    and what the second says by the rule of the page.

    Args:
        sections: by (pairs, case), the runs of :func:`procmod_lib.experiments.each_head.runs`.
    """
    rows = []
    for (pairs, case), section in sections.items():
        verdicts = verdicts_of(section, OF_TEN)
        found = [verdicts.get(start) for start in starts(CASES[case][0])]
        verdict = _verdict(found[0], found[-1], EXPECTED[pairs, case])
        rows.append([f"{case}, {pairs}", *map(in_words, found), verdict])
    return grid(["from", "as learnt", "shuffled", "shuffled within each head", "by the rule"], rows)


def _verdict(learnt: Carried | None, within: Carried | None, expected: bool) -> str:
    """What the shuffle within each head says, and whether it was expected; beside it, where that
    takes nothing away, how the start itself ends.
    """
    if within is None:
        return NOT_MEASURED
    words = {True: "sizes are enough", False: "sizes are not enough", None: "open"}
    surprise = "" if within.carries is expected else "not "
    if learnt is None or learnt.carries:
        itself = ""
    else:
        itself = "; as learnt: open" if learnt.carries is None else "; as learnt: does not carry"
    return f"**{words[within.carries]}**, {surprise}as expected{itself}"


def losses_told(sections: dict[tuple[str, str], Section]) -> Markdown:
    """A line a number of pairs and a case: whether a shuffle over whole tensors loses sizes too, by
    the rule of the page: within each head the models end higher, with an interval above zero.

    Args:
        sections: as :func:`within_table` takes them.
    """
    lines = []
    for (pairs, case), section in sections.items():
        _, shuffled, within = starts(CASES[case][0])
        row = section.difference(within, shuffled, OF_TEN.seeds)
        word = "loses sizes too" if row and row.low > 0 else "not shown"
        if row and row.high < 0:
            word = "the other way round"
        told = f"**{word}**, {in_points(row)}" if row else NOT_MEASURED
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
            told = ("" if s.isna().all() else spread(s) for s in (sizes[each] for each in MAPS))
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
    verdicts = {pairs: verdicts_of(section, OF_TEN) for pairs, section in sections.items()}
    rows = [
        [name, *(in_words(found.get(start)) for found in verdicts.values())]
        for name, start in ONLY.items()
    ]
    said = [f"With {pairs}, by the rule: **{_which(found)}**." for pairs, found in verdicts.items()]
    table = grid(["shuffled over whole tensors", *sections], rows)
    return Markdown(f"{table.data}\n\n{bullets(said).data}")


def _which(found: dict[str, Carried]) -> str:
    """Whether it is the biases or the weights, from the verdict on each shuffle."""
    _, biases, weights = (found.get(start) for start in ONLY.values())
    if biases is None or weights is None:
        return RUNS_MISSING
    if biases.carries is False and weights.carries:
        return "it is the biases"
    if weights.carries is False and biases.carries:
        return "it is the weights"
    return "undecided"
