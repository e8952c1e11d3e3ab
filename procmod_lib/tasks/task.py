"""The one contract of everything that can be learned here.

A task turns random numbers into a batch of token sequences and says which outputs are scored.
A procedural source and a diagnostic differ only in what they are used for.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np

from procmod_lib.randomness import fingerprint, rehash, stream

IGNORE = -100  # a target that is not scored, as in PyTorch
SPLITS = {
    "test": (0, 1),
    "validation": (1, 2),
    "train": (2, 16),
}  # sixteenths of the space of samples


def check_split(split) -> None:
    """Raise ValueError unless it is the name of a split."""
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}.")


OF_A_SAMPLE = ("tokens", "positions", "targets", "reference", "answer")
"""The fields of a batch that every task fills, a row a sample."""


def is_count(value, least: int = 1) -> bool:
    """Whether a value is a whole number, no bool, and not below the least.

    >>> is_count(3), is_count(0), is_count(0, 0), is_count(True), is_count(3.0)
    (True, False, True, False, False)
    """
    return type(value) is int and value >= least


@dataclass(frozen=True)
class Batch:
    """n sequences and the outputs that are scored in them.

    Attributes:
        tokens: (n, T) token ids, or (n, T, cells) bits for a source of rows.
        positions: (n, W) index of the input whose output is scored: the output at p predicts token
            p + 1.
        targets: (n, W) the token to be predicted, IGNORE where a row scores fewer than W
            (for rows of bits (n, W, cells)).
        reference: (n, W) which outputs count for ``token_accuracy``, the score of the reference
            code.
        answer: (n, W) which outputs make up the whole answer, for ``exact_match``.
        loss_mask: (n, W) which outputs training looks at; None until :meth:`trained_on` has chosen.
    """

    tokens: np.ndarray
    positions: np.ndarray
    targets: np.ndarray
    reference: np.ndarray
    answer: np.ndarray
    loss_mask: Any = None

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def scored(self) -> np.ndarray:
        """(n, W): which outputs have a target."""
        return self.targets.reshape(*self.positions.shape, -1)[:, :, 0] != IGNORE

    @property
    def lengths(self) -> np.ndarray:
        """(n,): tokens of each row that matter, up to the last input whose output is scored."""
        return np.where(self.scored, self.positions, 0).max(1) + 1

    def trained_on(self, answer_mask: str) -> "Batch":
        """Keep the outputs that training looks at: ``"reference"`` or ``"full"`` (the whole
        answer).

        Outputs that no row needs are left out, so W may be smaller; ``reference`` and ``answer``
        keep their meaning."""
        mask = self.reference if answer_mask == "reference" else self.answer
        columns = mask.any(0)
        keep = mask[:, columns]  # (n, W')
        wide = keep if self.targets.ndim == 2 else keep[:, :, None]
        targets = np.where(wide, self.targets[:, columns], IGNORE).astype(self.targets.dtype)
        parts = (
            self.positions[:, columns],
            targets,
            self.reference[:, columns],
            self.answer[:, columns],
            keep,
        )
        return Batch(self.tokens, *map(np.ascontiguousarray, parts))


@dataclass(frozen=True)
class Task:
    """A family of sequences; its fields are its parameters.

    Subclasses set ``name``, ``vocab`` (token ids are 0..vocab-1), ``length`` (T) and ``draws``
    (uniform random numbers a sample) and write :meth:`build`. What else the library has to know of
    a task are the class attributes below. All of a sample's randomness is one row of uniforms, so a
    sample never depends on the batch that it was drawn in."""

    name: ClassVar[str]
    kind: ClassVar[str] = "tokens"  # or "bits": one position is a row of bits

    label: ClassVar[str] = ""  # how figures write its name; by default the name in title case
    colour: ClassVar[str] = "#000000"  # of a source, through the whole book
    position_count: ClassVar[int] = 100  # the fewest positions that a model of it has
    example: ClassVar[dict] = {}  # parameters that are small enough to be drawn
    presets: ClassVar[dict[str, dict]] = {}  # preset -> parameters that differ from the defaults
    budgets: ClassVar[dict[str, dict]] = {}  # preset -> fields of its training budget that differ
    shapes: ClassVar[dict[str, str]] = {}  # preset -> layers_heads_width where it is not 2_4_16
    released: ClassVar[dict] = {}  # what its released pretraining settings have of their own
    reference: ClassVar[dict] = {}  # what its reference pretraining settings have of their own
    has_lengths: ClassVar[bool] = False  # whether its lists may have several lengths
    lengths: ClassVar[str] = "fixed"  # of its lists: a field of those that can change it
    length_field: ClassVar[str] = ""  # which of its parameters is the length of its lists
    shortest: ClassVar[int] = 2  # list that a curriculum begins with
    # parameters that came after the first published runs
    younger: ClassVar[dict] = {"form": "ours"}

    def build(self, uniforms: np.ndarray) -> Batch:
        """Turn uniforms (n, draws) in [0, 1) into a batch of n samples. A pure function."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise ValueError, in one sentence, where a parameter is out of range."""

    @classmethod
    def title(cls) -> str:
        """How figures and tables write its name."""
        return cls.label or cls.name.replace("_", " ").title()

    def spell(self, token: int) -> str:
        """How one token is written in a figure; nothing for a pad."""
        return str(token)

    def chance(self) -> float | None:
        """Accuracy of an answer that needs no skill, where that means something.

        Drawn as a dotted line.
        """
        return None

    def best(self, batch: "Batch") -> float:
        """The highest expected accuracy that any model can have, estimated from samples.

        1 where the input decides.
        """
        return 1.0

    @property
    def is_reference(self) -> bool:
        """Whether it draws in the form of the released code, where that differs from ours."""
        return getattr(self, "form", "ours") == "reference"

    @property
    def positions(self) -> int:
        """Positions that a model of it has: enough to be copied to any diagnostic; in the
        reference's form no more than it needs.
        """
        return self.length if self.is_reference else max(self.position_count, self.length)

    @property
    def first_length(self) -> int:
        """The list length at which a curriculum starts; 0 where there is none."""
        return self.shortest if self.lengths == "curriculum" else 0

    @property
    def full_length(self) -> int:
        """The length of its longest lists; 0 where it has none."""
        return getattr(self, self.length_field) if self.length_field else 0

    def at_length(self, length: int) -> "Task":
        """The same source with lists of another length."""
        return self.with_(**{self.length_field: length})

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type is int and type(value) is not int:
                raise ValueError(
                    f"{self.name}: {field.name} must be a whole number, got {value!r}."
                )
        self.check()

    def require(self, parameter: str, ok: bool, allowed: str) -> None:
        """Raise one clear sentence about ``parameter`` unless ``ok``."""
        if not ok:
            raise ValueError(
                f"{self.name}: {parameter} must be {allowed}, got {getattr(self, parameter)!r}."
            )

    def sample(self, n: int, rng: np.random.Generator, split: str = "train") -> Batch:
        """Draw n samples of one split.

        The space of samples is divided among the splits by a hash of all tokens, so that no sample
        of one split can occur in another. A sample that
        falls into the wrong split is drawn again, from itself.

        Args:
            n: number of samples.
            rng: a stream of :mod:`procmod_lib.randomness`.
            split: train, validation or test.
        """
        check_split(split)
        low, high = SPLITS[split]
        uniforms = rng.random((n, self.draws))
        batch = self.build(uniforms)
        wrong = np.flatnonzero(~_inside(batch, low, high))
        for _ in range(2000):
            if not len(wrong):
                return batch
            uniforms[wrong] = rehash(uniforms[wrong])
            redrawn = self.build(uniforms[wrong])
            for name in OF_A_SAMPLE:
                getattr(batch, name)[wrong] = getattr(redrawn, name)
            wrong = wrong[~_inside(redrawn, low, high)]
        raise ValueError(
            f"{self.name}: no sample of the {split} split was found; the task has too few "
            "different samples."
        )

    def batch(self, n: int, split: str, *path: int) -> Batch:
        """Draw n samples from the stream of this task, the split and ``path`` (seed, step)."""
        return self.sample(n, stream("data", self.name, split, *path), split)

    def spec(self) -> dict:
        """Return the name and all parameters as plain JSON values.

        Parameters that are younger than the first published runs are left out where they say what
        was done before them, so that keys stay.
        """
        return {"task": self.name, **without(asdict(self), self.younger)}

    def as_reference(self) -> "Task":
        """The same source as the released code draws it; itself where there is no difference."""
        has_form = any(field.name == "form" for field in fields(self))
        return self.with_(form="reference") if has_form else self

    def with_(self, **changes) -> "Task":
        """Return a copy with some parameters changed; checks them."""
        return replace(self, **changes)


def check_form(task: Task) -> None:
    """Raise ValueError unless the form is one of the two."""
    form = getattr(task, "form", "ours")
    task.require("form", form in ("ours", "reference"), "'ours' or 'reference'")


def without(values: dict, defaults: dict) -> dict:
    """The values that differ from these defaults, and all that have none.

    >>> without({"steps": 5, "pool": 0}, {"pool": 0})
    {'steps': 5}
    """
    return {
        name: value
        for name, value in values.items()
        if name not in defaults or value != defaults[name]
    }


def _inside(batch: Batch, low: int, high: int) -> np.ndarray:
    bucket = fingerprint(batch.tokens) >> np.uint64(60)
    return (bucket >= low) & (bucket < high)


def below(uniforms: np.ndarray, n: int | np.ndarray) -> np.ndarray:
    """Turn uniforms into integers 0..n-1 (n may be an array)."""
    return (uniforms * n).astype(np.int32)


def scored_span(tokens: np.ndarray, first: np.ndarray, count: np.ndarray, width: int) -> Batch:
    """Make a batch that scores ``count`` outputs from input position ``first`` on, both (n,)."""
    n, length = tokens.shape
    column = np.arange(width, dtype=np.int32)
    real = column < np.asarray(count)[:, None]  # (n, W)
    positions = np.minimum(np.asarray(first)[:, None] + column, length - 2).astype(np.int32)
    targets = np.take_along_axis(tokens, positions + 1, 1)
    return Batch(
        tokens, positions, np.where(real, targets, IGNORE).astype(np.int32), real, real.copy()
    )
