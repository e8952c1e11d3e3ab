"""LANGUAGE MODELING: predict the next token of English text."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np

from procmod_lib.tasks.registry import diagnostic
from procmod_lib.tasks.task import Batch, Task, below, check_split, scored_span

FEWEST_DOCUMENTS = 10  # one to test, one to validate
DOCUMENTS = 100_000  # of a streamed data set; the embedded text has about 80


@diagnostic
@dataclass(frozen=True)
class LanguageModeling(Task):
    """LANGUAGE MODELING: windows of ``block`` byte-pair tokens from a random place of the text;
    every next token is scored.

    Text is split by document, never within one: of ten neighbours in length one is for testing, one
    for validation and eight for training, on which the byte-pair tokens are learnt too. A paragraph
    that is held out is taken out of training text that repeats it. Perplexity is exp(loss); tokens
    seen are steps x batch x block.

    Attributes:
        block: T.
        vocab_size: number of byte-pair tokens.
        path: ``""`` for the English that ships with Python itself (the language reference in
            pydoc_data.topics); a text file whose documents are separated by ``<|endoftext|>``; or a
            data set's name for the ``datasets`` package, streamed (``roneneldan/TinyStories`` is
            the paper's).

    >>> task = LanguageModeling(block=8, vocab_size=300)
    >>> batch = task.batch(2, "train", 0)
    >>> batch.tokens.shape, bool((batch.targets == batch.tokens[:, 1:]).all())
    ((2, 8), True)
    """

    name: ClassVar[str] = "language_modeling"
    position_count: ClassVar[int] = 512
    presets: ClassVar[dict] = {
        "smoke": {"block": 16, "vocab_size": 300},
        **{preset: {"block": 128, "vocab_size": 1024} for preset in ("quick", "small", "standard")},
    }
    budgets: ClassVar[dict] = {
        "quick": {"batch": 16, "steps": 500, "lr": 6e-4, "weight_decay": 0.1, "test_samples": 200},
        "small": {
            "batch": 32,
            "steps": 1000,
            "lr": 6e-4,
            "weight_decay": 0.1,
            "test_samples": 500,
        },
        "standard": {
            "batch": 32,
            "steps": 2000,
            "lr": 6e-4,
            "weight_decay": 0.1,
            "test_samples": 500,
        },
        "paper": {"batch": 64, "lr": 6e-4, "weight_decay": 0.1},
    }
    shapes: ClassVar[dict] = {"paper": "4_8_512"}
    draws: ClassVar[int] = 1
    block: int = 512
    vocab_size: int = 2048
    path: str = ""

    @property
    def vocab(self) -> int:
        return self.vocab_size

    @property
    def length(self) -> int:
        return self.block

    def spec(self) -> dict:
        """Of a file also what is in it: another text is another task."""
        return super().spec() | ({"text": _digest(self.path)} if self.is_file else {})

    @property
    def is_file(self) -> bool:
        """Whether the text is a file of this machine."""
        return bool(self.path) and Path(self.path).is_file()

    def check(self) -> None:
        self.require("block", 2 <= self.block <= 1024, "between 2 and 1024")
        self.require("vocab_size", 257 <= self.vocab_size <= 50_257, "between 257 and 50257")
        self.require("path", isinstance(self.path, str), "a string")
        if self.is_file:
            documents(self.path)  # enough of them, or an error now

    def sample(self, n: int, rng: np.random.Generator, split: str = "train") -> Batch:
        check_split(split)
        text = corpus(self.path, self.vocab_size)[split]
        self.require(
            "block", self.block < len(text), f"shorter than the {split} text of {len(text)} tokens"
        )
        start = below(rng.random(n), len(text) - self.block)
        tokens = text[start[:, None] + np.arange(self.block)]
        return scored_span(tokens, np.zeros(n, int), np.full(n, self.block - 1), self.block - 1)


@lru_cache(maxsize=2)
def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


@lru_cache(maxsize=2)
def corpus(path: str, vocab_size: int) -> dict[str, np.ndarray]:
    """Return the tokens of each split, a document after the other with token 0 between them."""
    tokenizer, splits = _learn(path, vocab_size)
    return {
        name: np.concatenate(
            [np.array([0, *e.ids], np.int32) for e in tokenizer.encode_batch(split)]
        )
        for name, split in splits.items()
    }


def decode(task: LanguageModeling, tokens: np.ndarray) -> list[str]:
    """Return the text of each token (T,)."""
    tokenizer, _ = _learn(task.path, task.vocab_size)
    return [tokenizer.decode([t]) for t in tokens.tolist()]


@lru_cache(maxsize=2)
def _learn(path: str, vocab_size: int):
    """Split the documents and learn byte-pair tokens from the training ones.

    Returns (tokenizer, documents of each split).
    """
    from tokenizers import ByteLevelBPETokenizer

    texts = sorted(documents(path), key=len)  # so that each split has long and short ones
    splits = {
        "test": texts[4::10],
        "validation": texts[8::10],
        "train": [t for i, t in enumerate(texts) if i % 10 not in (4, 8)],
    }
    held_out = {
        p
        for name in ("test", "validation")
        for text in splits[name]
        for p in text.split("\n\n")
        if len(p) > 40
    }
    splits["train"] = [
        "\n\n".join(p for p in text.split("\n\n") if p not in held_out) for text in splits["train"]
    ]
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(
        splits["train"],
        vocab_size=vocab_size,
        show_progress=False,
        special_tokens=["<|endoftext|>"],
    )
    return tokenizer, splits


@lru_cache(maxsize=2)
def documents(path: str) -> list[str]:
    """Return the documents of a text; see :class:`LanguageModeling` for ``path``."""
    if not path:
        from pydoc_data.topics import topics

        return [topics[name] for name in sorted(topics)]
    if Path(path).is_file():
        found = [
            t for t in Path(path).read_text(encoding="utf-8").split("<|endoftext|>") if t.strip()
        ]
        if len(found) < FEWEST_DOCUMENTS:
            raise ValueError(
                f"language_modeling: path must hold {FEWEST_DOCUMENTS} documents or more, with "
                f"<|endoftext|> between them, got {path!r} with {len(found)}."
            )
        return found
    try:
        from datasets import load_dataset

        stream = load_dataset(path, split="train", streaming=True)
        return [row["text"] for row in islice(stream, DOCUMENTS)]
    except Exception as error:  # the package raises many kinds; the reader needs one sentence
        raise ValueError(
            "language_modeling: path must be '', a text file or a data set that can be read, got "
            f"{path!r} "
            f"({type(error).__name__})."
        ) from None
