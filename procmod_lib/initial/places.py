"""The words that say where: which layers, heads, maps and parts the other words are about.

Each entry says everything about its word (see :mod:`procmod_lib.initial.words`).
"""

import numpy as np

from procmod_lib.initial import vocabulary  # noqa: F401  (its words print first)
from procmod_lib.initial.words import PARTS, TENSORS, Cut, Word, heads, is_listed, register
from procmod_lib.network.gpt2 import Architecture


def _layer(value: int, name: str, arch: Architecture):
    return name.startswith(f"h.{value}.")


def _is_number(text: str) -> bool:
    """Whether a text is a whole number as it is printed, without zeros before it."""
    return text.isdecimal() and text == str(int(text))


def _is_heads(value: str) -> bool:
    numbers = [each.split(".") for each in value.split("+")]
    right = all(len(pair) == 2 and all(_is_number(n) for n in pair) for pair in numbers)
    return right and heads(value) == sorted(set(heads(value)))


def _head(value: str, name: str, arch: Architecture):
    """The heads' columns of queries, keys and values and their rows of the output projection, whose
    bias is no head's.
    """
    mask = np.zeros(arch.width, bool)
    size = arch.width // arch.heads
    for layer, head in heads(value):
        if name.startswith(f"h.{layer}.attn."):
            mask[head * size : (head + 1) * size] = True
    if "c_attn" in name:
        return np.tile(mask, 3)
    return mask if name.endswith("c_proj.weight") else False


def _tensors(value: str, name: str, arch: Architecture):
    wanted = [tensor in value.split("+") for tensor in TENSORS]
    if ".attn." not in name:
        return False
    return np.repeat(wanted[:3], arch.width) if "c_attn" in name else wanted[3]


def _is_shape(value: str) -> bool:
    numbers = value.split("_")
    if len(numbers) != 3 or not all(_is_number(n) and n != "0" for n in numbers):
        return False
    _, heads, width = map(int, numbers)
    return width % heads == 0


register(
    Cut(
        name="layer",
        default=-1,
        about="Only this layer, counted from 0.",
        allowed="layer must be a whole number, 0 or more.",
        check=lambda value: value >= 0,
        label=lambda value: f"layer {value}",
        keeps=_layer,
    )
)
register(
    Cut(
        name="head",
        default="",
        about="Only these attention heads, each layer.head, with + between them.",
        allowed="head must be layer.head, for example 0.3, or several in order with + between.",
        check=_is_heads,
        label=lambda value: f"head{'s' if '+' in value else ''} {value.replace('+', ' and ')}",
        keeps=_head,
    )
)
register(
    Word(
        name="shape",
        default="",
        about="layers_heads_width of the sources where it is not the new model's.",
        allowed="shape must be layers_heads_width, the width a multiple of heads: such as 4_8_32.",
        check=_is_shape,
        label=lambda value: f"shape {value}",
    )
)
register(
    Cut(
        name="tensors",
        default="",
        about="Only these maps of attention.",
        allowed="tensors must be query, key, value or output, or several of them in this order "
        "with + between.",
        check=lambda value: is_listed(value, TENSORS),
        label=lambda value: value.replace("+", ", "),
        keeps=_tensors,
    )
)
register(
    Word(
        name="on",
        default="",
        about="Perturbs or scales these parts alone.",
        allowed="on must be attention, mlp, norms or embeddings, or several of them in this order "
        "with + between.",
        check=lambda value: is_listed(value, PARTS),
        label=lambda value: f"on {value.replace('+', ', ')} alone",
    )
)
register(
    Word(
        name="on_layer",
        default=-1,
        about="Perturbs or scales this layer alone, counted from 0.",
        allowed="on_layer must be a whole number, 0 or more.",
        check=lambda value: value >= 0,
        label=lambda value: f"on layer {value} alone",
    )
)
register(
    Cut(
        name="fresh_positions",
        default=False,
        about="Positions stay fresh.",
        label=lambda value: "positions fresh",
        keeps=lambda value, name, arch: name != "wpe.weight",
    )
)


def _is_maps(value: str) -> bool:
    pairs = [each.split(".") for each in value.split("+")]
    right = all(len(pair) == 2 and _is_number(pair[0]) and pair[1] in TENSORS for pair in pairs)
    if not right:
        return False
    places = [(int(layer), TENSORS.index(tensor)) for layer, tensor in pairs]
    return places == sorted(set(places))


def _quiet(value: str, name: str, arch: Architecture):
    """All but the named maps of a layer."""
    pairs = [each.split(".") for each in value.split("+")]
    out = [tensor for layer, tensor in pairs if name.startswith(f"h.{layer}.attn.")]
    stays = [tensor not in out for tensor in TENSORS]
    if "c_attn" in name:
        return np.repeat(stays[:3], arch.width)
    return stays[3] if "c_proj" in name and ".attn." in name else True


register(
    Cut(
        name="quiet",
        default="",
        about="These maps of a layer's attention stay fresh, each layer.map, with + between them.",
        allowed="quiet must be layer.query, layer.key, layer.value or layer.output, for example "
        "0.value, or several in order with + between.",
        check=_is_maps,
        label=lambda value: f"{value.replace('+', ', ')} quiet",
        keeps=_quiet,
    )
)
register(
    Word(
        name="only",
        default="",
        about="Perturbs or scales the biases alone, or all but them.",
        allowed="only must be weights or biases.",
        check=lambda value: value in ("weights", "biases"),
        label=lambda value: f"{value} alone",
    )
)
register(
    Word(
        name="each_head",
        default=False,
        about="Perturbs each head's query, key, value and output by itself, not a whole tensor.",
        label=lambda value: "within each head",
    )
)
register(
    Word(
        name="draw",
        default=0,
        about="Which draw of a perturbation's random numbers, counted from 0.",
        allowed="draw must be a whole number, 0 or more.",
        check=lambda value: value >= 0,
        label=lambda value: f"draw {value}",
    )
)
register(
    Word(
        name="even",
        default=False,
        about="Scales each map of each head of copied attention to the root mean square of its "
        "tensor, last of all.",
        label=lambda value: "sizes evened",
    )
)
