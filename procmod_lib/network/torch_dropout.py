"""Dropout in PyTorch, for models that train together."""

import torch

from procmod_lib.randomness import torch_seed


class Dropped:
    """Drops numbers of a fleet, those of each model from a stream of its own, so that no model's
    depend on which others train beside it.

    Args:
        rate: the share that is dropped.
        paths: names the stream of each model.
        device: where the models are.
    """

    def __init__(self, rate: float, paths: list[tuple], device: str):
        self.rate = rate
        self.streams = [
            torch.Generator(device).manual_seed(torch_seed("dropout", *path)) for path in paths
        ]

    def __call__(self, x: torch.Tensor, site: int) -> torch.Tensor:
        """x (S, ...) with some of its numbers at zero, the others larger in return."""
        stays = [
            torch.empty(x.shape[1:], device=x.device).bernoulli_(1 - self.rate, generator=stream)
            for stream in self.streams
        ]
        return x * torch.stack(stays) / (1 - self.rate)
