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

RECIPE = "loud=0.3 head=1.0"
"""A head written by hand; its rule stands on the page "Fixed in advance"."""

RECIPES = (RECIPE, "loud=0.3 head=0.0+1.0", "loud=0.3 head=0.0", "loud=0.1 head=1.0")
"""The recipe, the same with a loud first layer too, in the first layer alone, and too quiet."""
