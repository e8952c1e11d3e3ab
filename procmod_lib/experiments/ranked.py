"""The settings that let most and fewest models carry HAYSTACK, run again at the full protocol."""

from procmod_lib.experiments.conditions import BOTH
from procmod_lib.experiments.specification import (
    CARRIED_IN,
    STARTS,
    Setting,
    every,
    setting_of,
    transfers,
)
from procmod_lib.runs.curves import final_scores
from procmod_lib.runs.run import Run
from procmod_lib.runs.store import Store
from procmod_lib.tasks.bounds import SUCCESS

AT_EACH_END = 3


def best_and_worst(store: Store, runs: list[Run] | None = None) -> list[Setting]:
    """The settings with most successes of the attention of both layers, then those with fewest.

    Args:
        store: where the runs are.
        runs: those of all settings; None takes those of the specification curve.

    Returns:
        At most six settings; none before all their runs are there.
    """
    ranked = list(_ranked(store, runs))
    return list(dict.fromkeys([*ranked[:AT_EACH_END], *ranked[-AT_EACH_END:]]))


def carrying(store: Store, runs: list[Run] | None = None) -> list[Setting]:
    """The settings of which the attention of both layers carries in six models or more, by rank.

    Args:
        store: where the runs are.
        runs: those of all settings; None takes those of the specification curve.

    Returns:
        No setting before all their runs are there.
    """
    ranked = _ranked(store, runs)
    return [setting for setting, ends in ranked.items() if _rank(ends)[0] >= CARRIED_IN]


def _ranked(store: Store, runs: list[Run] | None) -> dict[Setting, list[float]]:
    """How the attention of both layers ends from every setting, the best first.

    Settings are ranked by their successes, among equals the higher mean first; the rule was fixed
    before any of them had its runs, see the page "Fixed in advance".
    """
    asked = [run for run in (every() if runs is None else runs) if str(run.condition) == BOTH]
    if store.missing(asked):
        return {}
    ends = final_scores(store.load(asked))
    if not {run.key for run in asked} <= set(ends):  # one of them is damaged
        return {}
    accuracies: dict[Setting, list[float]] = {}
    for run in asked:
        accuracies.setdefault(setting_of(run), []).append(ends[run.key])
    order = sorted(accuracies, key=lambda setting: _rank(accuracies[setting]), reverse=True)
    return {setting: accuracies[setting] for setting in order}


def _rank(accuracies: list[float]) -> tuple[int, float]:
    successes = sum(accuracy >= SUCCESS for accuracy in accuracies)
    return successes, sum(accuracies) / len(accuracies)


def again(store: Store) -> list[Run]:
    """Their transfers at the full protocol, from the same models.

    The attention of both layers, by which they were chosen, comes before the other two starts.

    Args:
        store: where the runs are that rank them.
    """
    chosen = best_and_worst(store)
    runs = [run for setting in chosen for run in transfers(setting, "standard")]
    return sorted(runs, key=lambda run: STARTS.index(str(run.condition)))
