"""Why does the attention of both layers carry from a curriculum? Its content, or short lists?

Runs, measures and rules stand on the page "Fixed in advance".
"""

from dataclasses import replace

from procmod_lib.experiments import each_head
from procmod_lib.experiments.conditions import BOTH, LAST, WHOLE
from procmod_lib.experiments.first_layer import QUIET_FIRST, SHUFFLED_FIRST, SHUFFLED_LAST
from procmod_lib.experiments.grids import without_copies
from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.experiments.ranked import carrying
from procmod_lib.experiments.specification import SEEDS, Setting, transfers
from procmod_lib.runs.run import Run
from procmod_lib.runs.store import Store

SHUFFLED_BOTH = f"{BOTH} shuffle"
DAMAGED = (BOTH, SHUFFLED_BOTH, QUIET_FIRST, SHUFFLED_FIRST, SHUFFLED_LAST)
TEN = 10
"""Seeds of a claim; two more than the specification curve has."""
HEAD = f"{BOTH} head=1.0"
HEADS = (HEAD, *(f"{BOTH} {null} head=1.0" for null in ("shuffle", "random_donor", "fresh_norm")))
FROM_THE_LOOP = (BOTH, LAST, WHOLE)
SHORT = (4, 8, 16)
MULTIPLIERS = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)


def damaged(store: Store) -> list[Run]:
    """Attention as learnt and damaged, with 10 pairs, from every setting that carries.

    Args:
        store: where the runs are that say which do.
    """
    settings = carrying(store)
    return [run for setting in settings for run in transfers(setting, starts=DAMAGED)]


def damaged_in_full(store: Store) -> list[Run]:
    """The same at the full protocol, from the setting that ranks first."""
    settings = carrying(store)[:1]
    return [run for setting in settings for run in transfers(setting, "standard", starts=DAMAGED)]


def closest_with_curriculum() -> list[Run]:
    """The closest replication with the released code's optional curriculum, at the full protocol,
    and no pretraining: what the paper's claims on IDENTITY need, then the last layer alone.
    """
    return _on_haystack("standard", ("scratch", BOTH, WHOLE, SHUFFLED_BOTH, LAST), TEN)


def released_loop(preset: str, starts: tuple[str, ...] = FROM_THE_LOOP) -> list[Run]:
    """Some starts from the released loop as it stands, early stop and all, with its curriculum."""
    return _on_haystack(preset, starts, TEN, "released_loop_curriculum")


def loop_in_full() -> list[Run]:
    """The same at the full protocol, no pretraining, and what the paper's claims need besides."""
    fresh = _on_haystack("standard", ("scratch",), TEN)
    return fresh + released_loop("standard", (*FROM_THE_LOOP, SHUFFLED_BOTH))


def resized() -> dict[str, list[Run]]:
    """Both layers shuffled and made as loud as the other's, of the two that have a curriculum."""
    quieter, louder = (f"{SHUFFLED_BOTH} scale={factor}" for factor in (0.6, 1.7))
    return {
        "closest, curriculum, times 0.6": _on_haystack("standard", (quieter,), TEN),
        "released loop, curriculum, times 1.7": released_loop("standard", (louder,)),
    }


def heads(preset: str, starts: tuple[str, ...] = HEADS) -> list[Run]:
    """One head of the last layer, and its nulls, of the closest replication's curriculum."""
    return _on_haystack(preset, starts, TEN)


def other_lists() -> list[Run]:
    """Both layers, the last alone and the whole model of SET and STACK, with 10 pairs; first all of
    SET.
    """
    return [
        run
        for source in ("set", "stack")
        for run in _on_haystack(
            "small", tuple(start.replace("identity", source) for start in (BOTH, LAST, WHOLE))
        )
    ]


def k_dyck_climbed(preset: str) -> list[Run]:
    """k-DYCK from its rung of the ladder: with 10 pairs the attention of both layers, the last
    alone and the whole model; at the full protocol the whole model and no pretraining.
    """
    parts = (BOTH, LAST, WHOLE) if preset == "small" else ("scratch", WHOLE)
    starts = tuple(start.replace("identity", "dyck") for start in parts)
    return _on_haystack(preset, starts, TEN, "closest")


def set_in_full() -> list[Run]:
    """SET's attention of both layers from that curriculum, and no pretraining, 30 pairs."""
    return _on_haystack("standard", ("scratch", "attention=set"))


def _on_haystack(
    preset: str,
    starts: tuple[str, ...],
    seeds: int = SEEDS,
    settings: str = "closest_curriculum",
) -> list[Run]:
    """HAYSTACK from some starts x seed; the settings are those of their sources' pretraining."""
    return [
        fine_tuning_run("haystack", start, preset, seed, settings=settings)
        for start in starts
        for seed in range(seeds)
    ]


def other_lengths(best: Setting) -> dict[str, Setting]:
    """A setting with a curriculum, and with lists of other lengths in its place.

    Args:
        best: with a curriculum.

    Returns:
        By what the lists are, in words.
    """
    longest, _ = best.size
    fixed = {f"{length} tokens": _of_one(best, length) for length in (*SHORT, longest)}
    every = {f"every length up to {longest}": replace(best, lengths="all")}
    return {f"a curriculum up to {longest}": best} | fixed | every


def shortest(best: Setting) -> Setting:
    """A setting with a curriculum, and with lists of the fewest tokens in its place."""
    return _of_one(best, min(SHORT))


def _of_one(setting: Setting, length: int) -> Setting:
    """The same setting with lists of one length."""
    return replace(setting, lengths="fixed", size=(length, setting.size[1]))


def by_length(store: Store) -> list[Run]:
    """Both layers and the last alone with 10 pairs, from the best setting and other lengths."""
    return without_copies(
        *(
            transfers(setting, starts=(BOTH, LAST))
            for best in carrying(store)[:1]
            for setting in other_lengths(best).values()
        )
    )


def short_in_full(store: Store) -> list[Run]:
    """Both layers at the full protocol, from lists of the fewest tokens."""
    return [
        run
        for best in carrying(store)[:1]
        for run in transfers(shortest(best), "standard", starts=(BOTH,))
    ]


def at_size(factor: float) -> dict[str, str]:
    """The last layer alone times a factor, by what was done to it.

    >>> at_size(0.5)["shuffled within each head"]
    'attention=identity shuffle scale=0.5 layer=1 each_head'
    """
    scale = "" if factor == 1 else f" scale={factor}"
    names = (each_head.LEARNT, each_head.SHUFFLED, each_head.WITHIN)
    return dict(zip(names, each_head.starts(f"{BOTH}{scale} layer=1"), strict=True))


def scaled(store: Store) -> list[Run]:
    """The last layer at every size, 10 pairs, of the first and the third: learnt and shuffled."""
    return _at_every_size(store, (each_head.LEARNT, each_head.SHUFFLED))


def scaled_within(store: Store) -> list[Run]:
    """The same shuffled within each head."""
    return _at_every_size(store, (each_head.WITHIN,))


def _at_every_size(store: Store, changes: tuple[str, ...]) -> list[Run]:
    asked = tuple(at_size(factor)[change] for factor in MULTIPLIERS for change in changes)
    settings = carrying(store)[:3:2]
    return [run for setting in settings for run in transfers(setting, starts=asked)]
