"""Several sections side by side: by learning rate, by settings, by scale."""

import numpy as np
import pandas as pd
from IPython.display import Markdown

from procmod_lib.initial import parse, with_words
from procmod_lib.initial.words import WORDS
from procmod_lib.report import statistics
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import (
    HIGHER,
    NOT_MEASURED,
    capital,
    from_to,
    in_points,
    of_runs,
    percent,
    sentence,
    span,
)
from procmod_lib.report.tables import bullets, grid, label
from procmod_lib.runs.curves import by_seed
from procmod_lib.tasks import title

BEST = 2
"""Transfers that are chosen as the best of many."""


def together(*sections: Section) -> Section:
    """Sections as one, each run once."""
    runs = list({run.key: run for section in sections for run in section.runs}.values())
    table = pd.concat([section.table for section in sections], ignore_index=True)
    return Section(runs, table.drop_duplicates(["key", "step"]), sections[0].store)


def side_by_side(
    sections: dict[str, Section],
    conditions: dict[str, str] | list[str],
    head: str,
    *,
    of_n: bool = False,
) -> Markdown:
    """A row a condition and a column a section: mean, interval, n and successes of each.

    Args:
        sections: the head of each column and what stands in it.
        conditions: what the rows are, or their names as a dictionary from condition to text.
        head: of the first column.
        of_n: whether successes are written with the number of runs.
    """
    names = (
        conditions if isinstance(conditions, dict) else {each: label(each) for each in conditions}
    )
    rows = []
    for condition, name in names.items():
        rows.append(
            [name, *(_result(section.of(condition), of_n=of_n) for section in sections.values())]
        )
    return grid([head, *sections], rows)


def _result(section: Section, *, of_n: bool) -> str:
    texts = []
    for r in section.summary.itertuples():
        many = f"{r.successes} of {r.n}" if of_n else f"{r.successes}"
        texts.append(f"{percent(r.mean, r.low, r.high, r.n)}, {many} above 90 %")
    return "; ".join(texts) or NOT_MEASURED


def how_soon(sections: dict[str, Section], conditions: list[str], head: str) -> Markdown:
    """A row a condition and a column a section: median steps until a run reaches 90 %, and how many
    of the runs do.
    """
    rows = []
    for condition in conditions:
        cells = [label(condition)]
        for section in sections.values():
            found = (
                statistics.steps_to_success(section.of(condition).table) if len(section) else None
            )
            rows_of = [] if found is None else list(found.itertuples())
            cells += [_soon(row) for row in rows_of] or [NOT_MEASURED]
        rows.append(cells)
    return grid([head, *sections], rows)


def _soon(row) -> str:
    median = f"{row.median:,.0f}" if np.isfinite(row.median) else "not by half"
    return f"{median} ({row.reached} of {row.n})"


def each_helped(sections: dict[str, Section]) -> Markdown:
    """A sentence for each condition of each section, beside no pretraining in the same section."""
    lines = []
    for name, section in sections.items():
        rows = section.differences().itertuples()
        lines += [f"{name}: {sentence(row, label(row.initial_condition))}" for row in rows]
    return bullets(lines)


def each_compared(
    sections: dict[str, Section], pairs: list[tuple[str, str]], names: dict[str, str]
) -> Markdown:
    """A sentence, "higher" or "lower", for each section and each (condition, baseline) pair.

    ``names`` are their nouns.
    """
    lines = []
    for scale, section in sections.items():
        for condition, baseline in pairs:
            noun = f"{names[condition]}, against {names[baseline]}"
            rows = section.differences(baseline, condition).itertuples()
            lines += [f"{scale}: {sentence(row, noun, HIGHER)}" for row in rows]
    return bullets(lines)


def on_average(section: Section, pairs: list[tuple[str, str]], noun: str) -> Markdown:
    """One sentence, "higher" or "lower", on several (condition, baseline) pairs together: their
    differences are averaged within each seed.
    """
    scores = by_seed(section.table).droplevel("diagnostic", axis="columns")
    named = [(str(parse(condition)), str(parse(baseline))) for condition, baseline in pairs]
    if any(each not in scores for pair in named for each in pair):
        return Markdown(f"{capital(noun)}: not yet measured.")
    found = pd.concat([scores[c] - scores[b] for c, b in named], axis=1).dropna().mean(axis=1)
    return Markdown(sentence(statistics.Difference.of(found), noun, HIGHER))


def by_settings(sections: dict[str, Section], head: str) -> Markdown:
    """A row for each way of pretraining, each section being of one condition: mean, interval, n and
    successes.
    """
    lines = []
    for name, section in sections.items():
        found = [
            [r.n, f"{100 * r.mean:.1f}", span(r.low, r.high), f"{r.successes} of {r.n}"]
            for r in section.summary.itertuples()
        ]
        lines.append([name, *(found or [[0, NOT_MEASURED, "none", ""]])[0]])
    return grid([head, "n", "mean (%)", "95 % interval", "runs above 90 %"], lines)


def first_against_others(sections: dict[str, Section]) -> Markdown:
    """A sentence, "higher" or "lower", on the first section against each of the others, over the
    seeds that both have.
    """
    (first, reference), *others = sections.items()
    lines = []
    for name, section in others:
        pair = [
            reference.table.assign(initial_condition="first"),
            section.table.assign(initial_condition="other"),
        ]
        rows = statistics.paired_differences(
            pd.concat(pair, ignore_index=True), "other"
        ).itertuples()
        lines += [sentence(row, f"{first}, against {name}", HIGHER) for row in rows]
    return bullets(lines)


def best_of_many(section: Section) -> Markdown:
    """For each diagnostic of a section, the transfers that gained most on the first seeds, and the
    same on later seeds.
    """
    lines = []
    for diagnostic in dict.fromkeys(section.table.diagnostic):
        part = section.on(diagnostic)
        late = part.where(lambda run: run.seed >= statistics.CHOSEN_ON).differences().itertuples()
        later = {r.initial_condition: in_points(r) for r in late}
        for row in best(part).itertuples():
            again = later.get(row.initial_condition, NOT_MEASURED)
            lines.append([title(diagnostic), label(row.initial_condition), in_points(row), again])
    heads = ["diagnostic", "chosen", "result on the seeds that chose it", "result on later seeds"]
    return grid(heads, lines)


def ups_and_downs(section: Section) -> Markdown:
    """A line a diagnostic: how many transfers end below no pretraining, and how far all are off."""
    lines = []
    for diagnostic, rows in section.differences().groupby("diagnostic", sort=False):
        measured = rows[rows.n >= statistics.FEWEST_FOR_INTERVAL]
        if not len(measured):
            continue
        points = 100 * measured.difference
        lines.append(
            f"{title(diagnostic)}: {(points < 0).sum()} of {len(points)} lie below, from "
            f"{points.min():+.1f} to {points.max():+.1f} points "
            f"(n = {from_to(measured.n.astype(int))} each)."
        )
    return bullets(lines)


def best(section: Section) -> pd.DataFrame:
    """The rows of the transfers that gained most over no pretraining on the first seeds."""
    early = section.where(lambda run: run.seed < statistics.CHOSEN_ON).differences()
    return early.sort_values("difference", ascending=False, kind="stable").head(BEST)


def best_conditions(section: Section) -> list[str]:
    """The conditions that gained most over no pretraining; where nothing was measured, the first
    that was asked.
    """
    rows = section.differences().sort_values("difference", ascending=False)
    asked = [str(run.condition) for run in section.runs if str(run.condition) != "scratch"]
    return list(rows.initial_condition)[:BEST] or asked[:1]


def by_source(section: Section, words: dict[str, str], part: str = "attention") -> Markdown:
    """A row a source and a column a change of its part: runs above 90 %, with Wilson interval; the
    last row is of all sources together.

    Args:
        section: runs that start from that part of several sources.
        words: what is written behind ``PART=SOURCE``, and the head of its column; the empty word is
            the transfer as it is.
        part: ``"attention"`` or ``"mlp"``.
    """
    sources = _sources(section, part)
    rows = []
    for source in sources:
        cells = [title(source)]
        for word in words:
            found = section.of(with_words(f"{part}={source}", word)).summary
            told = [of_runs(row.successes, row.n) for row in found.itertuples()]
            cells += told or [NOT_MEASURED]
        rows.append(cells)
    rows.append(["all of them", *(over_sources(section, word, part) for word in words)])
    return grid([f"{WORDS[part].noun} from", *words.values()], rows)


def over_sources(section: Section, word: str = "", part: str = "attention") -> str:
    """Runs above 90 % from a part of all sources together, and the least and the most of a source;
    see :func:`by_source`.

    No interval: the sources share their seeds' fresh weights and batches.
    """
    asked = [with_words(f"{part}={source}", word) for source in _sources(section, part)]
    return _counted(section.of(*asked), "source")


def heads_told(section: Section) -> Markdown:
    """A sentence: in how many runs one head of each layer's attention from IDENTITY is enough."""
    arch = section.runs[0].arch
    counts = []
    for layer in range(arch.layers):
        heads = [f"attention=identity head={layer}.{head}" for head in range(arch.heads)]
        counts.append(f"layer {layer}: {_counted(section.of(*heads), 'head')}")
    return Markdown(f"Runs above 90 % from one head alone: {'; '.join(counts)}.")


def held_told(section: Section) -> Markdown:
    """Two sentences: in how many runs of all sources a part is enough, held fixed and free."""
    told = []
    for part, name in (("attention", "attention"), ("mlp", "MLPs")):
        held = over_sources(section, f"freeze={part}", part)
        free = over_sources(section, part=part)
        told.append(f"Runs above 90 % with {name} held fixed: {held}; free to learn: {free}.")
    return Markdown(" ".join(told))


def _counted(section: Section, each: str) -> str:
    """Runs above 90 % of several conditions together, and the least and the most of one."""
    found = section.summary
    if not len(found):
        return NOT_MEASURED
    total = f"{found.successes.sum()} of {found.n.sum()}"
    if found.n.min() < found.n.max():
        return total
    return f"{total} ({from_to(found.successes)} of {found.n.max()} from each {each})"


def _sources(section: Section, part: str) -> list[str]:
    """The sources of a part, in the order of the runs."""
    sources = dict.fromkeys(run.condition[part] for run in section.runs)
    return [name for name in sources if name]
