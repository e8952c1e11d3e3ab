"""Draw the rooms of the library from its imports, and list its modules for the API reference.

Called by ``book/build.py``; everything is read from the code.
"""

import ast
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt

import procmod_lib

BOOK = Path(__file__).resolve().parent
LIBRARY = Path(procmod_lib.__file__).resolve().parent
ROOMS = ["randomness", "tasks", "network", "initial", "runs", "experiments", "report"]
ROOMS += ["findings", "workshop", "cli"]
"""From the lowest to the highest; a room imports only from those below it."""

HEAD = """# API reference

Made from the docstrings. Shapes: S fleet, B batch, T time, W scored outputs, D width, H heads,
V vocabulary.
"""


def files() -> dict[str, Path]:
    """Every module and its file; of packages only those that hold functions."""
    found = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(LIBRARY).with_suffix("").parts
        if path.name == "__init__.py":
            tree, parts = ast.parse(path.read_text()), parts[:-1]
            if not any(isinstance(node, ast.FunctionDef) for node in tree.body):
                continue
        if not path.name.startswith("__main__"):
            found[".".join(parts)] = path
    return found


def modules() -> dict[str, list[str]]:
    """Every module by room, ``tasks -> [tasks.arithmetic, ...]``."""
    found: dict[str, list[str]] = {room: [] for room in ROOMS}
    for name in files():
        found[name.split(".")[0]].append(name)
    return found


def imports() -> Counter:
    """How many modules of a room import from another room, by (room, other)."""
    found: Counter = Counter()
    for name, path in files().items():
        room = name.split(".")[0]
        used = {
            node.module.split(".")[1]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.startswith("procmod_lib.")
        }
        found.update((room, other) for other in used if other != room and other in ROOMS)
    return found


def write_reference() -> Path:
    """Write the page that sphinx's autodoc fills."""
    lines = [HEAD]
    for room, names in modules().items():
        lines.append(f"## {room}\n")
        for name in names:
            heading = f"### {name}\n\n" if name != room else ""
            block = f".. automodule:: procmod_lib.{name}\n   :members:"
            lines.append(f"{heading}```{{eval-rst}}\n{block}\n```\n")
    target = BOOK / "library" / "reference.md"
    target.write_text("\n".join(lines))
    return target


def draw_rooms() -> Path:
    """Draw each room as a box, the highest on top, and each import as an arrow down."""
    figure, ax = plt.subplots(figsize=(7.2, 5.6))
    counted = {room: len(names) for room, names in modules().items()}
    for y, room in enumerate(ROOMS):
        shade = "#eef3f7" if y % 2 else "#dfe9f1"
        ax.add_patch(plt.Rectangle((0, y + 0.12), 3, 0.76, facecolor=shade, edgecolor="#33576f"))
        files = "1 file" if counted[room] == 1 else f"{counted[room]} files"
        ax.text(0.12, y + 0.5, room, va="center", fontsize=12, fontweight="bold")
        ax.text(2.88, y + 0.5, files, va="center", ha="right", fontsize=10)
    for (room, other), times in imports().items():
        high, low = ROOMS.index(room), ROOMS.index(other)
        x = 3.15 + 0.42 * low
        arrow = dict(arrowstyle="-|>", color="#33576f", lw=0.6 + 0.25 * times, shrinkA=0, shrinkB=0)
        ax.plot([3, x], [high + 0.5, high + 0.5], color="#33576f", lw=0.5, alpha=0.5)
        ax.annotate("", (x, low + 0.5), (x, high + 0.5), arrowprops=arrow)
        ax.plot([3, x], [low + 0.5, low + 0.5], color="#33576f", lw=0.5, alpha=0.5)
    ax.set(xlim=(-0.05, 6.6), ylim=(0, len(ROOMS)))
    ax.axis("off")
    target = BOOK / "library" / "rooms.svg"
    plt.rcParams["svg.hashsalt"] = "procmod"
    figure.savefig(target, metadata={"Date": None}, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    return target


if __name__ == "__main__":
    print(write_reference(), draw_rooms())
