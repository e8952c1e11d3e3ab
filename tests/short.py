"""A small task, a small model and a short budget, for tests of training."""

import numpy as np

from procmod_lib.network import gpt2
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.training import State
from procmod_lib.tasks import make_task

TASK = make_task("addition", digits=2)
ARCH = Architecture(TASK.vocab, 40)
SHORT = Budget(steps=12, batch=16, warmup=3, evaluate_every=6, test_samples=32)


def start(s=1):
    return State.start(np.stack([gpt2.fresh(ARCH, "test", i) for i in range(s)]), "cpu", TASK)
