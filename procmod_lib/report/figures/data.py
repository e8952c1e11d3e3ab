"""The data behind a figure, as CSV, and the forms in which a notebook keeps it."""

import functools
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython import get_ipython
from IPython.core.formatters import BaseFormatter
from matplotlib.figure import Figure
from traitlets import ObjectName, Unicode

UNSAID = ["spec", "provenance", "started"]  # columns that no figure shows
CSV = "text/csv"


class CsvFormatter(BaseFormatter):
    """Shows an object as CSV, beside its picture."""

    format_type = Unicode(CSV)
    print_method = ObjectName("_repr_csv_")


def offered(draw: Callable) -> Callable:
    """Decorate a function that draws: its figure remembers the table that it was drawn from.

    That is what the function gave it (:func:`with_data`), else the first table among the arguments,
    else what stands on the axes.
    """

    @functools.wraps(draw)
    def drawn(*args, **kwargs):
        figure = draw(*args, **kwargs)
        tables = [a for a in (*args, *kwargs.values()) if isinstance(a, pd.DataFrame)]
        if not hasattr(figure, "procmod_data"):
            figure.procmod_data = tables[0] if tables else on_axes(figure)
        return figure

    return drawn


def with_data(figure: Figure, ends: pd.DataFrame, means: pd.DataFrame) -> Figure:
    """Give a figure of points and means its data: a row a run, its condition's mean beside it.

    Args:
        figure: what was drawn.
        ends: the last evaluation of every run.
        means: a row a condition, of a diagnostic where there are several: n, mean, and the low and
            high of its interval.
    """
    cells = [name for name in ("diagnostic", "initial_condition") if name in means]
    beside = means[[*cells, "n", "mean", "low", "high"]]
    figure.procmod_data = ends.merge(beside, on=cells, how="left")
    return figure


def on_axes(figure: plt.Figure) -> pd.DataFrame:
    """The points of every line, bar, image and text of a figure, a row each."""
    rows = []
    for number, ax in enumerate(figure.axes):
        panel = ax.get_title() or f"panel {number}"
        for line in ax.lines:
            for x, y in zip(*line.get_data(), strict=True):
                rows.append((panel, "line", line.get_label(), x, y, ""))
        for image in ax.images:
            shades: np.ndarray = np.ma.filled(np.ma.asarray(image.get_array(), float), np.nan)
            for at, value in np.ndenumerate(shades):
                rows.append((panel, "image", "", *reversed(at[:2]), value))
        for bar in ax.patches:
            if isinstance(bar, plt.Rectangle):
                rows.append((panel, "bar", "", bar.get_x(), bar.get_height(), ""))
        for text in ax.texts:
            rows.append((panel, "text", "", *text.get_position(), text.get_text()))
    return pd.DataFrame(rows, columns=["panel", "kind", "label", "x", "y", "value"])


def as_csv(figure: Figure) -> str | None:
    """The CSV of a figure that an offered function drew, or None."""
    data = getattr(figure, "procmod_data", None)
    if data is None:
        return None
    return data.drop(columns=UNSAID, errors="ignore").to_csv(index=False, float_format="%.6g")


def keep_all_forms() -> None:
    """In a notebook: keep each figure as PNG, SVG and CSV; elsewhere do nothing."""
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("png", "svg")
    formatter = CsvFormatter(parent=shell.display_formatter)
    formatter.for_type(Figure, as_csv)
    shell.display_formatter.formatters[CSV] = formatter
    shell.display_formatter.active_types = [*shell.display_formatter.active_types, CSV]
