"""What became of the predictions on the first layer, by the rule of the page "Fixed in advance"."""

from dataclasses import dataclass

from IPython.display import Markdown

from procmod_lib.experiments.conditions import BOTH, FIRST, FRESH_FIRST, LAST, QUIET_PAIR
from procmod_lib.experiments.first_layer import (
    APART,
    CHANGES,
    FEWEST,
    FULL,
    GROWN,
    NEAR,
    OTHER_SEEDS,
    OTHERS,
    OURS,
    PAIRS,
    QUIET_FIRST,
    SHUFFLED_FIRST,
    SHUFFLED_LAST,
    TAKEN_APART,
    WITHOUT_MLPS,
    Arm,
)
from procmod_lib.experiments.specification import CARRIED_IN, SPOILT_IN
from procmod_lib.findings.carrying import (
    OF_TEN,
    RUNS_MISSING,
    Carried,
    by_rule,
    in_words,
    verdicts_of,
)
from procmod_lib.initial import with_words
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import NOT_MEASURED, of_runs
from procmod_lib.report.tables import NOT_YET, bullets, grid


def beside_last(section: Section) -> Markdown:
    """How attention with a quiet first layer ends beside the last layer alone, and how many seeds
    of both and of attention as learnt succeed.

    Args:
        section: the runs of an :class:`procmod_lib.experiments.first_layer.Arm`.
    """
    quiet, learnt, last = (section.successes(start) for start in (QUIET_FIRST, BOTH, LAST))
    return Markdown(
        f"From our settings with 30 pairs attention with a quiet first layer ends "
        f"{section.gain(QUIET_FIRST, LAST)} from the last layer alone. It succeeds in {quiet} "
        f"seeds, as learnt in {learnt}, the last layer alone in {last}. But the line of success "
        f"hides most of it: on average it ends at {section.short(QUIET_FIRST)}, as learnt at "
        f"{section.short(BOTH)}."
    )


ALLOWED = 1
"""Predictions that may fail before the explanation does."""


@dataclass(frozen=True)
class Prediction:
    """How often a start should succeed if the explanation is right."""

    arm: Arm
    start: str
    least: int
    most: int

    def judged(self, section: Section) -> tuple[str, str, bool | None]:
        """What was found, the verdict in words, and whether it holds; None while seeds lack."""
        rows = list(section.of(self.start).summary.itertuples()) if len(section) else []
        if not rows or rows[0].n != self.arm.seeds:
            return f"{rows[0].n if rows else 0} of {self.arm.seeds} seeds are run", "open", None
        successes = rows[0].successes
        holds = self.least <= successes <= self.most
        found = f"{successes} of {rows[0].n}"
        return found, "**holds**" if holds else "**fails**", holds


WHY = (
    "it carries as learnt",
    "the first layer's attention was all that stood in its way",
    "its first MLP stood in its way too",
    "only its last layer alone carries",
)
"""What it says of a pair that each of the changes is the first with which it carries."""

PREDICTIONS = (
    Prediction(NEAR, QUIET_FIRST, 8, 10),
    Prediction(NEAR, SHUFFLED_FIRST, 0, 2),
    Prediction(OURS, QUIET_FIRST, 6, 8),
    Prediction(OURS, SHUFFLED_FIRST, 0, 2),
    Prediction(FULL, QUIET_FIRST, 7, 10),
)
GROWN_PREDICTIONS = (
    Prediction(GROWN, QUIET_FIRST, 8, 10),
    Prediction(GROWN, SHUFFLED_FIRST, 8, 10),
    Prediction(GROWN, SHUFFLED_LAST, 0, 2),
    Prediction(GROWN, FIRST, 0, 2),
)
"""Of models of *closest, curriculum*."""

GROWN_READING = "That the last layer's content does the work and the first is only not in its way"
"""What those predictions put to the test."""

IN_WORDS = {
    QUIET_FIRST: "first layer at fresh size",
    SHUFFLED_FIRST: "first layer shuffled",
    SHUFFLED_LAST: "last layer shuffled",
    FIRST: "first layer alone",
}


def others_judged(section: Section) -> Markdown:
    """Whether the other five sources bear the explanation out, by the rule of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.first_layer.of_every_source`.
    """
    starts = [f"attention={source} {FRESH_FIRST}" for source in OTHERS]
    found = section.of(*starts).summary
    done = int(found.n.sum()) if len(found) else 0
    if done < len(OTHERS) * OTHER_SEEDS:
        return Markdown(f"Open: {done} of {len(OTHERS) * OTHER_SEEDS} runs.")
    held = int((found.successes >= FEWEST).sum())
    word = "holds for other sources too" if len(OTHERS) - held <= ALLOWED else "is IDENTITY's alone"
    return Markdown(
        f"**The explanation {word}**: {held} of {len(OTHERS)} other sources have {FEWEST} of "
        f"{OTHER_SEEDS} successes or more."
    )


def apart_judged(section: Section) -> Markdown:
    """Which parts of a whole model do harm: a row a comparison, by the rule of the page.

    A part does harm if a start carries without it and does not with it.

    Args:
        section: the runs of :data:`procmod_lib.experiments.first_layer.APART`.
    """
    found = section.summary.set_index("initial_condition") if len(section) else section.table
    if not set(TAKEN_APART) <= set(found.index) or found.n.min() < APART.seeds:
        return Markdown(NOT_YET)
    parts, tokens, embeddings, fresh_places, whole = (found.successes[s] for s in TAKEN_APART)
    comparisons = [
        ("token embeddings and output head", "attention and MLPs", parts, tokens),
        ("positions", "attention, MLPs and embeddings", tokens, embeddings),
        ("positions", "the whole model", fresh_places, whole),
        ("norms", "attention, MLPs and embeddings, no positions", tokens, fresh_places),
        ("norms", "attention, MLPs and embeddings", embeddings, whole),
    ]
    rows = []
    for part, beside, without, with_it in comparisons:
        verdict = "does harm" if without >= CARRIED_IN and with_it <= SPOILT_IN else "not shown"
        counts = [of_runs(count, APART.seeds) for count in (without, with_it)]
        rows.append([part, beside, *counts, verdict])
    return grid(["part", "beside", "without it", "with it", "by the rule"], rows)


def pairs_table(section: Section) -> Markdown:
    """A row a pair of sources and a column a change: runs above 90 %, with Wilson interval.

    Args:
        section: the runs of :func:`procmod_lib.experiments.first_layer.of_pairs`.
    """
    rows = [
        [name, *(section.counted(with_words(pair, change)) for change in CHANGES)]
        for name, pair in PAIRS.items()
    ]
    return grid(["attention and MLPs", *CHANGES.values()], rows)


def pairs_judged(section: Section) -> Markdown:
    """A sentence a pair: with which change it carries first, by the rule of the page."""
    return bullets([f"{name}: {_first_change(section, pair)}." for name, pair in PAIRS.items()])


def _first_change(section: Section, pair: str) -> str:
    """What the first change with which a pair carries says of it."""
    found = section.of(*(with_words(pair, change) for change in CHANGES)).summary
    if not len(found) or found.n.sum() < len(CHANGES) * OTHER_SEEDS:
        return NOT_MEASURED
    carried = set(found.initial_condition[found.successes >= FEWEST])
    for change, why in zip(CHANGES, WHY, strict=True):
        if with_words(pair, change) in carried:
            return f"**{why}**"
    return "**with none of the three; the last layer's MLP does harm of its own**"


def without_mlps_table(section: Section, pair: Section) -> Markdown:
    """Whether a pair with a quiet first layer carries without its MLPs, by the rule of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.first_layer.without_the_mlps`.
        pair: such that hold the pair itself, ten seeds.
    """
    found = verdicts_of(pair, OF_TEN) | verdicts_of(section, OF_TEN)
    starts = {
        QUIET_PAIR: "the pair, first layer quiet",
        WITHOUT_MLPS[0]: "without its MLPs",
        WITHOUT_MLPS[1]: "without its MLPs, last layer alone",
    }
    rows = [[name, in_words(found.get(start))] for start, name in starts.items()]
    said = _needs_mlps([found.get(start) for start in WITHOUT_MLPS])
    return by_rule(["start", "runs above 90 %"], rows, said)


def _needs_mlps(found: list[Carried | None]) -> str:
    """Whether the MLPs are needed, from what carries without them."""
    if None in found:
        return RUNS_MISSING
    carries = [each.carries for each in found if each]
    if any(carries):
        return "the MLPs are not needed"
    return "open" if None in carries else "the MLPs are needed"


def judged_table(
    sections: dict[str, Section],
    predictions=PREDICTIONS,
    explanation: str = "That the first layer spoils it by its size",
) -> Markdown:
    """The predictions: what was expected, what was found, and whether the explanation stands.

    Args:
        sections: of each arm, by its name.
        predictions: which; those of one explanation.
        explanation: what it says, as a clause.
    """
    rows, verdicts = [], []
    for each in predictions:
        expected = f"{each.least} to {each.most}" if each.least else f"at most {each.most}"
        found, verdict, holds = each.judged(sections[each.arm.name])
        name = f"{IN_WORDS[each.start]}: {each.arm.name}"
        rows.append([name, f"{expected} of {each.arm.seeds}", found, verdict])
        verdicts.append(holds)
    table = grid(["runs above 90 %", "expected", "found", "prediction"], rows)
    return Markdown(f"{table.data}\n\n{_stands(verdicts, explanation)}")


def _stands(verdicts: list[bool | None], explanation: str) -> str:
    failed, open_ones = verdicts.count(False), verdicts.count(None)
    if failed > ALLOWED:
        return f"{explanation} **fails**: {failed} of {len(verdicts)} predictions do."
    if open_ones:
        return f"Open: {open_ones} of {len(verdicts)} predictions lack seeds."
    return (
        f"{explanation} **stands for now**: {failed} of {len(verdicts)} predictions failed, "
        f"{ALLOWED} was allowed."
    )
