"""The grid of runs behind each chapter, and the presets that say how large it is."""

from dataclasses import dataclass, replace

from .model import Architecture
from .results import Run
from .surgery import Condition, parse
from .tasks import DIAGNOSTICS, SOURCES, make_task
from .training import Budget


@dataclass(frozen=True)
class Preset:
    """How large an experiment is.

    Attributes:
        about: one sentence for the reader. sources, diagnostics: parameters of each task that differ from the defaults.
        pretraining: budget of every source, with ``per_source`` changes. fine_tuning: budget of every diagnostic.
        seeds: how many.
    """

    about: str
    sources: dict
    diagnostics: dict
    pretraining: Budget
    per_source: dict
    fine_tuning: Budget
    seeds: int


BETTER = Budget(batch=256, lr=1e-2, warmup=200, final_lr=0.1, weight_decay=0.01, test_samples=1000, evaluate_every=250)
"""Pretraining without dropout and with a larger learning rate than the released 5e-5: chosen on the sources' own scores."""
LONGER = {n: {"batch": 64} for n in ("dyck", "dyck_shuffle", "eca")} | {n: {"steps": 24_000} for n in ("set", "stack")}
"""What differs by source: where every token is scored one sequence teaches more; SET and STACK leave their plateau late."""
PRESETS = {
    "smoke": Preset(
        "Seconds: proves that everything runs. Not a result.",
        {"identity": {"list_length": 4}},
        {"haystack": {"pairs": 3, "values": 20, "vocab_size": 32}, "addition": {"digits": 2}, "reversed_addition": {"digits": 2},
         "multiplication": {"digits": 2}, "sorting": {"items": 3, "values": 9}},
        replace(BETTER, steps=20, batch=16, warmup=5, test_samples=64, evaluate_every=10), {},
        Budget(steps=20, batch=32, warmup=5, evaluate_every=5, test_samples=64), 2,
    ),
    "quick": Preset(
        "Minutes on two cores: a smaller haystack of 10 pairs, half the batch and a third of the steps of the paper's protocol.",
        {"dyck": {"brackets": 64}}, {"haystack": {"pairs": 10, "values": 60, "vocab_size": 96}},
        replace(BETTER, steps=2000, evaluate_every=500), {"dyck": {"batch": 64, "steps": 6000}},
        Budget(steps=3000, batch=500, warmup=100, evaluate_every=100, test_samples=2000, patience=5), 3,
    ),
    "standard": Preset(
        "Two cores, overnight: the paper's tasks and fine-tuning protocol, fewer seeds. Runs stop after 5 evaluations at the ceiling.",
        {"eca": {"steps": 300}}, {}, replace(BETTER, steps=8000), LONGER, Budget(patience=5), 3,
    ),
    "paper": Preset(
        "One GPU: the paper's tasks, protocol and ten seeds.",
        {"eca": {"steps": 300}}, {}, replace(BETTER, steps=8000), LONGER, Budget(), 10,
    ),
}  # fmt: skip


def pretraining_run(source: str, preset: str, seed: int) -> Run:
    """The run that pretrains ``source``: tied head, 2 layers, 4 heads, width 16, at least 100 positions."""
    plan = _plan(preset)
    _known("sources", source, SOURCES)
    task = make_task(source, **plan.sources.get(source, {}))
    bits = task.kind == "bits"
    arch = Architecture(task.vocab, max(100, task.length), tied=not bits, inputs=task.kind)
    budget = replace(plan.pretraining, **plan.per_source.get(source, {}))
    return Run(task, arch, budget, seed, preset=preset)


def fine_tuning_run(diagnostic: str, condition: Condition | str, preset: str, seed: int, **changes) -> Run:
    """The run that fine-tunes a model from ``condition`` on ``diagnostic``; ``changes`` replace fields of its budget."""
    plan = _plan(preset)
    _known("diagnostics", diagnostic, DIAGNOSTICS)
    condition = parse(condition) if isinstance(condition, str) else condition
    task = make_task(diagnostic, **plan.diagnostics.get(diagnostic, {}))
    arch = Architecture(task.vocab, max(task.position_count, task.length))
    donors = tuple((s, pretraining_run(s, preset, seed)) for s in condition.sources)
    return Run(task, arch, replace(plan.fine_tuning, **changes), seed, condition, donors, preset=preset)


def pretraining(preset: str, sources=("identity",), seeds: int | None = None) -> list[Run]:
    """Every source x seed, as the other grids pretrain them; raises ValueError as :func:`selective_transfer` does."""
    plan = _plan(preset)
    sources = _listed("sources", sources)
    seeds = plan.seeds if seeds is None else seeds
    _whole("seeds", seeds)
    return [pretraining_run(source, preset, seed) for seed in range(seeds) for source in sources]


def selective_transfer(preset: str, sources=("identity",), diagnostics=("haystack",),
                       initial_conditions=("scratch", "full", "attention", "mlp"), seeds: int | None = None,
                       steps: int | None = None) -> list[Run]:  # fmt: skip
    """Every source x initial condition x diagnostic x seed; scratch once a diagnostic and seed.

    ``initial_conditions`` are ``scratch``, or ``full``, ``attention``, ``mlp`` (from each of the sources), or whole conditions
    such as ``attention=set mlp=eca``. Lists may be given as comma-separated strings. Raises ValueError, naming the parameter, before any work starts.
    """
    plan = _plan(preset)
    sources, diagnostics = _listed("sources", sources), _listed("diagnostics", diagnostics)
    initial_conditions = _listed("initial_conditions", initial_conditions)
    for source in sources:
        _known("sources", source, SOURCES)
    for diagnostic in diagnostics:
        _known("diagnostics", diagnostic, DIAGNOSTICS)
    seeds = plan.seeds if seeds is None else seeds
    _whole("seeds", seeds)
    changes = {}
    if steps is not None:
        _whole("steps", steps)
        changes = {"steps": steps}
    conditions = []
    for word in initial_conditions:
        short = word in ("full", "attention", "mlp")
        conditions += [parse(f"{word}={source}") for source in sources] if short else [parse(word)]
    for condition in conditions:
        for source in condition.sources:
            _known("initial_conditions: the source", source, SOURCES)
    conditions = dict.fromkeys(conditions)
    return [fine_tuning_run(d, c, preset, s, **changes) for s in range(seeds) for d in diagnostics for c in conditions]


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


def _whole(name: str, value) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number above 0, got {value!r}.")
