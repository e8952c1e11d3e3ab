"""What every notebook begins with: parameters checked in one sentence, a store, progress, and numbers for the prose."""

import inspect
import os
import sys
import time
from collections.abc import Callable

import pandas as pd
import torch

from procmod_lib.report import statistics
from procmod_lib.runs import cluster
from procmod_lib.runs import store as results

SMALLEST = 0.02  # a difference below which no sentence says "helps" or "harms", as a share
_BEFORE: dict[int, set] = {}


class BadParameter(ValueError):
    """A notebook parameter that is unknown or out of range; Jupyter and papermill show the sentence alone."""

    def _render_traceback_(self):
        return [f"BadParameter: {self}"]


def begin(namespace: dict) -> None:
    """Remember what exists before the parameters cell; call it in the notebook's first cell with ``globals()``."""
    _BEFORE[id(namespace)] = set(namespace)


def start(namespace: dict, grid: Callable, **parameters):
    """Check all parameters and return (runs, store, options); nothing is written before everything is checked.

    Args:
        namespace: ``globals()`` of the notebook. grid: a function of :mod:`procmod_lib.experiments`.
        parameters: every parameter of the notebook. ``device``, ``store``, ``time_budget`` and ``scheduler`` say where and how;
            the others go to ``grid``.

    Raises:
        BadParameter: one sentence that names the parameter, what was given and what is allowed.
    """
    given = set(namespace) - _BEFORE.get(id(namespace), set(namespace))
    unknown = sorted(n for n in given - set(parameters) if not n.startswith("_") and not inspect.ismodule(namespace[n]))
    try:
        if unknown:
            raise ValueError(f"there is no parameter {unknown[0]!r}; this notebook has {', '.join(parameters)}.")
        where = {n: parameters.pop(n) for n in ("device", "store", "time_budget", "scheduler") if n in parameters}
        check_device(where["device"])
        cluster.check(where.get("scheduler"))
        budget = where.get("time_budget")
        if budget is not None and (isinstance(budget, bool) or not isinstance(budget, (int, float)) or not budget > 0):
            raise ValueError(f"time_budget must be a number of seconds above 0, or None, got {budget!r}.")
        if not isinstance(where["store"], str) or not where["store"].strip():
            raise ValueError(f"store must be the path of a folder, got {where['store']!r}.")
        runs = grid(**parameters)
        store = results.Store(place(where["store"]))
    except ValueError as error:
        raise BadParameter(str(error)) from None
    options = {"device": where["device"], "time_budget": budget, "scheduler": where.get("scheduler"), "progress": Progress()}
    return runs, store, options


def place(store: str) -> str:
    """Return the store's folder; a relative one is below the project, wherever the notebook was started."""
    return store if os.path.isabs(os.path.expanduser(store)) else str(results.PUBLISHED.parent.parent / store)


def check_device(device) -> None:
    """Raise ValueError unless the device is there."""
    if device == "cpu" or (device == "cuda" and torch.cuda.is_available()):
        return
    allowed = "'cpu' or 'cuda'" if torch.cuda.is_available() else "'cpu' (no CUDA device is available here)"
    raise ValueError(f"device must be {allowed}, got {device!r}.")


class Progress:
    """A bar in a terminal and in Jupyter, one line every 30 s elsewhere (papermill, a log)."""

    def __init__(self):
        self.begun = self.said = time.monotonic()
        self.bar = None
        if sys.stderr.isatty() or ("ipykernel" in sys.modules and "PAPERMILL_RUN" not in os.environ):
            from tqdm.auto import tqdm

            self.bar = tqdm(total=None, unit="run")

    def __call__(self, line: str) -> None:
        now = time.monotonic()
        if self.bar is not None:
            self.bar.set_postfix_str(line)
            self.bar.update()
        elif now - self.said > 30:
            self.said = now
            print(f"[{now - self.begun:5.0f} s] {line}", file=sys.stderr, flush=True)


def box(title: str, runs: list, store: results.Store, table: pd.DataFrame):
    """Return the Markdown box at a chapter's head: preset, cost as measured, hardware, commit, command."""
    from procmod_lib.experiments.grids import PRESETS

    preset, budget, keys = runs[0].preset, runs[0].budget, set(table.key)
    donors = {d.key for r in runs if r.key in keys for _, d in r.donors}
    scale = f"Here {len({r.seed for r in runs})} seeds, {budget.steps:,} steps of {budget.batch:,} samples."
    rows = [["**Preset**", f"`{preset}`: {PRESETS[preset].about} {scale}"],
            ["**Runs**", f"{len(keys)} of {len(runs)}{f', from {len(donors)} pretrained models' if donors else ''}"], ["**Made with**", origin(table, store)],
            ["**Command**", f"`papermill notebooks/{title}.ipynb out.ipynb -p preset {preset}`"]]  # fmt: skip
    return grid(["cost and origin", ""], rows)


def origin(table: pd.DataFrame, store: results.Store) -> str:
    """Say what the runs of a table cost and where they come from: minutes of training, commits, versions, machines."""
    commits: dict[str, list] = {}
    for f in map(store.origin, table.provenance.unique()):
        where = f"torch {f['versions']['torch']}, {f['cores']} cores ({f['device']})"
        commits.setdefault(where, []).append(f"`{f['commit'][:10]}`{' with uncommitted changes' if f['dirty'] else ''}")
    made = "; ".join(f"commit {', '.join(sorted(c))}, {where}" for where, c in commits.items())
    return f"{table.drop_duplicates('key').seconds.sum() / 60:.1f} minutes of training; {made}" if made else "not yet made"


def made(table: pd.DataFrame, store: results.Store):
    """Return the line below a table or figure that says where it comes from."""
    return markdown(f"Made with: {origin(table, store)}.")


def glue(key: str, text: str) -> None:
    """Name a text so that any page of the book can show it; does nothing where MyST-NB is not installed."""
    try:
        from myst_nb import glue as myst_glue
    except ImportError:
        return
    myst_glue(key.replace("=", "-").replace(" ", "-"), text.replace("**", ""), display=False)


def percent(mean: float, low: float, high: float, n: int) -> str:
    """Write a share as the book writes all of them.

    >>> percent(0.5, 0.25, 0.75, 3)
    '50.0 % (95 % interval 25.0 to 75.0, n = 3)'
    """
    return f"{100 * mean:.1f} % ({_between(low, high, n)})"


def points(row) -> str:
    """Write a row of :func:`procmod_lib.statistics.against` as the book writes all differences."""
    return f"{100 * row.difference:+.1f} points ({_between(row.low, row.high, int(row.n), '+')})"


def _between(low: float, high: float, n: int, sign: str = "") -> str:
    return f"95 % interval {100 * low:{sign}.1f} to {100 * high:{sign}.1f}, n = {n}" if low == low else f"n = {n}: no interval"


def says(row, noun: str, words: tuple[str, str] = ("helps", "harms")) -> str:
    """One plain sentence on a paired difference, by the rule of the method page: the interval and the exact test decide.

    Args:
        row: a row of :func:`procmod_lib.statistics.against`. noun: what was transferred, the sentence's subject. words: for an interval above zero and for one below.
    """
    noun = noun[0].upper() + noun[1:]
    if row.n < 3:
        return f"{noun}: {points(row)}; too few seeds to say."
    if row.low <= 0 <= row.high:
        return f"{noun}: **no difference that can be told from zero** at this scale, {points(row)}."
    if max(abs(row.low), abs(row.high)) < SMALLEST:
        return f"{noun}: **differs by less than {100 * SMALLEST:.0f} points** at this scale, {points(row)}."
    verb = words[0] if row.low > 0 else words[1]
    if row.p < statistics.LEVEL:
        return f"{noun}: **{verb}** at this scale, {points(row)}."
    return f"{noun}: **perhaps {verb}** at this scale, {points(row)}; the exact test cannot tell it from luck (p = {p_value(row.p)})."


def shown(summary: pd.DataFrame, diagnostic: bool = False):
    """Return a summary as a table for the page: n, mean, interval, successes; ``diagnostic`` adds a column that names it."""
    from procmod_lib.report.figures import describe, name

    rows = []
    for r in summary.itertuples():
        n = f"{r.n} ({r.non_finite} not finite)" if r.non_finite else r.n
        rows.append([*([name(r.diagnostic)] if diagnostic else []), describe(r.initial_condition)[0], n, f"{100 * r.mean:.1f}", span(r.low, r.high),
                     f"{r.successes} of {r.n} ({100 * r.success_low:.0f} to {100 * r.success_high:.0f} %)"])  # fmt: skip
    return grid([*(["diagnostic"] if diagnostic else []), "initial condition", "n", "mean (%)", "95 % interval", "runs above 90 % (Wilson interval)"], rows)


def span(low: float, high: float) -> str:
    """An interval of shares as it stands in a table, in %."""
    return f"{100 * low:.1f} to {100 * high:.1f}" if low == low else "none"


def p_value(p: float) -> str:
    """A p value as it stands in a table."""
    return "" if p != p else "below 0.001" if p < 0.001 else f"{p:.3f}"


def times(rows: pd.DataFrame):
    """Return :func:`procmod_lib.statistics.steps_to` as a table for the page; conditions of which no run got there stand in one line below it."""
    from procmod_lib.report.figures import describe

    label = {r.initial_condition: f"{describe(r.initial_condition)[0]} (n = {r.n})" for r in rows.itertuples()}
    table = [[label[r.initial_condition], f"{r.reached} of {r.n}", f"{r.median:,.0f}" if r.median < float("inf") else "fewer than half did",
              p_value(r.p)] for r in rows.itertuples() if r.reached]  # fmt: skip
    text = grid(["initial condition", "runs that reached 90 %", "median steps", "log-rank p against no pretraining"], table).data if table else ""
    never = [label[r.initial_condition] for r in rows.itertuples() if not r.reached]
    return markdown(text + f"\n\nNo run reached 90 % from: {'; '.join(never)}." * bool(never))


def cells(wanted: list, table: pd.DataFrame, store: results.Store):
    """Return what of a grid is in the store, a row a diagnostic: conditions and runs there, and those that are missing; below it their origin."""
    from procmod_lib.report.figures import name

    there, rows = set(table.key), []
    for task in dict.fromkeys(r.task.name for r in wanted):
        runs = [r for r in wanted if r.task.name == task]
        complete = {str(r.condition) for r in runs} - {str(r.condition) for r in runs if r.key not in there}
        rows.append([name(task), len({str(r.condition) for r in runs}), f"{len(complete)} (n = {len({r.seed for r in runs})})",
                     f"{sum(r.key in there for r in runs)} of {len(runs)}"])  # fmt: skip
    return markdown(f"{grid(['diagnostic', 'conditions', 'measured with all planned seeds', 'runs in the store'], rows).data}\n\nMade with: {origin(table, store)}.")


def scorecard(judged: pd.DataFrame):
    """Return :func:`procmod_lib.claims.verdicts` as a table for the page, and what the number of claims demands."""
    from procmod_lib.experiments.claims import fewest_seeds

    def arms(pair) -> str:
        return " → ".join("?" if value != value else f"{value:.1f}" for value in pair)

    rows = []
    for r in judged.itertuples():
        between = f"{r.low:+.1f} to {r.high:+.1f}" if r.low == r.low else "no interval"
        ours = f"{arms(r.ours)}: {r.difference:+.1f} ({between})" if r.n else ""
        rows.append([r.claim, arms(r.paper), ours, r.n, p_value(r.p), "yes" if r.disagree else "", f"**{r.verdict}**"])
    heads = ["claim", "paper: %, baseline → condition", "here: %, baseline → condition, difference (95 % interval)", "n", "p (Holm)", "seeds disagree", "verdict"]
    return markdown(f"{grid(heads, rows).data}\n\nA question mark stands where the paper's summary prints no value. With {len(judged)} claims the exact test can "
                    f"fall below 0.05 after correction only with {fewest_seeds(len(judged))} seeds or more; "
                    "on fewer, a claim can at best be called partly replicated, and \"not replicated\" says only that so few seeds did not show it. "
                    "Seeds disagree where the best and the worst are more than 20 points apart.")  # fmt: skip


def learnt(rows: pd.DataFrame):
    """Return :func:`procmod_lib.statistics.learnt` as a table for the page."""
    from procmod_lib.report.figures import name

    return grid(["source", "settings", "accuracy, % (95 % interval)", "n", "best (%)", "of the way (%)", "learnt"], [
        [name(r.source), f"{r.settings}: {r.lengths}, {r.steps:,} x {r.batch}, {r.lr:g}", f"{100 * r.mean:.1f} ({span(r.low, r.high)})",
         r.n, f"{100 * r.best:.1f}", f"{100 * r.way:.0f}", r.learnt] for r in rows.itertuples()])  # fmt: skip


def markdown(text: str):
    """Return a text that Jupyter shows as Markdown."""
    from IPython.display import Markdown

    return Markdown(text)


def grid(heads: list[str], rows: list[list]):
    """Return a Markdown table; a line that says so where it would be empty."""
    lines = [heads, ["---"] * len(heads), *rows]
    return markdown("\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) if rows else "Not yet measured.")
