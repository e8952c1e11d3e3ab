"""AdamW for a fleet, equal to ``torch.optim.AdamW`` with clipping by each model's own gradient
norm.
"""

import math

import torch

from procmod_lib.runs.budget import Budget

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def adamw(
    state,
    gradient: torch.Tensor,
    budget: Budget,
    decay: torch.Tensor,
    free: torch.Tensor | None = None,
) -> None:
    """Take one step, in place.

    Args:
        state: weights, mean and square (S, P) and the number of steps taken; see
            :class:`procmod_lib.runs.training.State`.
        gradient: (S, P), changed.
        budget: learning rate, decay and clipping.
        decay: (P,) 1 where weight decay applies.
        free: (S, P) bool, False where a parameter is held fixed; None holds none.
    """
    lr = budget.rate(state.step)
    norms = gradient.norm(dim=1, keepdim=True)  # (S, 1)
    gradient *= (budget.clip / (norms + 1e-6)).clamp(max=1.0)
    shrink = 1 - lr * budget.weight_decay * decay
    state.weights *= shrink if free is None else torch.where(free, shrink, 1.0)
    state.mean.lerp_(gradient, 1 - BETA1)
    state.square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
    t = state.step + 1
    # no sqrt: MKL's, when two threads at once are the first to call it, may be wrong by 1e-4
    # (pytorch issue 188792)
    spread = (state.square.rsqrt() * math.sqrt(1 - BETA2**t)).reciprocal_().add_(EPSILON)
    state.weights.addcdiv_(state.mean, spread, value=-lr / (1 - BETA1**t))
