"""What a task looks like.

Its tokens with the scored ones outlined, bracket depth, an automaton's rows, counts.
"""

import matplotlib.pyplot as plt
import numpy as np

from procmod_lib.report.figures.data import offered
from procmod_lib.report.figures.style import GREY, ORANGE, WIDTH, colour_of
from procmod_lib.tasks import TASKS, Task, make_task, title

CREAM = "#fdf0e6"

COUNTED = 2000
"""Samples in which tokens are counted."""


@offered
def draw_strips(names: list[str]) -> plt.Figure:
    """One sample of each task, a cell a token; a cell outlined in orange is scored.

    It is predicted from what stands before it.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 0.52 * len(names) + 0.2))
    width = 0
    for y, name in enumerate(names):
        task = make_task(name, **TASKS[name].example)
        tokens, scored = telling_sample(task)
        for x, token in enumerate(tokens):
            _draw_cell(ax, x, y, task.spell(token) or "end", is_scored=x in scored)
        width = max(width, len(tokens))
        ax.text(-0.3, y, title(name), ha="right", va="center", fontsize=9)
    ax.set(xlim=(-5.5, width + 0.2), ylim=(len(names) - 0.5, -0.5))
    ax.axis("off")
    return figure


def telling_sample(task: Task) -> tuple[list[int], set[int]]:
    """Return (tokens up to the last that says something, places of the scored ones) of a sample
    with much to read.
    """
    batch = task.batch(20, "validation", 3)
    visible = [sum(task.spell(t) != "" for t in row) for row in batch.tokens.tolist()]
    i = int(np.argmax(visible - 1.5 * batch.reference.sum(1)))
    scored = set((batch.positions[i] + 1)[batch.reference[i]].tolist())
    spelt = np.flatnonzero([task.spell(t) != "" for t in batch.tokens[i].tolist()])
    last = max(int(spelt.max()), max(scored))
    return batch.tokens[i][: last + 1].tolist(), scored


def _draw_cell(ax, x: int, y: int, text: str, *, is_scored: bool) -> None:
    edge, line, face = (ORANGE, 1.8, CREAM) if is_scored else ("#bbbbbb", 0.6, "white")
    ax.add_patch(plt.Rectangle((x + 0.05, y - 0.33), 0.9, 0.66, fc=face, ec=edge, lw=line))
    ax.text(x + 0.5, y, text, ha="center", va="center", fontsize=7.5)


@offered
def draw_depths_and_rows() -> plt.Figure:
    """Left: brackets open along three samples of k-DYCK and of k-DYCK SHUFFLE. Right: a sample of
    an automaton, time downwards.
    """
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.9), width_ratios=[1, 1.1])
    for name, line in (("dyck", "-"), ("dyck_shuffle", ":")):
        task = make_task(name)
        tokens = task.batch(3, "validation", 0).tokens  # (3, T)
        depth = np.cumsum(np.where(tokens < task.k, 1, -1), 1)
        for i, row in enumerate(depth):
            axes[0].plot(row, line, color=colour_of(name), lw=1.3, label=None if i else title(name))
    axes[0].set(xlabel="token", ylabel="brackets open")
    axes[0].legend(
        fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2
    )
    rows = make_task("eca", rule=110, steps=200).batch(1, "validation", 0).tokens[0]
    axes[1].imshow(rows, cmap="gray_r", interpolation="nearest", aspect="auto")
    axes[1].set(xlabel="cell", ylabel="row (one position of the model)")
    return figure


@offered
def draw_counts(names: list[str]) -> plt.Figure:
    """For each task how often each token is scored (top), and how many outputs of a sample are
    scored (bottom).
    """
    figure, axes = plt.subplots(2, len(names), figsize=(WIDTH, 3.4), squeeze=False)
    for (top, bottom), name in zip(axes.T, names, strict=True):
        task, colour = make_task(name), colour_of(name, GREY)
        batch = task.batch(COUNTED, "validation", 0)
        tokens, often = np.unique(batch.targets[batch.reference], return_counts=True)
        top.bar(tokens, 100 * often / often.sum(), width=1.0, lw=0, color=colour)
        top.set_xlim(-1, task.vocab)
        top.set_title(title(name), fontsize=9)
        sizes, many = np.unique(batch.reference.sum(1), return_counts=True)
        bottom.bar(
            sizes, 100 * many / COUNTED, width=max(0.8, 0.04 * sizes.max()), lw=0, color=colour
        )
        bottom.xaxis.set_major_locator(plt.MaxNLocator(2, integer=True))
        bottom.set_xlim(0, 1.15 * max(sizes.max(), 4))
        for ax in (top, bottom):
            ax.tick_params(labelsize=7.5)
    axes[0, 0].set_ylabel("% of scored tokens", fontsize=8.5)
    axes[1, 0].set_ylabel("% of samples", fontsize=8.5)
    axes[0, len(names) // 2].set_xlabel("token id", fontsize=8.5)
    figure.supxlabel("scored outputs in a sample", fontsize=8.5)
    return figure
