"""Draw what a task looks like: its tokens with the scored ones outlined, bracket depth, an automaton's rows, counts."""

import matplotlib.pyplot as plt
import numpy as np

from procmod_lib.report.figures import COLOURS, name
from procmod_lib.tasks import make_task
from procmod_lib.tasks.task import Task

SMALL = {
    **{n: {"list_length": 8, "symbols": 10} for n in ("identity", "set", "reverse", "sort", "union", "delete")},
    "stack": {"operations": 9, "symbols": 10}, "dyck": {"k": 4, "brackets": 18}, "dyck_shuffle": {"k": 4, "brackets": 18},
    "haystack": {"pairs": 7, "values": 9, "vocab_size": 32}, "addition": {}, "reversed_addition": {"digits": 5}, "multiplication": {"digits": 3},
    "sorting": {"items": 8, "values": 50},
}  # fmt: skip


def spell(task: Task, token: int) -> str:
    """How one token is written in a figure.

    >>> spell(make_task("identity"), 21), spell(make_task("dyck"), 18), spell(make_task("haystack"), 130)
    ('|', '2)', 'k3')
    """
    if hasattr(task, "symbols"):
        special = {task.symbols: "|", task.symbols + 1: "", 0: {"stack": "P", "union": "+", "delete": "-"}.get(task.name, "0")}
        return special.get(token, str(token))
    if hasattr(task, "k"):
        return f"({token}" if token < task.k else f"{token - task.k})"
    if hasattr(task, "pairs"):
        keys = token - task.values
        return "" if token == 0 else str(token) if keys <= 0 else f"k{keys}" if keys <= task.pairs else f"?k{keys - task.pairs}"
    if hasattr(task, "digits"):
        return {10: "×" if task.name == "multiplication" else "+", 11: "=", 12: "", 30: "."}.get(token, str(token % 20))
    return "|" if token == 0 else str(token)


def strips(names: list[str]) -> plt.Figure:
    """One sample of each task, a cell a token; a cell outlined in orange is scored: it has to be predicted from what stands before it."""
    figure, ax = plt.subplots(figsize=(7.2, 0.52 * len(names) + 0.2))
    width = 0
    for y, word in enumerate(names):
        task = make_task(word, **SMALL[word])
        batch = task.batch(20, "validation", 3)
        i = int(np.argmax([sum(spell(task, t) != "" for t in row) for row in batch.tokens.tolist()] - 1.5 * batch.reference.sum(1)))  # a telling one
        scored = set((batch.positions[i] + 1)[batch.reference[i]].tolist())
        last = max(np.flatnonzero([spell(task, t) != "" for t in batch.tokens[i].tolist()]).max(), max(scored))
        for x, token in enumerate(batch.tokens[i][: last + 1].tolist()):
            edge, line = ("#D55E00", 1.8) if x in scored else ("#bbbbbb", 0.6)
            ax.add_patch(plt.Rectangle((x + 0.05, y - 0.33), 0.9, 0.66, fc="#fdf0e6" if x in scored else "white", ec=edge, lw=line))
            ax.text(x + 0.5, y, spell(task, token) or "end", ha="center", va="center", fontsize=7.5)
        width = max(width, last + 1)
        ax.text(-0.3, y, name(word), ha="right", va="center", fontsize=9)
    ax.set(xlim=(-5.5, width + 0.2), ylim=(len(names) - 0.5, -0.5))
    ax.axis("off")
    return figure


def depths_and_rows(rule: int = 110) -> plt.Figure:
    """Left: brackets open along three samples of k-DYCK and of k-DYCK SHUFFLE. Right: a sample of an automaton, time downwards."""
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 2.9), width_ratios=[1, 1.1])
    for word, line in (("dyck", "-"), ("dyck_shuffle", ":")):
        task = make_task(word)
        tokens = task.batch(3, "validation", 0).tokens
        depth = np.cumsum(np.where(tokens < task.k, 1, -1), 1)
        for i, row in enumerate(depth):
            axes[0].plot(row, line, color=COLOURS[word], lw=1.3, label=name(word) if i == 0 else None)
    axes[0].set(xlabel="token", ylabel="brackets open")
    axes[0].legend(fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    rows = make_task("eca", rule=rule, steps=200).batch(1, "validation", 0).tokens[0]
    axes[1].imshow(rows, cmap="gray_r", interpolation="nearest", aspect="auto")
    axes[1].set(xlabel="cell", ylabel="row (one position of the model)")
    return figure


def counts(names: list[str], samples: int = 2000) -> plt.Figure:
    """For each task: how often each token is scored (top), and how many outputs of a sample are scored (bottom)."""
    figure, axes = plt.subplots(2, len(names), figsize=(7.2, 3.4), squeeze=False)
    for (top, bottom), word in zip(axes.T, names):
        batch = make_task(word).batch(samples, "validation", 0)
        tokens, often = np.unique(batch.targets[batch.reference], return_counts=True)
        top.bar(tokens, 100 * often / often.sum(), width=1.0, lw=0, color=COLOURS.get(word, "#595959"))
        top.set_xlim(-1, make_task(word).vocab)
        sizes, many = np.unique(batch.reference.sum(1), return_counts=True)
        bottom.bar(sizes, 100 * many / samples, width=max(0.8, 0.04 * sizes.max()), lw=0, color=COLOURS.get(word, "#595959"))
        top.set_title(name(word), fontsize=9)
        top.tick_params(labelsize=7.5)
        bottom.tick_params(labelsize=7.5)
        bottom.xaxis.set_major_locator(plt.MaxNLocator(2, integer=True))
        bottom.set_xlim(0, 1.15 * max(sizes.max(), 4))
    axes[0, 0].set_ylabel("% of scored tokens", fontsize=8.5)
    axes[1, 0].set_ylabel("% of samples", fontsize=8.5)
    axes[0, len(names) // 2].set_xlabel("token id", fontsize=8.5)
    figure.supxlabel("scored outputs in a sample", fontsize=8.5)
    return figure
