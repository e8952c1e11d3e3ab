"""The four pretrainings of IDENTITY from which the book draws its conclusions."""

import pandas as pd
from IPython.display import Markdown

from procmod_lib.experiments.conditions import BOTH
from procmod_lib.experiments.grids import selective_transfer
from procmod_lib.experiments.settings import NAMES
from procmod_lib.findings.specified import measured
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import of_runs
from procmod_lib.report.tables import NOT_YET, grid
from procmod_lib.runs.run import Run, donors_of

LISTS = {
    "fixed": "one length",
    "all": "all lengths",
    "curriculum": "short, then longer",
}
"""How long the lists are that a source is drawn with."""


def runs(settings: str) -> list[Run]:
    """HAYSTACK from ten models of IDENTITY, each of which is one that the table looks at."""
    return selective_transfer("standard", initial_conditions=[BOTH], seeds=10, settings=settings)


def table(sections: dict[str, Section]) -> Markdown:
    """A row a pretraining: its name, its settings, whether full lists are learnt, and how large
    each layer of attention then is (the median over models).

    Args:
        sections: by the settings, the runs of :func:`runs`.
    """
    heads = [
        "name",
        "training",
        "lists",
        "full lists learnt",
        "size of the first layer, of the last",
    ]
    rows = [
        [f"{NAMES[settings]}: `{settings}`", *_told(donors_of(section.runs), section)]
        for settings, section in sections.items()
    ]
    return grid(heads, rows)


def _told(donors: list[Run], section: Section) -> list[str]:
    """What the settings say, and what is measured of the models."""
    task, budget = donors[0].task, donors[0].budget
    steps = f"at most {budget.steps:,}" if budget.stop_after else f"{budget.steps:,}"
    said = [f"rate {budget.lr:g}, {steps} steps, dropout {budget.dropout:g}"]
    models = pd.DataFrame([measured(donor, section.store) for donor in donors]).dropna()
    if not len(models):
        return [*said, LISTS[task.lengths], NOT_YET, NOT_YET]
    sizes = models[["first_size", "last_size"]].median()
    return [
        *said,
        LISTS[task.lengths],
        of_runs(int(models.learnt.sum()), len(models)),
        f"{sizes.first_size:.2f}, {sizes.last_size:.2f}",
    ]
