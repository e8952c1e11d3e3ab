"""What the chapters vary: sources, perturbations, pieces, shapes, starts by hand."""

SIX = ("identity", "set", "stack", "dyck", "dyck_shuffle", "eca")
"""The paper's sources."""

PERTURBATIONS = (
    "noise=0.05",
    "noise=0.01",
    "noise=0.1",
    "relative_noise=0.5",
    "shuffle",
    "relative_noise=1.0",
    "statistics",
    "random_donor",
)
PIECES = (
    "layer=0",
    "layer=1",
    "head=1.0",
    "head=1.0 random_donor",
    "freeze=attention",
    *(f"head={head}" for head in ("0.0", "0.1", "0.2", "0.3", "1.1", "1.2", "1.3")),
)
"""Both layers and all heads of the small model's attention, one of them also as a null, and the
frozen copy.
"""

SHAPES = ("shape=1_4_16", "shape=4_4_16", "shape=2_2_8", "shape=2_8_32")
"""Of the source: shallower, deeper, narrower, wider; heads stay 4 wide."""

BOTH, WHOLE = "attention=identity", "full=identity"
FIRST, LAST = f"{BOTH} layer=0", f"{BOTH} layer=1"
"""The attention of both layers of IDENTITY, its whole model, and each layer alone."""

FRESH_FIRST = "fresh_norm on_layer=0"
"""The first layer at the size of fresh weights, what it learnt in place."""

SET_ECA = "attention=set mlp=eca"
"""The paper's composition."""

QUIET_PAIR = f"{SET_ECA} {FRESH_FIRST}"
"""The same with a quiet first layer: the first change of it that carries HAYSTACK with 10 pairs."""

RECIPE = "loud=0.3 head=1.0"
"""A head written by hand; its rule stands on the page "Fixed in advance"."""

SPOILT = "loud=0.3 head=0.0+1.0"
"""A loud head in each layer."""

RECIPES = (RECIPE, SPOILT, "loud=0.3 head=0.0", "loud=0.1 head=1.0")
"""The recipe, the same with a loud first layer too, in the first layer alone, and too quiet."""

MAPS = (
    "query",
    "key",
    "value",
    "output",
    "query+key",
    "value+output",
    "query+key+value",
    "query+key+output",
    "query+value+output",
    "key+value+output",
)
"""The parts of one head that the chapter on starts by hand makes loud alone."""

EVERYTHING = (
    "loud=0.25 layer=1",
    "fan_in=attention",
    "fan_in=mlp",
    "fan_in=embeddings",
    "fan_in=attention+mlp",
    "fan_in=attention+mlp+embeddings",
)
"""Starts in which much more than one head is loud."""

PREDICTED = (
    *(f"{RECIPE} tensors={m}" for m in ("query+value", "query+output", "key+value", "key+output")),
    "loud=1.0 head=1.0 tensors=value+output",
    "loud=1.0 head=1.0 tensors=query+output",
    "loud=1.0 head=1.0 tensors=key+output",
    "loud=1.0 head=1.0 tensors=query+key",
    "loud=2.0 head=1.0 tensors=value+output",
    "loud=2.0 head=1.0 tensors=output",
    f"{SPOILT} quiet=0.value+0.output",
    f"{SPOILT} quiet=0.query+0.key",
    "attention=identity quiet=0.value+0.output",
    "attention=identity quiet=0.query+0.key",
)
"""What the rule on the page "Fixed in advance" was asked before it was run."""

PREDICTED_AGAIN = (
    *(f"loud=1.0 head=1.0 tensors={m}" for m in ("query+value", "key+value", "query", "value")),
    *(
        f"loud=0.5 head=1.2 tensors={m}"
        for m in ("query+output", "key+value", "query+key", "value+output")
    ),
)
"""What the second rule on that page was asked before it was run."""
