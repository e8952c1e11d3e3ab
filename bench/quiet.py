"""Whether a measurement can be trusted: was the machine ours, and do the repeats agree?

A ratio of two timings is only worth printing when nobody else used the cores and when the repeats
of it say the same. Both are measured beside the timings.
"""

import os
import time
from dataclasses import dataclass, field

import numpy as np
import psutil

OTHERS, SPREAD = 0.08, 0.25
"""The most that others may use, as a share of all cores, and the most that the middle half of the
ratios may spread, as a share of their median.
"""


def busy_seconds() -> float:
    """Seconds that all cores have worked, or that a hypervisor took from them."""
    times = psutil.cpu_times()
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # in user and nice too
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - guest


def own_seconds(others: tuple[int, ...] = ()) -> float:
    """Processor time of this process, of its children that have ended, and of ``others`` by id."""
    mine = sum(os.times()[:4])
    return mine + sum(sum(psutil.Process(process).cpu_times()[:2]) for process in others)


@dataclass
class Watch:
    """What others used of the machine, from its making on.

    Attributes:
        mine: ids of further processes that belong to the measurement.
    """

    mine: tuple[int, ...] = ()
    begun: tuple = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self._now()

    def _now(self) -> tuple[float, float, float]:
        return busy_seconds(), own_seconds(self.mine), time.monotonic()

    def others(self) -> float:
        """The share of all cores that others used, stolen time included."""
        busy, own, clock = (b - a for a, b in zip(self.begun, self._now(), strict=True))
        return max(0.0, busy - own) / (max(clock, 0.01) * (os.cpu_count() or 1))


def spread(ratios: list[float]) -> float:
    """The middle half of some ratios, as a share of their median."""
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    return float((high - low) / middle)


def why_not(ratios: list[float], others: float) -> str:
    """Why a ratio must not be printed, in a few words; empty where it may."""
    if others > OTHERS:
        return f"others used {100 * others:.0f} % of the machine"
    if spread(ratios) > SPREAD:
        return f"its repeats disagree by {100 * spread(ratios):.0f} %"
    return ""
