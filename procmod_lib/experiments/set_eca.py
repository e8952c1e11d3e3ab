"""The paper's pair, SET's attention with ECA's MLPs, from models of the optional curriculum.

The rules stand on the page "Fixed in advance".
"""

from dataclasses import replace

from procmod_lib.experiments.conditions import FRESH_FIRST, SET_ECA
from procmod_lib.experiments.make_runs import fine_tuning_run, pretraining_run
from procmod_lib.experiments.specification import SEEDS
from procmod_lib.experiments.why_curricula import TEN
from procmod_lib.initial import with_words
from procmod_lib.runs.run import Run

CHANGES = {
    "fresh_norm on=mlp on_layer=0": "first MLP at fresh size",
    "fresh_norm on=mlp on_layer=1": "last MLP at fresh size",
    "shuffle on=mlp": "both MLPs shuffled",
    FRESH_FIRST: "whole first layer at fresh size",
}
"""What is done to the pair, in the order in which the rule asks."""

NULLS = {
    "": "as learnt",
    "shuffle on=mlp": "both MLPs shuffled",
    "fresh_norm on=mlp": "both MLPs at fresh size",
}
"""The pair with ECA from its ladder, and what is asked where it carries."""

ELSEWHERE = ("reversed_addition", "addition", "sorting")
"""Where else the paper claims that the pair helps."""


def pair(
    preset: str,
    change: str = "",
    mlps: str = "large_rate",
    diagnostic: str = "haystack",
    seeds: int = SEEDS,
) -> list[Run]:
    """SET's attention from the curriculum with the MLPs of ECA from some settings.

    Args:
        preset: of the fine-tuning.
        change: what is done to the pair; a perturbation as a condition writes it, or none.
        mlps: settings with which ECA is pretrained.
        diagnostic: what is fine-tuned.
        seeds: how many, from 0.
    """
    runs = []
    for seed in range(seeds):
        run = fine_tuning_run(diagnostic, with_words(SET_ECA, change), preset, seed)
        attention = pretraining_run("set", preset, seed, "closest_curriculum")
        automaton = pretraining_run("eca", preset, seed, mlps)
        runs.append(replace(run, donors=(("set", attention), ("eca", automaton))))
    return runs


def changed() -> list[Run]:
    """The pair with ECA from our settings and each change, 10 pairs."""
    return [run for change in CHANGES for run in pair("small", change)]


def climbed(preset: str) -> list[Run]:
    """The pair with ECA from its rung of the ladder, on HAYSTACK: as learnt, then its nulls."""
    return [run for change in NULLS for run in pair(preset, change, mlps="closest")]


def climbed_on_sums() -> list[Run]:
    """The pair with ECA from its rung where the paper claims that it helps, and no pretraining."""
    fresh = [
        fine_tuning_run(diagnostic, "scratch", "standard", seed)
        for diagnostic in ELSEWHERE
        for seed in range(TEN)
    ]
    return fresh + [
        run
        for diagnostic in ELSEWHERE
        for run in pair("standard", mlps="closest", diagnostic=diagnostic, seeds=TEN)
    ]
