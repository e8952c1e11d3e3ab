"""A section seen from inside: what the snapshots of its runs hold."""

from functools import cached_property

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from procmod_lib.initial import parse
from procmod_lib.network import inside
from procmod_lib.report import figures, statistics
from procmod_lib.report.section import Section
from procmod_lib.runs.run import Run
from procmod_lib.tasks import Batch

LOOKED_AT = 100  # samples on which everything here is measured
JUMP = 0.5  # accuracy at which a run counts as jumping


class Inside(Section):
    """Runs of HAYSTACK, seen from inside; see
    :class:`procmod_lib.report.selection.Selection`.
    """

    @cached_property
    def batch(self) -> Batch:
        """The samples on which everything is measured, the same for all runs."""
        return self.runs[0].task.batch(LOOKED_AT, "test", 0)

    @cached_property
    def along(self) -> pd.DataFrame:
        """One row for each run, snapshot and head: where it looks, how large its maps are."""
        where = self.batch.positions[:, 0], self.runs[0].task.needle(self.batch)
        rows = []
        for run in self.runs:
            for step, flat in self.store.snapshots(run).items():
                maps = inside.attention_maps(flat, run.arch, self.batch.tokens)
                for layer, head in np.ndindex(run.arch.layers, run.arch.heads):
                    row = {"condition": str(run.condition), "seed": run.seed, "step": step}
                    row |= {"layer": layer, "head": head}
                    row |= _looks(maps[:, layer, head], *where)
                    own = inside.head_weights(flat, run.arch, layer, head)
                    rows.append(row | {name: float(part.std()) for name, part in own.items()})
        return pd.DataFrame(rows)

    @cached_property
    def pulls(self) -> pd.DataFrame:
        """One row for each run and snapshot: the norm of the gradient that reaches each part."""
        rows = []
        for run in self.runs:
            for step, flat in self.store.snapshots(run).items():
                gradient = inside.gradients(flat, run.arch, self.batch)
                about = {"condition": str(run.condition), "seed": run.seed, "step": step}
                rows.append(about | inside.by_part(gradient, run.arch))
        return pd.DataFrame(rows)

    def moments(self, run: Run) -> dict[str, int]:
        """The snapshots before, at and after a run's jump, by name; a run without one has three
        even steps.
        """
        steps = np.array(sorted(self.store.snapshots(run)))
        curve = self.table[self.table.key == run.key].sort_values("step")
        jumped = curve[curve.token_accuracy >= JUMP].step
        last = f"step {steps[-1]}"
        if not len(jumped):
            middle = steps[len(steps) // 2]
            return {"step 0": 0, f"step {middle}": middle, f"{last}, no jump": steps[-1]}
        at = steps[np.argmin(abs(steps - jumped.iloc[0]))]
        return {"step 0": 0, f"step {at}, at the jump": at, f"{last}, after it": steps[-1]}

    def draw_maps(self, condition: str, seed: int | None = None) -> Figure | None:
        """How all heads of one run look at one sample before, at and after the jump.

        The sample is the first with six pairs or more, the first of all where none has.

        Args:
            condition: where the run started.
            seed: its seed; None takes the first that there is.

        Raises:
            ValueError: there is no such run here.
        """
        run = self._run(condition, seed)
        taken, batch = self.store.snapshots(run), self.batch
        if not taken:
            return None
        row = int(np.argmax(batch.positions[:, 0] >= 12))
        length = int(batch.positions[row, 0]) + 1
        tokens = batch.tokens[row : row + 1, :length]
        maps = {
            name: inside.attention_maps(taken[step], run.arch, tokens)[0]
            for name, step in self.moments(run).items()
        }
        needle = int(run.task.needle(batch)[row])
        return figures.draw_attention(maps, [run.task.spell(t) for t in tokens[0]], needle)

    def _run(self, condition: str, seed: int | None) -> Run:
        """The run of a start and a seed."""
        starts = list(dict.fromkeys(str(run.condition) for run in self.runs))
        if str(parse(condition)) not in starts:
            raise ValueError(f"condition must be one of {', '.join(starts)}, got {condition!r}.")
        mine = {run.seed: run for run in self.runs if run.condition == parse(condition)}
        if seed is not None and seed not in mine:
            known = ", ".join(map(str, mine))
            raise ValueError(f"seed must be one of {known}, got {seed!r}.")
        return mine[min(mine) if seed is None else seed]

    def draw_along(self) -> Figure | None:
        """Accuracy and attention over the steps, a column a start and a line a seed."""
        if not len(self.along):
            return None
        keys = ["condition", "seed", "step"]
        first, last = (
            self.along[self.along.layer == layer].groupby(keys, sort=False)
            for layer in (0, self.along.layer.max())
        )
        rows = pd.DataFrame(
            {
                "first layer looks\none back (%)": 100 * first.before.max(),
                "last layer looks\nat the answer (%)": 100 * last.needle.max(),
            }
        ).reset_index()
        return figures.draw_along(self.table, rows, self.chance)

    def draw_sizes(self, seed: int | None = None) -> Figure | None:
        """The size of every head's maps over the steps, of one seed; None takes the first.

        Raises ValueError where there is no such seed.
        """
        if not len(self.along):
            return None
        seeds = sorted(set(self.along.seed))
        wanted = seeds[0] if seed is None else seed
        if wanted not in seeds:
            raise ValueError(f"seed must be one of {', '.join(map(str, seeds))}, got {seed!r}.")
        return figures.draw_sizes(self.along[self.along.seed == wanted])

    def draw_pulls(self) -> Figure | None:
        """The gradient that reaches each part over the steps, the median over seeds."""
        return figures.draw_pulls(self.pulls) if len(self.pulls) else None

    def knock_outs(self) -> pd.DataFrame:
        """One row for each successful run and head: the accuracy that is lost without it."""
        ends, rows = self.ends, []
        for run in self.runs:
            taken = self.store.snapshots(run)
            if not taken or ends.get(run.key, 0.0) < statistics.SUCCESS:
                continue
            flat = taken[max(taken)]
            whole = inside.accuracy(flat, run.arch, self.batch)
            for layer, head in np.ndindex(run.arch.layers, run.arch.heads):
                without = inside.without_head(flat, run.arch, layer, head)
                drop = whole - inside.accuracy(without, run.arch, self.batch)
                about = {"condition": str(run.condition), "seed": run.seed}
                rows.append(about | {"head": f"{layer}.{head}", "drop": drop})
        return pd.DataFrame(rows, columns=["condition", "seed", "head", "drop"])

    def draw_knock_outs(self) -> Figure | None:
        """What each head is worth to the finished models, by start."""
        rows = self.knock_outs()
        return figures.draw_knock_outs(rows) if len(rows) else None


def _looks(maps: np.ndarray, query: np.ndarray, needle: np.ndarray) -> dict[str, float]:
    """Of one head's maps (n, T, T): how much it looks one back from values, and from the query at
    the answer.
    """
    row = np.arange(len(maps))
    values = np.arange(1, int(query.max()), 2)
    real = values < query[:, None]  # (n, T / 2)
    before = (maps[:, values, values - 1] * real).sum() / real.sum()
    at_query = maps[row, query]
    return {
        "before": float(before),
        "needle": float(at_query[row, needle].mean()),
    }
