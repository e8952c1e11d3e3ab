"""HAYSTACK: find the value that stood beside a key."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from procmod_lib.tasks.registry import diagnostic
from procmod_lib.tasks.task import Batch, Task, below, scored_span


@diagnostic
@dataclass(frozen=True)
class Haystack(Task):
    """HAYSTACK: n pairs (key, value), then one of the keys again as a query: which value stood
    beside it?

    n is uniform from 1 to ``pairs``; the keys of a sample are all different. With ``pairs`` = p and
    ``values`` = v the ids are pad 0, values 1..v, keys v+1..v+p, queries v+p+1..v+2p (the paper's:
    1..127, 128..157, 158..187 of 256). Only the value after the query is scored. Guessing any value
    in the context gives mean(1/n).

    Attributes:
        pairs: the most pairs.
        values: number of different values.
        vocab_size: size of the embedding.

    >>> task = Haystack(pairs=3, values=4, vocab_size=16)               # keys 5 6 7, queries 8 9 10
    >>> batch = task.build(np.array([[.4, .9, .5, .1, .2, .6, .8, .0]]))
    >>> # key 6, value 3; key 7, value 4; query of 7; 4
    >>> batch.tokens.tolist()
    [[6, 3, 7, 4, 10, 4, 0, 0, 0]]
    >>> # 9 tokens = 2 * 3 + 3: pairs, query, value, pad
    >>> batch.positions.tolist(), batch.targets.tolist()
    ([[4]], [[4]])
    """

    name: ClassVar[str] = "haystack"
    pairs: int = 30
    values: int = 127
    vocab_size: int = 256
    example: ClassVar[dict] = {"pairs": 7, "values": 9, "vocab_size": 32}
    presets: ClassVar[dict] = {
        "smoke": {"pairs": 3, "values": 20, "vocab_size": 32},
        "quick": {"pairs": 6, "values": 60, "vocab_size": 96},
        "small": {"pairs": 10},
    }

    @property
    def vocab(self) -> int:
        return self.vocab_size

    @property
    def length(self) -> int:
        return 2 * self.pairs + 3

    @property
    def draws(self) -> int:
        return 2 + 2 * self.pairs

    def check(self) -> None:
        self.require("pairs", 1 <= self.pairs <= 1000, "between 1 and 1000")
        self.require("values", 1 <= self.values <= 100_000, "between 1 and 100000")
        self.require(
            "vocab_size",
            self.vocab_size > self.values + 2 * self.pairs,
            f"at least {self.values + 2 * self.pairs + 1} (pad, values, keys, queries) "
            f"for {self.pairs} pairs",
        )

    def build(self, uniforms: np.ndarray) -> Batch:
        n, p, row = len(uniforms), self.pairs, np.arange(len(uniforms))
        count = 1 + below(uniforms[:, 0], p)
        chosen = below(uniforms[:, 1], count)
        keys = (
            np.argsort(uniforms[:, 2 : 2 + p].astype(np.float32), axis=1).astype(np.int32)
            + self.values
            + 1
        )
        values = 1 + below(uniforms[:, 2 + p :], self.values)
        tokens = np.zeros((n, self.length), np.int32)
        real = np.arange(p) < count[:, None]
        tokens[:, 0 : 2 * p : 2] = keys * real
        tokens[:, 1 : 2 * p : 2] = values * real
        tokens[row, 2 * count] = keys[row, chosen] + p
        tokens[row, 2 * count + 1] = values[row, chosen]
        return scored_span(tokens, 2 * count, np.ones(n, int), 1)

    def needle(self, batch: Batch) -> np.ndarray:
        """Where the value that answers stands (n,); its key stands one position before."""
        query = np.take_along_axis(batch.tokens, batch.positions[:, :1], 1)  # (n, 1)
        return 1 + np.argmax(batch.tokens == query - self.pairs, axis=1)

    def spell(self, token: int) -> str:
        key = token - self.values
        if token == 0:
            return ""
        if key <= 0:
            return str(token)
        return f"k{key}" if key <= self.pairs else f"?k{key - self.pairs}"

    def chance(self) -> float:
        """Accuracy of answering with any value of the context: mean over n of 1/n."""
        return float(np.mean(1 / np.arange(1, self.pairs + 1)))
