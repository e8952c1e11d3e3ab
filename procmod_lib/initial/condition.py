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
from procmod_lib.initial.words import PARTS, WORDS, Change, Copy, Cut, Write, as_its_kind, heads
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.tasks import title


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
        given = {
            n: values[n] for n, word in WORDS.items() if n in values and values[n] != word.default
        }
        given = {name: as_its_kind(WORDS[name], value) for name, value in given.items()}
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
        """
        left = {name: value for name, value in self.given.items() if name not in names}
        if "scale" not in left and not any(isinstance(WORDS[name], Change) for name in left):
            placed = ("on", "on_layer", "only", "each_head")
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
        """Raise ValueError unless its layers and heads are there in a model of this shape."""
        named = heads(self["head"]) if self["head"] else [(self["layer"], 0)]
        quiet = self["quiet"].split("+") if self["quiet"] else []
        named = [*named, *((int(each.split(".")[0]), 0) for each in quiet), (self["on_layer"], 0)]
        if any(layer >= arch.layers or head >= arch.heads for layer, head in named):
            raise ValueError(
                f"initial_condition '{self}': layer must be below {arch.layers} "
                f"and head below {arch.heads}, both from 0."
            )


def clash(c: Condition) -> str:
    """Say what does not go together in a condition, or nothing."""
    copied, written, changes = c.of_kind(Copy), c.of_kind(Write), c.of_kind(Change)
    replaced = "".join(WORDS[n].parts for n in copied) + "".join(
        WORDS[n].parts(v) for n, v in written.items()
    )
    if "full" in copied and len(copied) > 1:
        return "full cannot be combined with attention, mlp or embeddings."
    if c.given and not replaced:
        return (
            "nothing is transferred; name a source with full=, attention=, mlp= or embeddings=, "
            "or write weights with loud= or fan_in=."
        )
    if len(set(replaced)) < len(replaced):
        return "a part is both copied and written by hand, or written twice."
    if len(changes) > 1:
        perturbations = [n for n, word in WORDS.items() if isinstance(word, Change)]
        return f"give one perturbation: {', '.join(perturbations)}."
    if changes and not copied:
        return f"{next(iter(changes))} changes what was copied, and nothing was."
    return _misplaced(c, replaced)


def _misplaced(c: Condition, replaced: str) -> str:
    """Say which word is about something that is not transferred, or nothing."""
    copied = c.of_kind(Copy)
    changes = c.of_kind(Change)
    is_changed = bool(changes) or c["scale"] != 1
    if c["freeze"] and PARTS[c["freeze"]] not in replaced:
        return f"freeze={c['freeze']} needs {c['freeze']} to be transferred."
    if c["head"] and (replaced != "A" or c["layer"] >= 0):
        return "head needs attention= or loud= alone, without mlp or layer."
    if c["tensors"] and replaced != "A":
        return "tensors needs attention= or loud= alone."
    if c["quiet"] and "A" not in replaced:
        return "quiet needs attention to be transferred or written."
    for each in c["quiet"].split("+") if c["quiet"] else ():
        if not _is_replaced(c, *each.split(".")):
            return f"quiet={each} names a map that stays fresh anyway."
    if c["shape"] and not copied:
        return "shape is that of a source, and there is none."
    for word in ("on", "on_layer", "only"):
        if c[word] != WORDS[word].default and not is_changed:
            return f"{word} needs a perturbation or a scale."
        if word != "on" and c[word] != WORDS[word].default and not copied:
            return f"{word} is about what was copied, and nothing was."
    if c["on_layer"] >= 0 and (c["layer"] >= 0 or c["head"]):
        return "on_layer names a layer of several that are transferred, without layer or head."
    asked = {PARTS[part] for part in c["on"].split("+")} if c["on"] else set(replaced)
    if c["on_layer"] >= 0 and not asked - {"E"}:
        return "on_layer is about attention, MLPs or norms; embeddings are in no layer."
    beyond = {part for word in copied for part in WORDS[word].parts} - {"E"}
    if is_changed and not c["on"] and not beyond and (changes or not c.of_kind(Write)):
        return "embeddings alone are changed with on=embeddings."
    if c["on"] and not {PARTS[p] for p in c["on"].split("+")} <= set(replaced):
        return f"on={c['on']} needs {c['on']} to be transferred."
    if changes and not asked & {part for word in copied for part in WORDS[word].parts}:
        return f"on={c['on']} names what is written by hand; a perturbation changes what is copied."
    if c["each_head"] and not (changes and "A" in asked & beyond):
        return "each_head needs a perturbation of copied attention."
    if c["fresh_positions"] and "E" not in replaced:
        return "fresh_positions needs full= or embeddings=."
    return ""


def _is_replaced(c: Condition, layer: str, tensor: str) -> bool:
    """Whether a map of a layer's attention is among what is transferred or written."""
    layers = {c["layer"]} if c["layer"] >= 0 else set()
    layers |= {at for at, _ in heads(c["head"])} if c["head"] else set()
    is_there = not c["tensors"] or tensor in c["tensors"].split("+")
    return is_there and (not layers or int(layer) in layers)


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
            raise ValueError(
                f"initial_condition {text!r}: {name} must be a number, got {value!r}."
            ) from None
        if not word.check(values[name]):
            raise ValueError(f"initial_condition {text!r}: {word.allowed}")
    return Condition(**values)


def known_words() -> str:
    """Every word as it is written, for an error message."""
    return ", ".join(
        ["scratch", *(n if word.default is False else f"{n}=..." for n, word in WORDS.items())]
    )
