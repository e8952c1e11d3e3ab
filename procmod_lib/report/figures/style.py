"""The look of every figure.

A colour belongs to a pretraining source and stays with it through the whole book (Okabe and Ito's
colour-blind-safe palette); what was transferred is told by the marker and the line style, so no
figure depends on colour alone."""

from typing import NamedTuple

import matplotlib.pyplot as plt
import seaborn as sns

from procmod_lib.initial import Condition
from procmod_lib.initial.words import WORDS, Write
from procmod_lib.tasks import SOURCES, Task

WIDTH = 7.2  # inches, the book's text width
GREY, BLACK, BY_HAND = "#595959", "#000000", "#8C2D04"
ORANGE, BLUE = "#D55E00", "#0072B2"


class Look(NamedTuple):
    """How a condition is drawn."""

    colour: str
    marker: str
    line: str


def use_style() -> None:
    """Set fonts and sizes for a figure at book width."""
    settings = {
        "figure.dpi": 110,
        "savefig.dpi": 160,
        "savefig.bbox": "tight",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "figure.constrained_layout.use": True,
        "figure.constrained_layout.hspace": 0.06,
        "svg.hashsalt": "procmod",
    }
    sns.set_theme(context="paper", style="ticks", font_scale=1.15, rc=settings)


def look(condition: Condition) -> Look:
    """Colour, marker and line of an initial condition."""
    if condition.of_kind(Write):
        return Look(BY_HAND, "*", "-")
    if not condition.sources:
        return Look(GREY, "o", "-")
    copies = [WORDS[name] for name in condition.whole.given]
    marker, line = (copies[0].marker, copies[0].line) if len(copies) == 1 else ("P", "-.")
    return Look(colour_of(condition.sources[0]), marker, line)


def colour_of(source: str, default: str = BLACK) -> str:
    """The colour of a source by name; a mixture or a task that is no source has the default."""
    task: type[Task] | None = SOURCES.get(source.partition("@")[0])
    return task.colour if task else default


def panels(
    count: int, most: int, height: float, x: str = "", y: str = "", **shared
) -> tuple[plt.Figure, list]:
    """Return (figure, axes) of ``count`` panels.

    Args:
        count: how many.
        most: side by side at most.
        height: of each, in inches.
        x: what all horizontal axes say.
        y: what all vertical axes say.
        **shared: for :func:`matplotlib.pyplot.subplots`.
    """
    beside = min(most, count)
    deep = -(-count // beside)
    figure, axes = plt.subplots(
        deep, beside, figsize=(WIDTH, height * deep), squeeze=False, **shared
    )
    for ax in axes.flat[count:]:
        ax.set_visible(False)
    for ax in axes.flat[count - beside : count]:  # the lowest of each column
        ax.tick_params(labelbottom=True)
    figure.supxlabel(x, fontsize=10)
    figure.supylabel(y, fontsize=10)
    return figure, list(axes.flat)
