"""The grid of runs behind each chapter.

A list may be a string with commas; a wrong parameter raises ValueError, which names it, at once.
"""

from collections.abc import Callable
from dataclasses import replace

from procmod_lib.experiments.conditions import PERTURBATIONS, PIECES, RECIPE, RECIPES, SPOILT
from procmod_lib.experiments.crossed import changed_transfers, crossed, parsed
from procmod_lib.experiments.make_runs import (
    find_preset,
    fine_tuning_run,
    pretraining_run,
    seeds_of,
)
from procmod_lib.experiments.parameters import (
    check_flag,
    check_shape,
    read_changes,
    read_diagnostics,
    read_list,
    read_sources,
)
from procmod_lib.experiments.settings import check_settings
from procmod_lib.runs.keep import CURVES, WEIGHTS, Keep
from procmod_lib.runs.run import Run, each_once
from procmod_lib.tasks import SOURCES

SNAPSHOTS = tuple(range(0, 2001, 200))
"""After which steps the weights of runs are kept that are looked into."""


def pretraining(
    preset: str,
    sources=("identity",),
    settings=("large_rate",),
    seeds: int | None = None,
    first_seed: int = 0,
) -> list[Run]:
    """Every source x settings x seed, as the other grids pretrain them."""
    sources = read_sources("sources", sources)
    settings = [check_settings(each) for each in read_list("settings", settings)]
    runs = [
        pretraining_run(source, preset, seed, how)
        for seed in seeds_of(preset, seeds, first_seed)
        for source in sources
        for how in settings
    ]
    return each_once(runs)


def given_up() -> list[Run]:
    """Pretraining runs at full length that were tried before the settings in force.

    They are kept in the published store and used by no other chapter.
    """
    tried = [
        pretraining_run(source, "standard", seed)
        for seed in range(3)
        for source in ("set", "stack")
    ]
    return [replace(run, budget=replace(run.budget, steps=8000)) for run in tried]


def answer_masks(
    preset: str,
    diagnostics=("addition",),
    seeds: int | None = None,
    steps: int | None = None,
    first_seed: int = 0,
) -> list[Run]:
    """Every diagnostic x seed without pretraining, trained on the reference mask and on the whole
    answer.
    """
    diagnostics, changes = read_diagnostics(diagnostics), read_changes(steps)
    return [
        fine_tuning_run(diagnostic, "scratch", preset, seed, mask, **changes)
        for seed in seeds_of(preset, seeds, first_seed)
        for diagnostic in diagnostics
        for mask in ("reference", "full")
    ]


def selective_transfer(
    preset: str,
    sources=("identity",),
    diagnostics=("haystack",),
    initial_conditions=("scratch", "full", "attention", "mlp"),
    seeds: int | None = None,
    steps: int | None = None,
    answer_mask: str = "reference",
    settings: str = "large_rate",
    lr: float | None = None,
    items: int | None = None,
    first_seed: int = 0,
) -> list[Run]:
    """Every source x initial condition x diagnostic x seed; scratch once a diagnostic and seed.

    Args:
        preset: how large.
        sources: what is pretrained.
        diagnostics: what is fine-tuned.
        initial_conditions: ``scratch``, or ``full``, ``attention``, ``mlp`` (from each of the
            sources), or whole conditions such as ``attention=set mlp=eca``.
        seeds: how many; None takes the preset's.
        steps: of fine-tuning; None takes the preset's.
        answer_mask: what training looks at, ``"reference"`` or ``"full"``.
        settings: those with which the sources are pretrained.
        lr: peak learning rate of fine-tuning; None takes the preset's.
        items: how many numbers SORTING has; None takes the preset's.
        first_seed: the seeds are this number and those behind it.
    """
    sources = read_sources("sources", sources)
    conditions, parts = [], ("full", "attention", "mlp")
    asked = read_list("initial_conditions", initial_conditions)
    if sources != ["identity"] and not any(word in parts for word in asked):
        raise ValueError(
            f"sources must be left out where initial_conditions has none of {', '.join(parts)} "
            f"alone, got {', '.join(sources)}."
        )
    for word in asked:
        conditions += [f"{word}={source}" for source in sources] if word in parts else [word]
    settings = check_settings(settings)
    changes = read_changes(steps, lr)
    chosen = seeds_of(preset, seeds, first_seed)
    return crossed(
        preset, conditions, diagnostics, chosen, answer_mask, settings, items=items, **changes
    )


def perturbation(
    preset: str,
    transfers=("attention=identity",),
    perturbations=None,
    diagnostics=("haystack",),
    seeds: int | None = None,
    steps: int | None = None,
    first_seed: int = 0,
) -> list[Run]:
    """Scratch, and every transfer as it is and with each perturbation, x diagnostic x seed.

    Args:
        preset: how large.
        transfers: conditions that name what is copied.
        perturbations: words such as ``noise=0.05`` or ``shuffle``; by default all of PERTURBATIONS,
            or half of them at the presets that take minutes.
        diagnostics: what is fine-tuned.
        seeds: how many; None takes the preset's.
        steps: of fine-tuning; None takes the preset's.
        first_seed: the seeds are this number and those behind it.
    """
    usual = PERTURBATIONS[::2] if find_preset(preset).is_brief else PERTURBATIONS
    words = read_list("perturbations", usual if perturbations is None else perturbations)
    chosen = seeds_of(preset, seeds, first_seed)
    return changed_transfers(
        preset, transfers, words, diagnostics, chosen, steps, named="perturbations"
    )


def localisation(
    preset: str,
    transfers=("attention=identity",),
    pieces=None,
    diagnostics=("haystack",),
    seeds: int | None = None,
    steps: int | None = None,
    first_seed: int = 0,
) -> list[Run]:
    """Scratch, and every transfer as it is and cut to a piece or held fixed, x diagnostic x seed.

    Args:
        preset: how large.
        transfers: as in :func:`perturbation`.
        pieces: words such as ``layer=0``, ``head=0.3`` or ``freeze=attention``; by default all of
            PIECES, or the first four at the presets that take minutes.
        diagnostics: what is fine-tuned.
        seeds: how many; None takes the preset's.
        steps: of fine-tuning; None takes the preset's.
        first_seed: the seeds are this number and those behind it.
    """
    usual = PIECES[:4] if find_preset(preset).is_brief else PIECES
    words = read_list("pieces", usual if pieces is None else pieces)
    chosen = seeds_of(preset, seeds, first_seed)
    return changed_transfers(preset, transfers, words, diagnostics, chosen, steps, named="pieces")


def by_hand(
    preset: str,
    recipes=RECIPES,
    diagnostics=("haystack",),
    seeds: int | None = None,
    steps: int | None = None,
    lr: float | None = None,
    model: str | None = None,
    pairs: int | None = None,
    first_seed: int = 0,
) -> list[Run]:
    """Scratch and every start written by hand, x diagnostic x seed.

    Args:
        preset: how large.
        recipes: conditions such as ``loud=0.3 head=1.0``.
        diagnostics: what is fine-tuned.
        seeds: how many; None takes the preset's.
        steps: of fine-tuning; None takes the preset's.
        lr: peak learning rate of fine-tuning; None takes the preset's.
        model: layers_heads_width; None takes the preset's.
        pairs: of HAYSTACK; None takes the preset's.
        first_seed: the seeds are this number and those behind it.
    """
    check_shape("model", model)
    recipes = read_list("recipes", recipes)
    for recipe in recipes:
        if parsed("recipes", recipe).sources:
            raise ValueError(
                f"recipes must be written by hand, without a source, for example {RECIPE}, got "
                f"{recipe!r}."
            )
    changes = read_changes(steps, lr)
    chosen = seeds_of(preset, seeds, first_seed)
    starts = ["scratch", *recipes]
    return crossed(preset, starts, diagnostics, chosen, model=model, pairs=pairs, **changes)


def inside(
    preset: str,
    starts=("scratch", RECIPE, SPOILT),
    seeds: int | None = None,
    steps: int | None = None,
    lr: float | None = None,
    first_seed: int = 0,
) -> list[Run]:
    """Every start x seed on HAYSTACK, whose snapshots are looked into.

    Args:
        preset: how large.
        starts: whole conditions, such as ``scratch``.
        seeds: how many; None takes the preset's.
        steps: of fine-tuning; None takes the preset's.
        lr: peak learning rate of fine-tuning; None takes the preset's.
        first_seed: the seeds are this number and those behind it.
    """
    starts = read_list("starts", starts)
    chosen = seeds_of(preset, seeds, first_seed)
    changes = read_changes(steps, lr)
    return crossed(preset, starts, ["haystack"], chosen, named="starts", **changes)


def composition(
    preset: str,
    attention=("identity",),
    mlp=("set",),
    diagnostics=("haystack",),
    mixtures: bool = False,
    seeds: int | None = None,
    steps: int | None = None,
    first_seed: int = 0,
) -> list[Run]:
    """Scratch, attention alone, MLPs alone and every pair of attention from one source with MLPs
    from another, x diagnostic x seed.

    Args:
        preset: how large.
        attention: sources of the attention layers.
        mlp: sources of the MLPs.
        mixtures: also the full transfer of a model pretrained on both sources of a pair at once,
            for as many steps as one of them. A pair of one source with itself, of rows (eca) or of
            anything but plain sources has none.
        diagnostics: what is fine-tuned.
        seeds: how many; None takes the preset's.
        steps: of fine-tuning; None takes the preset's.
        first_seed: the seeds are this number and those behind it.
    """
    attention, mlp = read_sources("attention", attention), read_sources("mlp", mlp)
    pairs = [(a, m) for a in attention for m in mlp]
    conditions = ["scratch", *(f"attention={a}" for a in attention), *(f"mlp={m}" for m in mlp)]
    conditions += [f"attention={a} mlp={m}" for a, m in pairs]
    if check_flag("mixtures", mixtures):
        plain = [name for name in SOURCES if SOURCES[name].kind == "tokens"]
        mixed = [pair for pair in pairs if pair[0] != pair[1] and set(pair) <= set(plain)]
        names = ["+".join(sorted(pair)) for pair in mixed]
        conditions += [f"full={name}" for name in dict.fromkeys(names)]
    chosen = seeds_of(preset, seeds, first_seed)
    return crossed(preset, conditions, diagnostics, chosen, **read_changes(steps))


def kept_by(grid: Callable) -> Keep:
    """What a chapter keeps of its runs beside their curves: of sources the weights, of runs that
    it or the next one looks into the weights along the steps.
    """
    if grid is pretraining:
        return WEIGHTS
    return Keep(snapshots=SNAPSHOTS) if grid in (by_hand, inside) else CURVES


def without_copies(*grids: list[Run]) -> list[Run]:
    """The runs of several grids, each once."""
    return each_once([run for grid in grids for run in grid])
