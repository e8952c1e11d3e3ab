"""Initial conditions x diagnostics x seeds: what every grid of fine-tuning runs is."""

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.experiments.parameters import (
    check_count,
    check_one_of,
    read_changes,
    read_diagnostics,
    read_list,
    read_sources,
)
from procmod_lib.initial import Condition, parse
from procmod_lib.runs.run import Run


def parsed(named: str, each: Condition | str) -> Condition:
    """A condition, read if it is a text; ``named`` is the parameter of the grid that holds it."""
    try:
        return each if isinstance(each, Condition) else parse(each)
    except ValueError as error:
        raise ValueError(f"{named}: {error}") from None


def changed_transfers(
    preset, transfers, words, diagnostics, seeds: range, steps, *, named: str
) -> list[Run]:
    """Scratch, every transfer as it is, and with each of the words; ``named`` is the parameter of
    the grid that holds the words.
    """
    conditions = [parse("scratch")]
    for transfer in read_list("transfers", transfers):
        copied = parsed("transfers", transfer)
        if not copied.sources:
            example = "for example attention=identity"
            raise ValueError(f"transfers must name what is copied, {example}, got {transfer!r}.")
        conditions += [copied, *(parsed(named, f"{transfer} {word}") for word in words)]
    changes = read_changes(steps)
    return crossed(preset, conditions, diagnostics, seeds, named="transfers", **changes)


MODELS = range(5, 11)
"""Seeds of the pretrained models that are crossed with fine-tuning seeds; none is below the latter,
since a source is named by how much later its seed is.
"""


def models_by_seeds(
    preset: str, source: str = "identity", seeds: int = 6, settings: str = "large_rate"
) -> list[Run]:
    """Attention of six pretrained models x fine-tuning seeds on HAYSTACK: every model with every
    seed.

    Args:
        preset: how large.
        source: on what the models were pretrained.
        seeds: how many fine-tuning seeds, from 0 on; at most six.
        settings: those with which the source is pretrained.
    """
    read_sources("source", [source])
    if check_count("seeds", seeds) > MODELS.start + 1:
        raise ValueError(f"seeds must be at most {MODELS.start + 1}, got {seeds}.")
    runs = []
    for seed in range(seeds):
        for model in MODELS:
            later = f"@{model - seed}" if model > seed else ""
            start = f"attention={source}{later}"
            runs.append(fine_tuning_run("haystack", start, preset, seed, settings=settings))
    return runs


def check_size(name: str, value, task: str, diagnostics: list[str]) -> None:
    """None, or a count where the one task that it changes is among the diagnostics."""
    if value is None:
        return
    check_count(name, value)
    if task not in diagnostics:
        raise ValueError(
            f"{name} must be None where {task} is not among the diagnostics, got {value!r}."
        )


def crossed(
    preset,
    conditions,
    diagnostics,
    seeds: range,
    answer_mask="reference",
    settings="large_rate",
    model=None,
    pairs=None,
    items=None,
    *,
    named="initial_conditions",
    **changes,
) -> list[Run]:
    """Conditions x diagnostics x seeds, seeds outermost, so that a sweep that ends early has whole
    comparisons; ``named`` is the parameter of the grid that holds the conditions.
    """
    check_one_of("answer_mask", answer_mask, ("reference", "full"))
    diagnostics = read_diagnostics(diagnostics)
    for name, size, task in (("pairs", pairs, "haystack"), ("items", items, "sorting")):
        check_size(name, size, task, diagnostics)
    conditions = list(dict.fromkeys(parsed(named, each) for each in conditions))
    sources = [source for condition in conditions for source in condition.sources]
    if sources:
        read_sources(f"{named}: the source", sources)
    return [
        fine_tuning_run(
            diagnostic,
            condition,
            preset,
            seed,
            answer_mask,
            settings,
            model,
            pairs,
            items,
            **changes,
        )
        for seed in seeds
        for diagnostic in diagnostics
        for condition in conditions
    ]
