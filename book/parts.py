"""Draw a model as its parts E, A, F, N, and what a transfer replaces of them.

Called by ``book/build.py``.
"""

from pathlib import Path

import matplotlib.pyplot as plt

from procmod_lib.report.figures.style import BY_HAND, colour_of, use_style

TARGET = Path(__file__).resolve().parent / "_assets" / "parts.svg"
FRESH, EDGE = "#f1f1f1", "#555555"
STACK = [  # from the bottom to the top: text, part, layer
    ("embeddings", "E", None),
    ("attention", "A", 0),
    ("MLP", "F", 0),
    ("attention", "A", 1),
    ("MLP", "F", 1),
    ("output head", "E", None),
]
PANELS = {
    "full transfer": "AFN",
    "attention only": "A",
    "MLPs only": "F",
    "one loud head,\nby hand": "",
}


def draw_model(ax: plt.Axes, copied: str, *, loud: bool) -> None:
    """One model as a stack of boxes; the parts in ``copied`` are in the source's colour."""
    colour = colour_of("identity")
    for y, (text, part, layer) in enumerate(STACK):
        is_copied = part in copied
        face = colour if is_copied else FRESH
        ax.add_patch(plt.Rectangle((0, y), 4, 0.74, facecolor=face, edgecolor=EDGE, lw=0.8))
        ink = "white" if is_copied else "black"
        ax.text(2, y + 0.37, text, ha="center", va="center", fontsize=8.5, color=ink)
        if part == "A":
            for head in range(1, 4):
                ax.plot([head, head], [y, y + 0.1], color=EDGE, lw=0.6)
        if layer is not None:
            norm = colour if "N" in copied else FRESH
            ax.add_patch(
                plt.Rectangle((0, y - 0.2), 4, 0.12, facecolor=norm, edgecolor=EDGE, lw=0.5)
            )
        if loud and part == "A" and layer == 1:
            ax.add_patch(plt.Rectangle((0, y), 1, 0.74, facecolor=BY_HAND, edgecolor=EDGE, lw=0.8))
    if copied == "AFN":
        ax.text(4.1, 0.37, "mean\ntoken", fontsize=6.5, va="center", color=colour)
    ax.set(xlim=(-0.2, 5.2), ylim=(-0.3, len(STACK)))
    ax.axis("off")


def main() -> Path:
    """Draw the four panels."""
    use_style()
    figure, axes = plt.subplots(1, len(PANELS), figsize=(7.2, 3.1))
    for ax, (name, copied) in zip(axes, PANELS.items(), strict=True):
        draw_model(ax, copied, loud=not copied)
        ax.set_title(name, fontsize=9.5)
    figure.supxlabel(
        "colour: copied from the source · red: drawn by hand · grey: fresh", fontsize=9
    )
    figure.savefig(TARGET, metadata={"Date": None}, facecolor="white")
    plt.close(figure)
    return TARGET


if __name__ == "__main__":
    print(main())
