"""Initial conditions: which weights a diagnostic model starts from, as one value that reads and
prints as a short text.

It can be a notebook parameter, a row label and part of a run's key::

    scratch
    full=identity
    attention=set mlp=eca
    attention=identity noise=0.05
    mlp=eca freeze=mlp
    attention=set shuffle each_head
    attention=set layer=0
    attention=set scale=0.5 head=0.3
    loud=0.3 head=1.0
    fan_in=attention+mlp
    embeddings=identity fresh_positions attention=identity random_donor on=embeddings
"""

from procmod_lib.initial import places  # noqa: F401  (its words register themselves)
from procmod_lib.initial.clashes import clash
from procmod_lib.initial.reach import untouched
from procmod_lib.initial.words import (
    WORDS,
    Change,
    Copy,
    Cut,
    Write,
    as_its_kind,
    heads,
    known_words,
)
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.tasks import title

OF_CHANGES = ("each_head", "draw")
"""Words about a perturbation, which go with it."""


class Condition:
    """What a model starts from: a value for each word that was given; everything left unset is
    fresh.

    Conditions are equal when they print the same. ``condition["noise"]`` is a word's value, its
    default where it is absent.

    Args:
        **values: words of :data:`procmod_lib.initial.words.WORDS`. The source of a model of a later
            seed is ``set@1``.

    Raises:
        ValueError: a word or a value is wrong, or words do not go together; one sentence that names
            them.
    """

    __slots__ = ("given",)
    given: dict

    def __init__(self, **values):
        unknown = [name for name in values if name not in WORDS]
        if unknown:
            raise ValueError(
                f"initial_condition: there is no word {unknown[0]!r}; there are {', '.join(WORDS)}."
            )
        known = {n: as_its_kind(word, values[n]) for n, word in WORDS.items() if n in values}
        given = {name: value for name, value in known.items() if value != WORDS[name].default}
        object.__setattr__(self, "given", given)
        for name, value in given.items():
            if not WORDS[name].check(value):
                raise ValueError(f"initial_condition {str(self)!r}: {WORDS[name].allowed}")
        problem = clash(self)
        if problem:
            raise ValueError(f"initial_condition {str(self)!r}: {problem}")

    def __setattr__(self, name, value):
        raise AttributeError("a condition cannot be changed; parse another one.")

    def __reduce__(self):
        return parse, (str(self),)

    def __getitem__(self, name: str):
        return self.given.get(name, WORDS[name].default)

    def __eq__(self, other) -> bool:
        return isinstance(other, Condition) and self.given == other.given

    def __hash__(self) -> int:
        return hash(tuple(self.given.items()))

    def __str__(self) -> str:
        return self.text()

    def text(self, *left_out: str) -> str:
        """How it prints, without some words; that need not be a condition of its own."""
        said = {name: value for name, value in self.given.items() if name not in left_out}
        words = [name if value is True else f"{name}={value}" for name, value in said.items()]
        return " ".join(words) or "scratch"

    def __repr__(self) -> str:
        return f"parse({str(self)!r})"

    def without(self, *names: str) -> "Condition":
        """The same condition without some words; with the last change goes the word for its place.

        >>> parse("attention=set noise=0.05 on_layer=0").without("noise")
        parse('attention=set')
        >>> parse("attention=set shuffle scale=2.0 each_head").without("shuffle")
        parse('attention=set scale=2.0')
        >>> parse("attention=set shuffle on_layer=1 draw=1 even").without("shuffle")
        parse('attention=set on_layer=1 even')
        """
        left = {name: value for name, value in self.given.items() if name not in names}
        if not any(isinstance(WORDS[name], Change) for name in left):
            stays = "scale" in left or "even" in left
            placed = OF_CHANGES if stays else ("on", "on_layer", "only", *OF_CHANGES)
            left = {name: value for name, value in left.items() if name not in placed}
        return Condition(**left)

    def of_kind(self, kind: type) -> dict:
        """The words of one kind that were given, such as every
        :class:`~procmod_lib.initial.words.Copy`, with their values.
        """
        return {name: value for name, value in self.given.items() if isinstance(WORDS[name], kind)}

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources it needs, each once."""
        return tuple(dict.fromkeys(self.of_kind(Copy).values()))

    @property
    def whole(self) -> "Condition":
        """What it was cut from or changed from: its sources alone.

        >>> parse("attention=set mlp=eca noise=0.05").whole
        parse('attention=set mlp=eca')
        """
        return Condition(**self.of_kind(Copy))

    @property
    def is_whole(self) -> bool:
        """Whether nothing was cut, changed, held fixed or written by hand."""
        return self == self.whole

    @property
    def parents(self) -> tuple["Condition", ...]:
        """The single transfers that a plain composition is made of, no pretraining first; () for
        everything else.

        >>> parse("attention=set mlp=eca").parents
        (parse('scratch'), parse('attention=set'), parse('mlp=eca'))
        """
        if not self.is_whole or len(self.given) < 2:
            return ()
        return (Condition(), *(Condition(**{name: source}) for name, source in self.given.items()))

    @property
    def label(self) -> str:
        """How figures and tables write it: what it is, then what of it, then what was done to it.

        >>> parse("attention=identity shuffle layer=1").label
        'attention only from Identity, layer 1, shuffled'
        >>> parse("attention=set mlp=eca").label
        'attention Set + MLPs ECA rule 110'
        >>> parse("loud=0.3 head=1.0").label
        'loud by hand, 0.3, head 1.0'
        """
        if not self.given:
            return "no pretraining"
        copied = [(WORDS[word].noun, title(source)) for word, source in self.of_kind(Copy).items()]
        first = " + ".join(f"{noun} {source}" for noun, source in copied)
        if len(copied) == 1:
            noun, source = copied[0]
            first = f"{noun} from {source}" if self["full"] else f"{noun} only from {source}"
        rest = [n for n in self.given if not isinstance(WORDS[n], Copy)]
        groups = [n for n in rest if isinstance(WORDS[n], Write)]
        groups += [n for n in rest if isinstance(WORDS[n], Cut) or n == "shape"]
        groups += [n for n in rest if n not in groups]
        return ", ".join([*filter(None, [first]), *(WORDS[n].label(self[n]) for n in groups)])

    def check(self, arch: Architecture) -> None:
        """Raise ValueError unless its layers and heads are there in a model of this shape, and
        something of each part that it names is replaced.
        """
        named = heads(self["head"]) if self["head"] else [(self["layer"], 0)]
        quiet = self["quiet"].split("+") if self["quiet"] else []
        named = [*named, *((int(each.split(".")[0]), 0) for each in quiet), (self["on_layer"], 0)]
        if any(layer >= arch.layers or head >= arch.heads for layer, head in named):
            raise ValueError(
                f"initial_condition '{self}': layer must be below {arch.layers} "
                f"and head below {arch.heads}, both from 0."
            )
        if lost := untouched(self, arch):
            raise ValueError(
                f"initial_condition '{self}': nothing would be copied or written of the "
                f"{' and the '.join(lost)}."
            )


def with_words(start: str, words: str) -> str:
    """The text of a start with more words behind it; no words leave it as it is.

    >>> with_words("attention=set", "shuffle"), with_words("attention=set", "")
    ('attention=set shuffle', 'attention=set')
    """
    return f"{start} {words}".strip()


def parse(text: str) -> Condition:
    """Read a condition from its text; raises ValueError naming the word that is wrong.

    >>> str(parse("attention=set mlp=eca noise=0.05"))
    'attention=set mlp=eca noise=0.05'
    >>> parse("head=1.0 loud=0.3")
    parse('loud=0.3 head=1.0')
    >>> parse("scratch").sources
    ()
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError(
            "initial_condition must be a string such as 'scratch' or 'attention=identity', "
            f"got {text!r}."
        )
    values: dict = {}
    for each in text.split() if text.strip() != "scratch" else ():
        name, equals, value = each.partition("=")
        word = WORDS.get(name)
        stands_alone = word is not None and word.default is False
        if (
            word is None
            or name in values
            or stands_alone == bool(equals)
            or bool(equals) != bool(value)
        ):
            raise ValueError(
                f"initial_condition {text!r}: {each!r} is not understood; "
                f"it may hold, each once, {known_words()}."
            )
        try:
            values[name] = word.read(value)
        except ValueError:
            allowed = word.allowed or f"{name} must be a number."
            raise ValueError(f"initial_condition {text!r}: {allowed}") from None
        if not word.check(values[name]):
            raise ValueError(f"initial_condition {text!r}: {word.allowed}")
    return Condition(**values)
