"""The grid of runs behind each chapter, and the presets that say how large it is."""

import re
from dataclasses import dataclass, field, replace

from procmod_lib.initial.condition import Condition, parse
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs.training import Budget, Run
from procmod_lib.tasks import DIAGNOSTICS, SOURCES, Mixture, Task, make_task


@dataclass(frozen=True)
class Preset:
    """How large an experiment is.

    Attributes:
        about: one sentence for the reader. sources, diagnostics: parameters of each task that differ from the defaults.
        pretraining: budget of every source, with ``per_source`` changes. fine_tuning: budget of every diagnostic, with ``per_diagnostic``
            changes. seeds: how many. shapes: diagnostics that take a larger model than 2_4_16, as layers_heads_width; their sources do too.
    """

    about: str
    sources: dict
    diagnostics: dict
    pretraining: Budget
    per_source: dict
    fine_tuning: Budget
    seeds: int
    per_diagnostic: dict = field(default_factory=dict)
    shapes: dict = field(default_factory=dict)


BETTER = Budget(batch=256, lr=1e-2, warmup=200, final_lr=0.1, weight_decay=0.01, test_samples=1000, evaluate_every=250)
"""Pretraining without dropout and with a larger learning rate than the released 5e-5: chosen on the sources' own scores."""
LONGER = {n: {"batch": 64} for n in ("dyck", "dyck_shuffle", "eca")} | {n: {"steps": 24_000} for n in ("set", "stack")}
"""What differs by source: where every token is scored one sequence teaches more; SET and STACK leave their plateau late."""
LISTS = Budget(steps=20_000, batch=64, lr=5e-5, warmup=1000, final_lr=0.1, weight_decay=0.01, dropout=0.1, test_samples=1000)
BRACKETS = replace(LISTS, warmup=0, schedule="constant")
RELEASED = {"dyck": BRACKETS, "dyck_shuffle": BRACKETS, "eca": replace(LISTS, lr=2e-6, weight_decay=0.0)}
"""Pretraining as the released code does it, by default LISTS; lists have one length. That they are the paper's settings is inferred."""
BETTER_STEPS = 8000  # at the presets that are meant for results; smoke and quick train both settings for fewer
PERTURBATIONS = ("noise=0.05", "noise=0.01", "noise=0.1", "relative_noise=0.5", "shuffle", "relative_noise=1.0", "statistics", "random_donor")
PIECES = ("layer=0", "layer=1", "head=1.0", "head=1.0 random_donor", "freeze=attention", *(f"head={i}" for i in ("0.0", "0.1", "0.2", "0.3", "1.1", "1.2", "1.3")))
SHAPES = ("shape=1_4_16", "shape=4_4_16", "shape=2_2_8", "shape=2_8_32")  # of the source: shallower, deeper, narrower, wider; all heads are 4 wide
SETTINGS = ("better", "released", "one_length")  # of pretraining: ours, the released code's, and ours with lists of one length
LEARNT = 0.8  # a source counts as learnt when its score has come this share of the way from guessing to the best possible
SMALL = {"language_modeling": {"block": 128, "vocab_size": 1024}}
PRESETS = {
    "smoke": Preset(
        "Seconds: proves that everything runs. Not a result.",
        {n: {"list_length": 4} for n in ("identity", "set")} | {"stack": {"operations": 4}, "eca": {"rows": 6, "cells": 8, "universe": 16, "steps": 12}}
        | {n: {"brackets": 8} for n in ("dyck", "dyck_shuffle")},
        {"haystack": {"pairs": 3, "values": 20, "vocab_size": 32}, "addition": {"digits": 2}, "reversed_addition": {"digits": 2},
         "multiplication": {"digits": 2}, "sorting": {"items": 3, "values": 9}, "language_modeling": {"block": 16, "vocab_size": 300}},
        replace(BETTER, steps=20, batch=16, warmup=5, test_samples=64, evaluate_every=10), {},
        Budget(steps=20, batch=32, warmup=5, evaluate_every=5, test_samples=64), 2,
    ),
    "quick": Preset(
        "Minutes on two cores: smaller tasks (6 pairs, 3 digits, 8 items), half the batch and a fifth of the steps of the paper's protocol.",
        {"dyck": {"brackets": 64}, "dyck_shuffle": {"brackets": 64}, "eca": {"steps": 300}},
        {"haystack": {"pairs": 6, "values": 60, "vocab_size": 96}, "addition": {"digits": 3}, "reversed_addition": {"digits": 5},
         "multiplication": {"digits": 2}, "sorting": {"items": 8}} | SMALL,
        replace(BETTER, steps=2000, evaluate_every=500),
        {"identity": {"steps": 4000}, "dyck": {"batch": 64, "steps": 6000}, "dyck_shuffle": {"batch": 64}, "eca": {"batch": 16, "steps": 500}},
        Budget(steps=2000, batch=500, warmup=100, evaluate_every=100, test_samples=2000, patience=5), 6,
        {"language_modeling": {"batch": 16, "steps": 500, "lr": 6e-4, "weight_decay": 0.1, "test_samples": 200}},
    ),
    "small": Preset(
        "Two cores, hours: many seeds, with the sources of standard, HAYSTACK with 10 pairs, and 3,000 steps.",
        {"eca": {"steps": 300}}, {"haystack": {"pairs": 10}} | SMALL, replace(BETTER, steps=BETTER_STEPS), LONGER,
        Budget(steps=3000, evaluate_every=100, patience=5), 16,
    ),
    "standard": Preset(
        "Two cores, overnight: the paper's tasks and fine-tuning protocol, fewer seeds. Runs stop after 5 evaluations at the ceiling. "
        "Multiplication and language modelling are reduced to the small model, 2_4_16: 10,000 steps of 256 and 2,000 steps of 32 samples.",
        {"eca": {"steps": 300}}, SMALL, replace(BETTER, steps=BETTER_STEPS), LONGER, Budget(patience=5), 3,
        {"multiplication": {"batch": 256}, "language_modeling": {"batch": 32, "steps": 2000, "lr": 6e-4, "weight_decay": 0.1, "test_samples": 500}},
    ),
    "paper": Preset(
        "One GPU: the paper's tasks, protocol and ten seeds.",
        {"eca": {"steps": 300}}, {}, replace(BETTER, steps=BETTER_STEPS), LONGER, Budget(), 10,
        {"multiplication": {"batch": 64, "steps": 156_250}, "language_modeling": {"batch": 64, "lr": 6e-4, "weight_decay": 0.1}},
        {"multiplication": "4_8_512", "language_modeling": "4_8_512"},
    ),
}  # fmt: skip


def pretraining_run(source: str, preset: str, seed: int, settings: str = "better", shape: str = "2_4_16") -> Run:
    """The run that pretrains ``source``: tied head, at least 100 positions.

    ``settings`` are ``"better"`` (ours), ``"released"``, or ``"one_length"`` (ours, but every list has the full length); where a preset
    trains for fewer steps, all do. ``shape`` is layers_heads_width. ``identity@1`` is the model of the seed after, ``identity@2`` that after next.
    """
    plan = _plan(preset)
    _sources("sources", [source])
    source, _, later = source.partition("@")
    _known("settings", settings, SETTINGS)
    budget = replace(plan.pretraining, **plan.per_source.get(source, {}))
    task = _task(plan, source)
    if settings == "one_length" and not hasattr(task, "lengths"):
        raise ValueError(f"settings must be better or released for {source}, which has no lists of several lengths, got 'one_length'.")
    if settings != "better" and hasattr(task, "lengths"):
        task = task.with_(lengths="fixed")
    if settings == "released":
        theirs = RELEASED.get(source, LISTS)
        steps = theirs.steps if plan.pretraining.steps == BETTER_STEPS else budget.steps
        budget = replace(theirs, evaluate_every=budget.evaluate_every, test_samples=budget.test_samples, steps=steps)
    arch = Architecture(task.vocab, max(100, task.length), *map(int, shape.split("_")), tied=task.kind != "bits", inputs=task.kind)
    return Run(task, arch, budget, seed + int(later or 0), preset=preset)


def _task(plan: Preset, source: str) -> Task:
    if "+" in source:
        return Mixture(*(_task(plan, part) for part in source.split("+")))
    return make_task(source, **plan.sources.get(source, {}))


def fine_tuning_run(diagnostic: str, condition: Condition | str, preset: str, seed: int, answer_mask: str = "reference", settings: str = "better", model: str | None = None, **changes) -> Run:
    """The run that fine-tunes a model from ``condition`` on ``diagnostic``; ``settings`` are those of pretraining, ``changes`` replace fields of its budget."""
    plan = _plan(preset)
    _known("diagnostics", diagnostic, DIAGNOSTICS)
    condition = parse(condition) if isinstance(condition, str) else condition
    task = make_task(diagnostic, **plan.diagnostics.get(diagnostic, {}))
    shape = model or plan.shapes.get(diagnostic, "2_4_16")
    arch = Architecture(task.vocab, max(task.position_count, task.length), *map(int, shape.split("_")))
    donors = tuple((s, pretraining_run(s, preset, seed, settings, condition["shape"] or shape)) for s in condition.sources)
    budget = replace(plan.fine_tuning, **(plan.per_diagnostic.get(diagnostic, {}) | changes))
    return Run(task, arch, budget, seed, condition, donors, answer_mask, preset)


def pretraining(preset: str, sources=("identity",), settings=("better",), seeds: int | None = None) -> list[Run]:
    """Every source x settings x seed, as the other grids pretrain them; raises ValueError as :func:`selective_transfer` does."""
    plan = _plan(preset)
    sources, settings = _listed("sources", sources), _listed("settings", settings)
    return [pretraining_run(source, preset, seed, how) for seed in range(_seeds(plan, seeds)) for source in sources for how in settings]


def given_up() -> list[Run]:
    """Pretraining runs at full length that were tried before the settings in force; kept in the published store, used by no other chapter."""
    tried = [pretraining_run(source, "standard", seed) for seed in range(3) for source in ("set", "stack")]
    return [replace(run, budget=replace(run.budget, steps=8000)) for run in tried]


def answer_masks(preset: str, diagnostics=("addition",), seeds: int | None = None, steps: int | None = None) -> list[Run]:
    """Every diagnostic x seed without pretraining, trained on the reference mask and on the whole answer."""
    plan = _plan(preset)
    diagnostics, changes = _listed("diagnostics", diagnostics), _budget(steps)
    return [fine_tuning_run(d, "scratch", preset, s, m, **changes) for s in range(_seeds(plan, seeds)) for d in diagnostics for m in ("reference", "full")]


def selective_transfer(preset: str, sources=("identity",), diagnostics=("haystack",),
                       initial_conditions=("scratch", "full", "attention", "mlp"), seeds: int | None = None,
                       steps: int | None = None, answer_mask: str = "reference", settings: str = "better", lr: float | None = None) -> list[Run]:  # fmt: skip
    """Every source x initial condition x diagnostic x seed; scratch once a diagnostic and seed.

    ``initial_conditions`` are ``scratch``, or ``full``, ``attention``, ``mlp`` (from each of the sources), or whole conditions
    such as ``attention=set mlp=eca``. Lists may be given as comma-separated strings. ``answer_mask`` is what training looks at,
    ``"reference"`` or ``"full"``; ``settings`` are those with which the sources were pretrained, one of SETTINGS; ``lr`` is the peak learning
    rate of fine-tuning where it is not the preset's. Raises ValueError, naming the parameter, before any work starts.
    """
    sources = _sources("sources", sources)
    conditions = [c for word in _listed("initial_conditions", initial_conditions)
                  for c in ([f"{word}={source}" for source in sources] if word in ("full", "attention", "mlp") else [word])]  # fmt: skip
    _known("settings", settings, SETTINGS)
    return _grid(preset, conditions, diagnostics, seeds, steps, answer_mask, settings, lr)


def perturbation(preset: str, transfers=None, perturbations=None, diagnostics=("haystack",), seeds: int | None = None, steps: int | None = None) -> list[Run]:
    """Scratch, and every transfer as it is and with each perturbation, x diagnostic x seed.

    ``transfers`` are conditions such as ``attention=identity``, the default; ``perturbations`` words such as ``noise=0.05`` or ``shuffle``,
    by default all of PERTURBATIONS, or half of them at the presets that take minutes.
    """
    usual = PERTURBATIONS[::2] if preset in ("smoke", "quick") else PERTURBATIONS
    return _changed(preset, transfers, _listed("perturbations", usual if perturbations is None else perturbations), diagnostics, seeds, steps)


def localisation(preset: str, transfers=None, pieces=None, diagnostics=("haystack",), seeds: int | None = None, steps: int | None = None) -> list[Run]:
    """Scratch, and every transfer as it is and cut to a piece or held fixed, x diagnostic x seed.

    ``transfers`` are as in :func:`perturbation`; ``pieces`` words such as ``layer=0``, ``head=0.3`` or ``freeze=attention``, by default all
    of PIECES (both layers and all heads of the small model's attention, one of them also as a null), or the first four at the presets that take minutes.
    """
    usual = PIECES[:4] if preset in ("smoke", "quick") else PIECES
    return _changed(preset, transfers, _listed("pieces", usual if pieces is None else pieces), diagnostics, seeds, steps)


def _changed(preset, transfers, words, diagnostics, seeds, steps) -> list[Run]:
    """Scratch, every transfer as it is, and with each of the words."""
    transfers = _listed("transfers", ["attention=identity"] if transfers is None else transfers)
    for transfer in transfers:
        if not parse(transfer).sources:
            raise ValueError(f"transfers must name what is copied, for example attention=identity, got {transfer!r}.")
    conditions = ["scratch"] + [t for transfer in transfers for t in (transfer, *(f"{transfer} {word}" for word in words))]
    return _grid(preset, conditions, diagnostics, seeds, steps)


def composition(preset: str, attention=("identity", "set"), mlp=("identity", "set"), diagnostics=("haystack",), mixtures: bool = False,
                seeds: int | None = None, steps: int | None = None) -> list[Run]:  # fmt: skip
    """Scratch, attention alone, MLPs alone and every pair of attention from one source with MLPs from another, x diagnostic x seed.

    With ``mixtures``, also the full transfer of a model pretrained on both sources of a pair at once, for as many steps as one of them;
    sources of rows (eca) have no tokens and cannot be mixed.
    """
    attention, mlp = _sources("attention", attention), _sources("mlp", mlp)
    if not isinstance(mixtures, bool):
        raise ValueError(f"mixtures must be True or False, got {mixtures!r}.")
    pairs = [(a, m) for a in attention for m in mlp]
    conditions = ["scratch", *(f"attention={a}" for a in attention), *(f"mlp={m}" for m in mlp), *(f"attention={a} mlp={m}" for a, m in pairs)]
    mixed = dict.fromkeys("+".join(sorted(pair)) for pair in pairs if pair[0] != pair[1] and "eca" not in pair)
    return _grid(preset, conditions + [f"full={name}" for name in mixed if mixtures], diagnostics, seeds, steps)


def _grid(preset, conditions, diagnostics, seeds, steps, answer_mask="reference", settings="better", lr=None) -> list[Run]:
    """Conditions x diagnostics x seeds, seeds outermost, so that a sweep that ends early has whole comparisons."""
    plan, changes = _plan(preset), _budget(steps, lr)
    _known("answer_mask", answer_mask, ("reference", "full"))
    diagnostics = _listed("diagnostics", diagnostics)
    for diagnostic in diagnostics:
        _known("diagnostics", diagnostic, DIAGNOSTICS)
    conditions = list(dict.fromkeys(map(parse, conditions)))
    if donors := [source for condition in conditions for source in condition.sources]:
        _sources("initial_conditions: the source", donors)
    return [fine_tuning_run(d, c, preset, s, answer_mask, settings, **changes) for s in range(_seeds(plan, seeds)) for d in diagnostics for c in conditions]


def _seeds(plan: Preset, seeds: int | None) -> int:
    return plan.seeds if seeds is None else _whole("seeds", seeds)


def _budget(steps: int | None, lr: float | None = None) -> dict:
    if lr is not None and (type(lr) not in (int, float) or not 0 < lr <= 1):
        raise ValueError(f"lr must be a number above 0 and at most 1, got {lr!r}.")
    return ({} if steps is None else {"steps": _whole("steps", steps)}) | ({} if lr is None else {"lr": float(lr)})


def _sources(name: str, values) -> list[str]:
    """A list of sources, or of two of them with + between (a mixture), of a later seed where @ and a number follow."""
    values = _listed(name, values)
    for value in values:
        plain = re.sub(r"@\d+$", "", value)
        for part in plain.split("+") if plain.count("+") == 1 else [plain]:
            _known(name, part, SOURCES)
    return values


def _plan(preset: str) -> Preset:
    _known("preset", preset, PRESETS)
    return PRESETS[preset]


def _listed(name: str, values) -> list[str]:
    """A list of names; papermill's ``-p`` and the shell can pass only a string, with commas between them."""
    if isinstance(values, str):
        values = [v.strip() for v in values.split(",") if v.strip()]
    if not isinstance(values, (list, tuple)) or not values or not all(isinstance(v, str) for v in values):
        raise ValueError(f"{name} must be a list of at least one name, got {values!r}.")
    return list(dict.fromkeys(values))


def _known(name: str, value, allowed) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}.")


def _whole(name: str, value) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} must be a whole number above 0, got {value!r}.")
    return value
