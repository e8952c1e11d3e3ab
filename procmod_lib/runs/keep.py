"""What of a run is kept beside its learning curve: one frozen value."""

from dataclasses import dataclass

from procmod_lib.tasks.task import is_count


@dataclass(frozen=True)
class Keep:
    """What of a run is kept beside its learning curve; none of it changes a result.

    Attributes:
        weights: the trained weights.
        snapshots: steps after which the weights are kept too; 0 is the start.

    Raises:
        ValueError: a field is of another kind, or a step is no whole number, 0 or more.
    """

    weights: bool = False
    snapshots: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.weights, bool):
            raise ValueError(f"weights must be True or False, got {self.weights!r}.")
        if not isinstance(self.snapshots, tuple):
            raise ValueError(f"snapshots must be a tuple of steps, got {self.snapshots!r}.")
        for step in self.snapshots:
            if not is_count(step, 0):
                raise ValueError(f"snapshots must be whole numbers, 0 or more, got {step!r}.")

    @property
    def kinds(self) -> list[str]:
        """The folders of a store in which it lies.

        >>> Keep(weights=True).kinds
        ['weights']
        """
        asked = {"weights": self.weights, "snapshots": bool(self.snapshots)}
        return [kind for kind, is_asked in asked.items() if is_asked]

    def steps_until(self, step: int) -> list[int]:
        """The steps of the snapshots that a run has taken once it stands at ``step``.

        >>> Keep(snapshots=(0, 10, 20)).steps_until(10)
        [0, 10]
        """
        return [each for each in self.snapshots if each <= step]


CURVES, WEIGHTS = Keep(), Keep(weights=True)
"""Nothing beside the curve; the trained weights, as of every donor."""
