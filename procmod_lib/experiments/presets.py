"""How large an experiment is.

What a preset changes of a task stands with the task (``presets``, ``budgets``, ``shapes``).
"""

from dataclasses import dataclass, replace

from procmod_lib.experiments.settings import LARGE_RATE, LARGE_RATE_STEPS
from procmod_lib.runs.budget import Budget


@dataclass(frozen=True, kw_only=True)
class Preset:
    """How large an experiment is.

    Attributes:
        about: one sentence for the reader.
        pretraining: budget of every source; a source's own ``budgets`` change it.
        fine_tuning: budget of every diagnostic; a diagnostic's own ``budgets`` change it.
        seeds: how many.
    """

    about: str
    pretraining: Budget
    fine_tuning: Budget
    seeds: int

    @property
    def is_brief(self) -> bool:
        """Whether it takes minutes: all settings pretrain for as few steps, and lists are cut."""
        return self.pretraining.steps < LARGE_RATE_STEPS


def _pretraining(steps: int, **changes) -> Budget:
    return replace(LARGE_RATE, steps=steps, **changes)


PRESETS = {
    "smoke": Preset(
        about="Seconds: proves that everything runs. Not a result.",
        pretraining=_pretraining(20, batch=16, warmup=5, test_samples=64, evaluate_every=10),
        fine_tuning=Budget(steps=20, batch=32, warmup=5, evaluate_every=5, test_samples=64),
        seeds=2,
    ),
    "quick": Preset(
        about="Minutes on two cores: smaller tasks (6 pairs, 3 digits, 8 items), half the batch "
        "and a fifth of the steps of the "
        "paper's protocol.",
        pretraining=_pretraining(2000, evaluate_every=500),
        fine_tuning=Budget(
            steps=2000,
            batch=500,
            warmup=100,
            evaluate_every=100,
            test_samples=2000,
            patience=5,
        ),
        seeds=6,
    ),
    "small": Preset(
        about="Two cores, hours: many seeds, with the sources of standard, HAYSTACK with 10 pairs, "
        "and 3,000 steps.",
        pretraining=_pretraining(LARGE_RATE_STEPS),
        fine_tuning=Budget(steps=3000, evaluate_every=100, patience=5),
        seeds=16,
    ),
    "standard": Preset(
        about="Two cores, overnight: the paper's tasks and fine-tuning protocol, fewer seeds. Runs "
        "stop after 5 evaluations at the "
        "ceiling. Multiplication and language modelling are reduced to the small model, 2_4_16: "
        "10,000 steps of 256 and 2,000 "
        "steps of 32 samples.",
        pretraining=_pretraining(LARGE_RATE_STEPS),
        fine_tuning=Budget(patience=5),
        seeds=3,
    ),
    "paper": Preset(
        about="One GPU: the paper's tasks, protocol and ten seeds.",
        pretraining=_pretraining(LARGE_RATE_STEPS),
        fine_tuning=Budget(),
        seeds=10,
    ),
}
