"""What is found of curricula: which lengths their models copy, and why their attention carries."""

import numpy as np
from IPython.display import Markdown

from procmod_lib.experiments.conditions import BOTH
from procmod_lib.experiments.first_layer import QUIET_FIRST, SHUFFLED_FIRST, SHUFFLED_LAST
from procmod_lib.experiments.specification import CARRIED_IN, SPOILT_IN, Setting, setting_of
from procmod_lib.experiments.why_curricula import (
    DAMAGED,
    SHUFFLED_BOTH,
    other_lengths,
)
from procmod_lib.findings.specified import by_setting, described, models_of
from procmod_lib.network import inside
from procmod_lib.report import statistics
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import capital, from_to, of_runs, span
from procmod_lib.report.tables import NOT_YET, bullets, grid
from procmod_lib.runs.run import Run
from procmod_lib.runs.training import LENGTHEN_BY
from procmod_lib.tasks.bounds import SUCCESS

SAMPLES = 300


def best_length(donor: Run, weights: np.ndarray) -> tuple[int, float]:
    """The list length at which a pretrained model is right most often, and how often.

    Args:
        donor: the run that pretrained it, on lists.
        weights: flat.
    """
    scores = {}
    for length in range(
        donor.task.first_length or LENGTHEN_BY, donor.task.full_length + 1, LENGTHEN_BY
    ):
        batch = donor.task.at_length(length).batch(SAMPLES, "test", donor.seed)
        scores[length] = inside.accuracy(weights, donor.arch, batch)
    best = max(scores, key=lambda length: scores[length])
    return best, scores[best]


def copied_table(section: Section) -> Markdown:
    """A row a setting with a curriculum: at which lengths its models copy best, and how well.

    Args:
        section: transfers whose sources were pretrained in several ways.
    """
    found: dict[Setting, list[tuple[int, float]]] = {}
    for run in section.runs:
        setting = setting_of(run)
        if str(run.condition) != BOTH or setting.lengths != "curriculum":
            continue
        ((_, donor),) = run.donors
        weights = section.store.weights(donor)
        if weights is not None:
            found.setdefault(setting, []).append(best_length(donor, weights))
    rows = []
    for setting, best in found.items():
        lengths, scores = zip(*best, strict=True)
        mean, between = f"{100 * np.mean(scores):.0f}", span(*statistics.interval(scores))
        rows.append([described(setting), len(best), from_to(lengths), mean, between])
    heads = ["what is changed", "n", "length copied best", "right there, mean (%)"]
    return grid([*heads, "95 % interval"], rows)


EXPECTED = (
    ("with a quiet first layer at least six of eight carry", {QUIET_FIRST: True}),
    ("with the last layer shuffled at least six of eight carry", {SHUFFLED_LAST: True}),
    (
        "with the first layer shuffled at most two of eight carry, and with both shuffled too",
        {SHUFFLED_FIRST: False, SHUFFLED_BOTH: False},
    ),
)
"""What the page says in words, and of which starts: whether they carry."""
OFTEN = 4
"""Settings of five in which an expectation has to hold."""


def ends_of(section: Section) -> dict[Setting, dict[str, list[float]]]:
    """How the runs from each setting and start end: their token accuracies, in order of seeds."""
    ends = section.ends
    found: dict[Setting, dict[str, list[float]]] = {}
    for run in section.runs:
        if run.key in ends:
            starts = found.setdefault(setting_of(run), {})
            starts.setdefault(str(run.condition), []).append(ends[run.key])
    return found


def damaged_table(section: Section) -> Markdown:
    """A row a setting: how many of its models carry by attention as learnt and damaged.

    Args:
        section: the runs of :func:`procmod_lib.experiments.why_curricula.damaged`.
    """
    rows = [
        [described(setting), *(_carried(ends.get(start, [])) for start in DAMAGED)]
        for setting, ends in ends_of(section).items()
    ]
    heads = ["as learnt", "both shuffled", "first quiet", "first shuffled", "last shuffled"]
    return grid(["what is changed", *heads], rows)


def damaged_judged(section: Section) -> Markdown:
    """Whether each expectation holds in so many settings as the page asks; open before all runs.

    Args:
        section: the runs of :func:`procmod_lib.experiments.why_curricula.damaged`.
    """
    if not section.is_complete:
        return Markdown(NOT_YET)
    found, lines = ends_of(section), []
    for words, starts in EXPECTED:
        held = sum(_holds(ends, starts) for ends in found.values())
        word = "holds" if held >= OFTEN else "fails"
        lines.append(f"{capital(words)}: **{word}**, met in {held} of {len(found)} settings.")
    return bullets(lines)


def by_length_table(section: Section) -> Markdown:
    """A row a way to choose lengths: how many models carry, have learnt, and their layers' sizes.

    Args:
        section: the runs of :func:`procmod_lib.experiments.why_curricula.by_length`.
    """
    found = {row.setting: row for row in by_setting(models_of(section)).itertuples()}
    rows = []
    for words, setting in _named(section).items():
        if setting in found:
            row = found[setting]
            carried = [of_runs(row.both, row.both_n), of_runs(row.last, row.last_n)]
            sizes = [f"{row.first_size:.2f}", f"{row.last_size:.2f}"]
            rows.append([words, *carried, f"{row.learnt} of {row.n}", *sizes])
    heads = ["lists of", "both layers", "last layer alone", "learnt"]
    return grid([*heads, "size of the first layer", "of the last"], rows)


def by_length_judged(section: Section) -> Markdown:
    """What would be said of curricula, by the rule of the page; open before all runs.

    Args:
        section: the runs of :func:`procmod_lib.experiments.why_curricula.by_length`.
    """
    if not section.is_complete:
        return Markdown(NOT_YET)
    found = ends_of(section)
    _, *others = (successes_of(found[setting][BOTH]) for setting in _named(section).values())
    *short, longest, every = others
    if max(short) >= CARRIED_IN and longest <= SPOILT_IN:
        return Markdown("**Short lists do it**, in the one setting that was asked.")
    if max(short) < CARRIED_IN <= every:
        return Markdown("**Many lengths do it**, in the one setting that was asked.")
    if max(others) < CARRIED_IN:
        return Markdown("**The curriculum does it**, in the one setting that was asked.")
    return Markdown("**Undecided** by the rule.")


def told(short: Section, damage: Section) -> str:
    """What lists and what content do, in two sentences; nothing before all runs are there.

    Args:
        short: the runs of :func:`procmod_lib.experiments.why_curricula.short_in_full`.
        damage: those of :func:`procmod_lib.experiments.why_curricula.damaged`.
    """
    if not (short.is_complete and damage.is_complete):
        return ""
    shuffled = _of(ends_of(damage)[setting_of(damage.runs[0])][SHUFFLED_LAST])
    return (
        f"From lists of {setting_of(short.runs[0]).size[0]} tokens in its place: "
        f"{short.short(BOTH)}. With the curriculum's last layer shuffled, {shuffled} runs of 10 "
        "pairs succeed."
    )


def _named(section: Section) -> dict[str, Setting]:
    """The ways to choose lengths in words; the first run of the section has a curriculum."""
    return other_lengths(setting_of(section.runs[0])) if section.runs else {}


def successes_of(ends: list[float]) -> int:
    """How many runs succeed."""
    return sum(end >= SUCCESS for end in ends)


def _of(ends: list[float]) -> str:
    return f"{successes_of(ends)} of {len(ends)}"


def _carried(ends: list[float]) -> str:
    return of_runs(successes_of(ends), len(ends))


def _holds(ends: dict[str, list[float]], starts: dict[str, bool]) -> bool:
    """Whether each start carries where it should, and does not where it should not."""
    many = {start: successes_of(ends[start]) for start in starts}
    return all(
        many[start] >= CARRIED_IN if carries else many[start] <= SPOILT_IN
        for start, carries in starts.items()
    )
