"""Every figure of some runs; None where there is nothing to draw."""

from collections.abc import Callable

import pandas as pd
from matplotlib.figure import Figure

from procmod_lib.initial import Condition, parse
from procmod_lib.initial.words import WORDS
from procmod_lib.report import figures, statistics
from procmod_lib.report.selection import Selection
from procmod_lib.tasks import title

FEWEST_IN_A_MAP = 3


class Pictures(Selection):
    """Some runs that can be drawn; see :class:`procmod_lib.report.selection.Selection`."""

    def draw_ends(self) -> Figure | None:
        """Means, intervals and seeds."""
        return figures.draw_ends(self.summary, self.table, self.chance) if len(self) else None

    def draw_curves(self) -> Figure | None:
        """Every run's learning curve."""
        return figures.draw_curves(self.table, self.chance) if len(self) else None

    def draw_rows(self, names: dict[str, str]) -> Figure | None:
        """Of one diagnostic: a row a condition, by the name it is given, and a point a seed."""
        there = self.named(names)
        return figures.draw_rows(self.table, there, self.chance) if there else None

    def named(self, names: dict[str, str]) -> dict[str, str]:
        """Of some conditions and their names those that are there."""
        return {c: name for c, name in names.items() if len(self) and len(self.of(c))}

    def draw_doses(self) -> Figure | None:
        """Responses to noise, of transfers that were also run with noise."""
        doses = statistics.noise_responses(self.table)
        doses = doses[doses.groupby("transfer").dose.transform("size") > 1]
        return figures.draw_doses(doses, self.table) if len(doses) else None

    def draw_parts(self) -> Figure | None:
        """The heat map of every source and part against no pretraining."""
        rows = self._map(lambda c: len(c.given) == len(c.sources) == 1)
        names = [next(iter(parse(c).given.items())) for c in rows.initial_condition]
        rows = rows.assign(
            part=[WORDS[part].noun for part, _ in names],
            source=[title(source) for _, source in names],
        )
        return figures.draw_differences(rows, "part", "source") if len(rows) else None

    def draw_pairs(self) -> Figure | None:
        """The heat map of every composition against no pretraining, on diagnostics with more than
        one.
        """
        rows = self._map(lambda c: set(c.given) == {"attention", "mlp"})
        rows = rows[rows.groupby("diagnostic").n.transform("size") > 1]
        pairs = [parse(c) for c in rows.initial_condition]
        attention = [f"attention {title(c['attention'])}" for c in pairs]
        rows = rows.assign(attention=attention, mlp=[f"MLPs {title(c['mlp'])}" for c in pairs])
        return figures.draw_differences(rows, "mlp", "attention") if len(rows) else None

    def _map(self, keep: Callable[[Condition], bool]) -> pd.DataFrame:
        """Differences from no pretraining with three seeds, of conditions that a map shows."""
        rows = self.differences()
        shown = [keep(parse(c)) for c in rows.initial_condition]
        return rows[(rows.n >= FEWEST_IN_A_MAP) & pd.Series(shown, rows.index, dtype=bool)]

    def draw_sources(self) -> Figure | None:
        """Of pretraining runs: the curve of each."""
        learnt = statistics.learnt(self.runs, self.table)
        return figures.draw_source_curves(self.runs, self.table, learnt) if len(learnt) else None

    def draw_phase(self, places: dict[str, str]) -> Figure | None:
        """Of starts by hand: the map of successes by place and standard deviation.

        Args:
            places: the words that say where, such as ``head=1.0``, and how the map names them.
        """
        rows = []
        for row in self.summary.itertuples():
            condition = parse(row.initial_condition)
            words = " ".join(f"{n}={v}" for n, v in condition.given.items() if n != "loud")
            if condition["loud"] and words in places:
                rows.append((places[words], condition["loud"], row.successes, row.n))
        cells = pd.DataFrame(rows, columns=["place", "spread", "successes", "n"])
        return figures.draw_phase(cells) if len(cells) else None


def draw_groups(sections: dict[str, Pictures], names: dict[str, str]) -> Figure | None:
    """Rows of several sections of one diagnostic, each below its heading.

    Args:
        sections: by heading.
        names: condition -> what it is called; those that a section lacks are left out of it.
    """
    there = {
        heading: (section.table, section.named(names))
        for heading, section in sections.items()
        if section.named(names)
    }
    chance = next(iter(sections.values())).chance
    return figures.draw_groups(there, chance) if there else None
