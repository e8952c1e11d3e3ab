"""The story of a head written by hand, judged by the rule that the page "Fixed in advance" fixed
before the runs.
"""

from dataclasses import dataclass

from IPython.display import Markdown

from procmod_lib.experiments.conditions import BOTH, RECIPE, SPOILT
from procmod_lib.findings.carrying import (
    OF_SIX,
    RUNS_MISSING,
    Carried,
    by_rule,
    in_words,
    verdicts_of,
)
from procmod_lib.report import statistics
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import in_points, p_value
from procmod_lib.report.tables import NOT_YET, grid, label

SEEDS = 10
FEWEST_SUCCESSES = 8  # of the recipe
QUIET_SUCCESSES = 3  # of the quiet head, from which on the story fails
MARGIN = 0.05  # by which the pretrained head must not beat its nulls
AT_MOST = f"{100 * MARGIN:.0f} points"
WIDTH_SEEDS = 6
SAME_PLACE = 2  # successes by which a loud first layer must cost more
HEAD, QUIET = f"{BOTH} head=1.0", f"{BOTH} fresh_norm head=1.0"
NULLS = (f"{BOTH} shuffle head=1.0", f"{BOTH} random_donor head=1.0")


@dataclass(frozen=True)
class Judgement:
    """One outcome that would have counted against the story.

    Attributes:
        failure: what would have.
        found: what was found.
        seeds: of the arm with the fewest.
        holds: whether the story stands against it.
    """

    failure: str
    found: str
    seeds: int
    holds: bool

    @property
    def verdict(self) -> str:
        """In words; a verdict needs all seeds."""
        word = "the story holds" if self.holds else "the story fails"
        if self.seeds < SEEDS:
            return f"open ({self.seeds} of {SEEDS} seeds): so far {word}"
        return f"**{word}**"


RULES = {
    "the standard deviation": lambda half, one: half >= 5 and one >= 3,
    "the norm": lambda half, one: half <= 4,
    "the size of the scores": lambda half, one: half >= 5 and one <= 2,
}
"""What decides how loud is too loud, by successes of six at width 64 at 0.5 and at 1.0."""


def rule_in_the_width(section: Section) -> Markdown:
    """Which of the three rules on the page width 64 agrees with.

    Args:
        section: starts by hand at width 64.
    """
    found = {row.initial_condition: row for row in section.summary.itertuples()}
    asked = [f"loud={size} head=1.0" for size in ("0.5", "1.0")]
    rows = [found[name] for name in asked if name in found]
    if len(rows) < len(asked) or min(row.n for row in rows) < WIDTH_SEEDS:
        return Markdown(NOT_YET)
    half, one = (row.successes for row in rows)
    kept = [name for name, agrees in RULES.items() if agrees(half, one)]
    return Markdown(
        f"At width 64 {half} of {rows[0].n} seeds succeed at 0.5 and {one} of {rows[1].n} at 1.0. "
        f"The rule that agrees: {' or '.join(kept) or 'none of the three'} is constant."
    )


def wider_judged(section: Section) -> Markdown:
    """Whether a wider model needs the recipe with 30 pairs, by the rule of the page.

    Args:
        section: no pretraining and the recipe, six seeds each.
    """
    found = verdicts_of(section, OF_SIX)
    starts = {"scratch": "no pretraining", RECIPE: "one loud head by hand"}
    rows = [[name, in_words(found.get(start))] for start, name in starts.items()]
    said = _of_wider(*(found.get(start) for start in starts))
    return by_rule(["width 32, 30 pairs", "runs above 90 %"], rows, said)


def _of_wider(fresh: Carried | None, recipe: Carried | None) -> str:
    """Who finds the needle in a wider model."""
    if fresh is None or recipe is None:
        return RUNS_MISSING
    if fresh.carries:
        return "a wider model needs no help"
    if fresh.carries is False and recipe.carries:
        return "the head by hand does it at width 32 too"
    if fresh.carries is False and recipe.carries is False:
        return "the head by hand does not do it at width 32"
    return "open"


def judge(section: Section) -> list[Judgement]:
    """The five outcomes, in the order of the page; none where an arm was not run at all.

    Args:
        section: HAYSTACK at the full protocol, from every start that the page names.
    """
    arms = {row.initial_condition: row for row in section.summary.itertuples()}
    if not {"scratch", RECIPE, SPOILT, BOTH, HEAD, QUIET, *NULLS} <= set(arms):
        return []
    return [
        _succeeds(section, arms),
        _not_worse(section),
        _quiet_fails(arms),
        _nulls_do_as_well(section),
        _place_matters(arms),
    ]


def _succeeds(section: Section, arms: dict) -> Judgement:
    row = section.difference(RECIPE, "scratch")
    family = section.differences().set_index("initial_condition")
    p, successes = family.loc[RECIPE, "p_holm"], arms[RECIPE].successes
    failures = arms[RECIPE].n - successes
    is_told = row.low > 0 and p < statistics.LEVEL
    return Judgement(
        f"the recipe succeeds in fewer than {FEWEST_SUCCESSES} of {SEEDS} seeds, or is not told "
        "from no pretraining",
        f"{successes} of {arms[RECIPE].n}; {in_points(row)}, p = {p_value(p)} after Holm",
        min(arms[RECIPE].n, row.n),
        failures <= SEEDS - FEWEST_SUCCESSES and is_told,
    )


def _not_worse(section: Section) -> Judgement:
    row = section.difference(RECIPE, BOTH)
    is_worse = row.high < 0 and row.p < statistics.LEVEL
    return Judgement(
        "the recipe is worse than the attention of both layers from IDENTITY",
        in_points(row),
        row.n,
        not is_worse,
    )


def _quiet_fails(arms: dict) -> Judgement:
    row = arms[QUIET]
    return Judgement(
        f"the pretrained head at the size of fresh weights succeeds in {QUIET_SUCCESSES} seeds or "
        "more",
        f"{row.successes} of {row.n}",
        row.n,
        row.successes < QUIET_SUCCESSES,
    )


def _nulls_do_as_well(section: Section) -> Judgement:
    rows = [section.difference(HEAD, null) for null in NULLS]
    beaten = [row for row in rows if row.difference > MARGIN and row.low > 0]
    texts = [f"{in_points(row)} over {label(null)}" for row, null in zip(rows, NULLS, strict=True)]
    is_below = all(row.high < MARGIN for row in rows)
    texts.append(f"both intervals end below {AT_MOST}: {'yes' if is_below else 'no'}")
    return Judgement(
        f"the pretrained head beats its shuffle, or a random head of its norms, by more than "
        f"{AT_MOST} with an interval above zero",
        "; ".join(texts),
        min(row.n for row in rows),
        not beaten,
    )


def _place_matters(arms: dict) -> Judgement:
    one, two = arms[RECIPE], arms[SPOILT]
    return Judgement(
        f"with a second loud head in the first layer it succeeds as often, within {SAME_PLACE} "
        "seeds",
        f"{two.successes} of {two.n}, the recipe {one.successes} of {one.n}",
        min(one.n, two.n),
        one.successes - two.successes > SAME_PLACE,
    )


def judged_table(section: Section) -> Markdown:
    """The five outcomes as a table: what would have counted, what was found, the verdict."""
    judgements = judge(section)
    if not judgements:
        return Markdown(NOT_YET)
    rows = [[j.failure, j.found, j.verdict] for j in judgements]
    return grid(["what would count against it", "found", "verdict"], rows)
