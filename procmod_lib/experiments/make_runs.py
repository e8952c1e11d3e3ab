"""One run of a preset: a source that is pretrained, a diagnostic that is fine-tuned."""

from dataclasses import replace

from procmod_lib.experiments.parameters import (
    check_count,
    check_one_of,
    check_seed,
    check_shape,
    read_seeds,
    read_sources,
)
from procmod_lib.experiments.presets import PRESETS, Preset
from procmod_lib.experiments.settings import apply_settings, on_the_ladder
from procmod_lib.initial import Condition, parse
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.run import Run
from procmod_lib.tasks import SOURCES, TASKS, THEN, TOKENS_SHUFFLED, Mixture, Task, make_task

SMALL_MODEL = "2_4_16"
"""The paper's, as layers_heads_width."""


def find_preset(preset: str) -> Preset:
    """A preset by name; raises ValueError for an unknown one."""
    check_one_of("preset", preset, PRESETS)
    return PRESETS[preset]


def seeds_of(preset: str, seeds: int | None, first_seed: int) -> range:
    """So many seeds from the first on; None takes the preset's number."""
    usual = find_preset(preset).seeds
    return read_seeds(usual if seeds is None else seeds, first_seed)


def pretraining_run(
    source: str, preset: str, seed: int, settings: str = "large_rate", shape: str = SMALL_MODEL
) -> Run:
    """The run that pretrains a source.

    Args:
        source: its name; ``identity@1`` is the model of the seed after, ``identity+set`` a mixture,
            ``identity>set`` a whole model of the first that goes on with the second,
            ``identity_tokens_shuffled`` the structure control.
        preset: how large.
        seed: 0 or more.
        settings: one of :data:`procmod_lib.experiments.settings.SETTINGS`.
        shape: layers_heads_width.

    Returns:
        A run with a tied head and at least 100 positions.

    Raises:
        ValueError: a parameter is unknown; the sentence names it.
    """
    plan = find_preset(preset)
    read_sources("source", [source])
    check_seed(seed)
    check_shape("shape", shape)
    source, _, later = source.partition("@")
    seed += int(later or 0)
    if THEN in source:
        first, second = source.split(THEN)
        run = pretraining_run(second, preset, seed, settings, shape)
        donors = ((first, pretraining_run(first, preset, seed, settings, shape)),)
        return replace(run, condition=parse(f"full={first}"), donors=donors)
    usual = _usual_budget(source, preset)
    task, budget = apply_settings(settings, _source_task(source, preset), usual)
    if plan.is_brief:
        budget = replace(budget, steps=usual.steps)
    arch = architecture_of(task, shape, tied=task.kind != "bits")
    return Run(task, arch, budget, seed, preset=preset)


def reference_run(
    source: str, rate: float, dropout: float, curriculum: bool, seed: int, shape: str = SMALL_MODEL
) -> Run:
    """The run that pretrains a source as the released code draws it, by its loop without the early
    stop.

    Args:
        source: its name.
        rate: peak learning rate.
        dropout: rate.
        curriculum: whether lists lengthen as they are learnt.
        seed: 0 or more.
        shape: layers_heads_width.
    """
    read_sources("source", [source])
    check_shape("shape", shape)
    task, budget = on_the_ladder(make_task(source), rate, dropout, curriculum)
    arch = architecture_of(task, shape, tied=task.kind != "bits")
    return Run(task, arch, budget, seed, preset="standard")


def _usual_budget(source: str, preset: str) -> Budget:
    """What our settings train a source for; a mixture as long as the part that needs least, in the
    larger batches.
    """
    usual = find_preset(preset).pretraining
    parts = [
        replace(usual, **SOURCES[part.removesuffix(TOKENS_SHUFFLED)].budgets.get(preset, {}))
        for part in source.split("+")
    ]
    if len(parts) == 1:
        return parts[0]
    return replace(
        usual, steps=min(part.steps for part in parts), batch=max(part.batch for part in parts)
    )


def _source_task(source: str, preset: str) -> Task:
    if "+" in source:
        return Mixture(*(_source_task(part, preset) for part in source.split("+")))
    facts = SOURCES[source.removesuffix(TOKENS_SHUFFLED)]
    return make_task(source, **facts.presets.get(preset, {}))


def architecture_of(task: Task, shape: str, *, tied: bool) -> Architecture:
    """The architecture of a model of a task, for layers_heads_width."""
    layers, heads, width = map(int, shape.split("_"))
    return Architecture(
        task.vocab, task.positions, layers, heads, width, tied=tied, inputs=task.kind
    )


def fine_tuning_run(
    diagnostic: str,
    condition: Condition | str,
    preset: str,
    seed: int,
    answer_mask: str = "reference",
    settings: str = "large_rate",
    model: str | None = None,
    pairs: int | None = None,
    items: int | None = None,
    **changes,
) -> Run:
    """The run that fine-tunes a model from an initial condition on a diagnostic.

    Args:
        diagnostic: its name, or that of a source, which is then fine-tuned on.
        condition: where it starts.
        preset: how large.
        seed: 0 or more; also the seed of the sources.
        answer_mask: what training looks at, ``"reference"`` or ``"full"``.
        settings: those with which its sources were pretrained.
        model: layers_heads_width where it is not the preset's.
        pairs: of HAYSTACK, where they are not the preset's.
        items: of SORTING, the same.
        **changes: fields of the fine-tuning budget.

    Raises:
        ValueError: a parameter is unknown or out of range; the sentence names it.
    """
    plan = find_preset(preset)
    check_one_of("diagnostic", diagnostic, TASKS)
    check_seed(seed)
    check_shape("model", model)
    facts = TASKS[diagnostic]
    condition = condition if isinstance(condition, Condition) else parse(condition)
    task = make_task(diagnostic, **facts.presets.get(preset, {}))
    if pairs is not None and diagnostic == "haystack":
        check_count("pairs", pairs)
        most = (task.vocab_size - task.values - 1) // 2  # a key and a query each
        if pairs > most:
            raise ValueError(f"pairs must be at most {most} at preset {preset}, got {pairs}.")
        task = task.with_(pairs=pairs)
    if items is not None and diagnostic == "sorting":
        task = task.with_(items=check_count("items", items))
    shape = model or facts.shapes.get(preset, SMALL_MODEL)
    donor_shape = condition["shape"] or shape
    donors = tuple(
        (s, pretraining_run(s, preset, seed, settings, donor_shape)) for s in condition.sources
    )
    own = facts.budgets.get(preset, {})
    if diagnostic in SOURCES:  # how long it is pretrained for is not how long it is fine-tuned on
        own = {name: value for name, value in own.items() if name == "batch"}
    budget = replace(plan.fine_tuning, **(own | changes))
    if "steps" in changes and budget.steps < budget.warmup:
        raise ValueError(
            f"steps must be at least the {budget.warmup} of the warm-up at preset {preset}, "
            f"got {budget.steps}."
        )
    return Run(
        task,
        architecture_of(task, shape, tied=False),
        budget,
        seed,
        condition,
        donors,
        answer_mask,
        preset,
    )
