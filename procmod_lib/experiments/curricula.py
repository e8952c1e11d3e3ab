"""What models of a curriculum copy: the list length at which each is best."""

import numpy as np
from IPython.display import Markdown

from procmod_lib.experiments.specification import BOTH, Setting, setting_of
from procmod_lib.experiments.specified import described
from procmod_lib.network import inside
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import from_to, span
from procmod_lib.report.statistics import interval
from procmod_lib.report.tables import grid
from procmod_lib.runs.run import Run

SAMPLES = 300
STEP = 2  # by which a curriculum lengthens its lists


def best_length(donor: Run, weights: np.ndarray) -> tuple[int, float]:
    """The list length at which a pretrained model is right most often, and how often.

    Args:
        donor: the run that pretrained it, on lists.
        weights: flat.
    """
    scores = {}
    for length in range(donor.task.first_length or STEP, donor.task.full_length + 1, STEP):
        batch = donor.task.at_length(length).batch(SAMPLES, "test", donor.seed)
        scores[length] = inside.accuracy(weights, donor.arch, batch)
    best = max(scores, key=lambda length: scores[length])
    return best, scores[best]


def copied_table(section: Section) -> Markdown:
    """A row a setting with a curriculum: at which lengths its models copy best, and how well.

    Args:
        section: transfers whose sources were pretrained in several ways.
    """
    found: dict[Setting, list[tuple[int, float]]] = {}
    for run in section.runs:
        setting = setting_of(run)
        if str(run.condition) != BOTH or setting.lengths != "curriculum":
            continue
        ((_, donor),) = run.donors
        weights = section.store.weights(donor)
        if weights is not None:
            found.setdefault(setting, []).append(best_length(donor, weights))
    rows = []
    for setting, best in found.items():
        lengths, scores = zip(*best, strict=True)
        mean, between = f"{100 * np.mean(scores):.0f}", span(*interval(scores))
        rows.append([described(setting), len(best), from_to(lengths), mean, between])
    heads = ["what is changed", "n", "length copied best", "right there, mean (%)"]
    return grid([*heads, "95 % interval"], rows)
