"""What became of the predictions on the first layer, by the rule of the page "Fixed in advance"."""

from dataclasses import dataclass

from IPython.display import Markdown

from procmod_lib.experiments.conditions import FRESH_FIRST
from procmod_lib.experiments.first_layer import (
    FEWEST,
    FULL,
    NEAR,
    OTHER_SEEDS,
    OTHERS,
    OURS,
    QUIET_FIRST,
    SHUFFLED_FIRST,
    Arm,
)
from procmod_lib.report.section import Section
from procmod_lib.report.tables import grid

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
        if not rows or rows[0].n < self.arm.seeds:
            return f"{rows[0].n if rows else 0} of {self.arm.seeds} seeds are run", "open", None
        successes = rows[0].successes
        holds = self.least <= successes <= self.most
        found = f"{successes} of {rows[0].n}"
        return found, "**holds**" if holds else "**fails**", holds


PREDICTIONS = (
    Prediction(NEAR, QUIET_FIRST, 8, 10),
    Prediction(NEAR, SHUFFLED_FIRST, 0, 2),
    Prediction(OURS, QUIET_FIRST, 6, 8),
    Prediction(OURS, SHUFFLED_FIRST, 0, 2),
    Prediction(FULL, QUIET_FIRST, 7, 10),
)


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


def judged_table(sections: dict[str, Section]) -> Markdown:
    """The predictions: what was expected, what was found, and whether the explanation stands.

    Args:
        sections: of each arm, by its name.
    """
    rows, verdicts = [], []
    for each in PREDICTIONS:
        expected = f"{each.least} to {each.most}" if each.least else f"at most {each.most}"
        found, verdict, holds = each.judged(sections[each.arm.name])
        start = "first layer at fresh size" if each.start == QUIET_FIRST else "first layer shuffled"
        rows.append(
            [f"{start}: {each.arm.name}", f"{expected} of {each.arm.seeds}", found, verdict]
        )
        verdicts.append(holds)
    table = grid(["runs above 90 %", "expected", "found", "prediction"], rows)
    return Markdown(f"{table.data}\n\n{_stands(verdicts)}")


def _stands(verdicts: list[bool | None]) -> str:
    failed, open_ones = verdicts.count(False), verdicts.count(None)
    if failed > ALLOWED:
        return f"**The explanation fails**: {failed} of {len(verdicts)} predictions do."
    if open_ones:
        return f"Open: {open_ones} of {len(verdicts)} predictions lack seeds."
    return f"**The explanation stands for now**: {failed} of {len(verdicts)} predictions failed."
