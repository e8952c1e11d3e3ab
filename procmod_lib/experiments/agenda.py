"""What the book's pages ask of the published store, the most important first.

Each entry is a section of a page; what is missing of it is what is still to be run.
"""

from collections.abc import Callable
from dataclasses import dataclass

from procmod_lib.experiments import (
    each_head,
    first_layer,
    on_sums,
    ranked,
    set_eca,
    specification,
    text,
    why_curricula,
)
from procmod_lib.experiments.claims import BEYOND, CLAIMS, claim_runs
from procmod_lib.experiments.conditions import FRESH_FIRST, RECIPE, SHAPES, SIX, SPOILT
from procmod_lib.experiments.crossed import models_by_seeds
from procmod_lib.experiments.grids import (
    by_hand,
    localisation,
    perturbation,
    pretraining,
    selective_transfer,
    without_copies,
)
from procmod_lib.runs.keep import CURVES, WEIGHTS, Keep
from procmod_lib.runs.run import Run
from procmod_lib.runs.store import Store

ATTENTION = [f"attention={source}" for source in SIX]
MLPS = [f"mlp={source}" for source in SIX]
THREE = [f"attention={source}" for source in ("identity", "set", "dyck")]
NULLS = ["shuffle", "random_donor", "layer=1", "shuffle layer=1", "random_donor layer=1"]
SIZES = [f"loud={size} head=1.0" for size in ("0.05", "0.1", "0.2", "0.3", "0.5", "1.0")]
WIDTHS, RATES = (16, 32, 64), (3e-4, 1e-3, 3e-3, 1e-2)
STORY_PIECES = ["layer=1", "head=1.0"]
STORY_PIECES += [f"head=1.0 {change}" for change in ("shuffle", "random_donor", "fresh_norm")]
CLOSEST_STARTS = ["scratch", *(f"{part}=identity" for part in ("full", "attention", "mlp"))]
CLOSEST_STARTS += [f"attention=identity {word}" for word in ("layer=1", "layer=0", "shuffle")]
SHAPED = [*SHAPES, *(f"{shape} layer=1" for shape in SHAPES)]
HARDER = (24, 32, 40, 48)
"""Numbers of SORTING, where the protocol has 16."""
SUMS = ["addition", "reversed_addition"]
FOUR = ["haystack", "addition", "reversed_addition", "sorting"]


@dataclass(frozen=True)
class Entry:
    """One section of a page.

    Attributes:
        name: what is asked, in a few words.
        make: its runs.
        keep: what of them is kept; the weights of models that later entries transfer.
    """

    name: str
    make: Callable[..., list[Run]]
    keep: Keep = CURVES

    def runs(self, store: Store) -> list[Run]:
        """The runs of the section, in its order."""
        return self.make()


class Ranked(Entry):
    """A section of settings that runs of the specification curve choose; ``make`` is given the
    store that ranks them.
    """

    def runs(self, store: Store) -> list[Run]:
        """The runs of the section, in its order; none before its settings can be ranked."""
        return self.make(store)


def closest(preset: str) -> list[Run]:
    """Transfers from the closest replication of IDENTITY, ten seeds."""
    return selective_transfer(
        preset, initial_conditions=CLOSEST_STARTS, seeds=10, settings="closest"
    )


def released() -> list[Run]:
    """Attention from IDENTITY as the released loop and files pretrain it."""
    return [
        run
        for settings in ("released_loop", "shipped")
        for run in selective_transfer(
            "standard", initial_conditions="attention", seeds=6, settings=settings
        )
    ]


CROSSED = {
    "IDENTITY, our settings": ("small", "identity", "large_rate"),
    "IDENTITY, closest, one length": ("small", "identity", "closest"),
    "SET, our settings": ("small", "set", "large_rate"),
    "k-DYCK, our settings": ("small", "dyck", "large_rate"),
    "IDENTITY, our settings, 30 pairs": ("standard", "identity", "large_rate"),
}
"""Whose models are crossed with fine-tuning seeds: (preset, source, settings of pretraining)."""


def models(preset: str) -> list[Run]:
    """Six pretrained models x six fine-tuning seeds, of each source that is crossed."""
    return without_copies(
        *(
            models_by_seeds(scale, source, settings=settings)
            for scale, source, settings in CROSSED.values()
            if scale == preset
        )
    )


def story() -> list[Run]:
    """What judges the story of a head written by hand."""
    starts = by_hand("standard", [RECIPE, SPOILT], seeds=10)
    return without_copies(starts, localisation("standard", pieces=STORY_PIECES, seeds=10))


def nulls_at_the_full_protocol() -> list[Run]:
    """IDENTITY's attention, its last layer, and those of STACK and k-DYCK, with nulls."""
    identity = localisation("standard", ["attention=identity"], NULLS, seeds=6)
    others = localisation("standard", ["attention=stack", "attention=dyck"], NULLS[2:], seeds=3)
    return without_copies(identity, others)


def nulls() -> list[Run]:
    """Shuffled and random attention of all six sources, both layers and the last, 10 pairs."""
    return localisation("small", ATTENTION, NULLS, seeds=6)


def at_width(width: int) -> list[Run]:
    """The sizes of a loud head in a model of a width."""
    return by_hand("small", SIZES, seeds=6, model=f"2_4_{width}")


def full_at_width(width: int) -> list[Run]:
    """No pretraining and the recipe at the full protocol in a model of a width."""
    return by_hand("standard", RECIPE, seeds=6, model=f"2_4_{width}")


def depths() -> list[Run]:
    """The recipe with one and with four layers."""
    one = by_hand("small", "loud=0.3 head=0.0", seeds=6, model="1_4_16")
    return one + by_hand("small", "loud=0.3 head=3.0", seeds=6, model="4_4_16")


def rates() -> list[Run]:
    """No pretraining and the recipe at four peak rates."""
    return [run for rate in RATES for run in by_hand("small", RECIPE, seeds=8, lr=rate)]


def layers() -> list[Run]:
    """Each layer of the attention of all six sources alone, 10 pairs."""
    return localisation("small", ATTENTION, ["layer=0", "layer=1", "layer=1 shuffle"], seeds=6)


def frozen() -> list[Run]:
    """Attention and MLPs of all six sources held fixed in fine-tuning, 10 pairs."""
    attention = localisation("small", ATTENTION, ["freeze=attention"], seeds=6)
    return without_copies(attention, localisation("small", MLPS, ["freeze=mlp"], seeds=6))


def frozen_on_sums() -> list[Run]:
    """The same on both additions, at a fifth of the steps."""
    brief = dict(diagnostics=SUMS, seeds=6, steps=2000)
    attention = localisation("standard", ATTENTION, ["freeze=attention"], **brief)
    return without_copies(attention, localisation("standard", MLPS, ["freeze=mlp"], **brief))


def shapes() -> list[Run]:
    """Attention, and its last layer alone, of sources of other shapes, 10 pairs."""
    return localisation("small", THREE, ["layer=1", *SHAPED], seeds=6)


def shapes_on_sums() -> list[Run]:
    """Attention of sources of other shapes on both additions, at a fifth of the steps."""
    return localisation("standard", THREE, SHAPES, SUMS, seeds=6, steps=2000)


def harder_sorting(items: int) -> list[Run]:
    """SORTING of more numbers without pretraining, by three seeds of its own."""
    return selective_transfer(
        "standard",
        diagnostics="sorting",
        initial_conditions="scratch",
        seeds=3,
        first_seed=100,
        items=items,
    )


def at_both(make: Callable[[str], list[Run]]) -> Callable[[], list[Run]]:
    """What makes the same runs with 10 pairs and, after them, at the full protocol."""
    return lambda: make("small") + make("standard")


def on(diagnostic: str, seeds: int) -> Callable[[], list[Run]]:
    """The recipe and no pretraining on another diagnostic, at the full protocol."""
    return lambda: by_hand("standard", RECIPE, [diagnostic], seeds=seeds)


AGENDA = (
    Entry(
        "the sources, as they are transferred",
        lambda: pretraining("standard", SIX, seeds=3),
        keep=WEIGHTS,
    ),
    Entry("the story of a head by hand", story),
    Entry("the closest replication", at_both(closest)),
    Entry("the first layer made quiet", first_layer.every),
    Entry("the first layer made quiet, every source", first_layer.of_every_source),
    Entry(
        "the first layer made quiet, whole models",
        lambda: without_copies(*(arm.runs for arm in first_layer.WHOLE_ARMS)),
    ),
    Entry("the first layer made quiet, whole models taken apart", lambda: first_layer.APART.runs),
    Entry("the first layer made quiet, pairs of sources", first_layer.of_pairs),
    Entry("a quiet first layer, the pair", lambda: first_layer.of_the_papers_pair(["haystack"])),
    Entry("one model or ten, 10 pairs", lambda: models("small")),
    Entry(
        "the released loop and files",
        lambda: pretraining("standard", ["identity"], ["released_loop", "shipped"], seeds=3),
        keep=WEIGHTS,
    ),
    Entry("attention from the released loop and files", released),
    Entry("by hand: learning rates", rates),
    Entry("by hand: depths", depths),
    Entry("the paper's nulls, 10 pairs", nulls),
    Entry("by hand: widths", lambda: without_copies(*map(at_width, WIDTHS))),
    Entry("by hand: ADDITION", on("addition", 6)),
    Entry("by hand: SORTING", on("sorting", 3)),
    Entry("by hand: k-DYCK", on("dyck", 6)),
    Entry("by hand: REVERSED ADDITION", on("reversed_addition", 20)),
    Entry("the paper's nulls, full protocol", nulls_at_the_full_protocol),
    Entry("by hand: 60 pairs", lambda: by_hand("standard", RECIPE, seeds=6, pairs=60)),
    Entry("what the settings decide", specification.every),
    Ranked("attention that carries, damaged, 10 pairs", why_curricula.damaged),
    Ranked("a curriculum or other lengths, 10 pairs", why_curricula.by_length),
    Ranked("a last layer louder and quieter, 10 pairs", why_curricula.scaled),
    Ranked("the same shuffled within each head", why_curricula.scaled_within),
    Ranked("the shortest lists, full protocol", why_curricula.short_in_full),
    Ranked("attention that carries, damaged, full protocol", why_curricula.damaged_in_full),
    Ranked("the best and the worst settings, full protocol", ranked.again),
    Entry("the optional curriculum, full protocol", why_curricula.closest_with_curriculum),
    Entry("the optional curriculum, layer by layer", lambda: first_layer.GROWN.runs),
    Entry("the optional curriculum, SET and STACK, 10 pairs", why_curricula.other_lists),
    Entry("the optional curriculum, SET, 30 pairs", why_curricula.set_in_full),
    Entry("the paper's pair with the optional curriculum", at_both(set_eca.pair)),
    Entry("the same pair changed, 10 pairs", set_eca.changed),
    Entry("the same pair with ECA from its ladder", at_both(set_eca.climbed)),
    Entry("what helps on sums", on_sums.every),
    Entry("k-DYCK from its ladder", at_both(why_curricula.k_dyck_climbed)),
    Entry("the pair with ECA from its ladder, sums and SORTING", set_eca.climbed_on_sums),
    Entry(
        "the released loop with it",
        lambda: why_curricula.released_loop("small") + why_curricula.loop_in_full(),
    ),
    Entry("one head of its models, 10 pairs", lambda: why_curricula.heads("small")),
    Entry(
        "what carries of both, full protocol",
        lambda: (
            without_copies(*why_curricula.resized().values())
            + set_eca.pair("standard", FRESH_FIRST)
            + why_curricula.heads("standard", why_curricula.HEADS[::2])
        ),
    ),
    Entry("what a shuffle loses", each_head.every),
    Entry("SET's attention without ECA's MLPs, 30 pairs", first_layer.without_the_mlps),
    Entry("by hand: width 32 with 30 pairs", lambda: full_at_width(32)),
    Entry("single layers of all sources, 10 pairs", layers),
    Entry("held fixed, 10 pairs", frozen),
    Entry("sources of other shapes, 10 pairs", shapes),
    Entry("text, from sources, mixtures, sequences and by hand", text.pretrained),
    Entry("text alone for longer", lambda: without_copies(*map(text.alone, text.LONGER))),
    Entry("a harder SORTING: pilots", lambda: without_copies(*map(harder_sorting, HARDER))),
    Entry("held fixed, on both additions", frozen_on_sums),
    Entry("sources of other shapes, on both additions", shapes_on_sums),
    Entry("beyond the paper", lambda: claim_runs(BEYOND, "standard", 10)),
    Entry("the paper's claims, ten seeds", lambda: claim_runs(CLAIMS, "standard", 10)),
    Entry(
        "the paper's pair with a quiet first layer, sums and SORTING",
        lambda: first_layer.of_the_papers_pair(["addition", "reversed_addition", "sorting"]),
    ),
    Entry("one model or ten, full protocol", lambda: models("standard")),
    Entry(
        "selective transfer, ten seeds",
        lambda: selective_transfer("standard", SIX, FOUR, seeds=10),
    ),
    Entry(
        "perturbations, six seeds",
        lambda: perturbation("standard", ["attention=identity", "full=dyck"], seeds=6),
    ),
)
"""The sections that are not finished, or were not when this list was made."""
