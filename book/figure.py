"""Draw the first page's figure from the published results; called by ``make figure``.

It carries the digest of the runs that it shows.
"""

import hashlib
from pathlib import Path

from procmod_lib.experiments import first_layer
from procmod_lib.experiments.conditions import BOTH, RECIPE
from procmod_lib.experiments.grids import by_hand, localisation, without_copies
from procmod_lib.experiments.why_curricula import loop_in_full
from procmod_lib.report.figures import use_style
from procmod_lib.report.pictures import Pictures, draw_groups
from procmod_lib.runs.run import Run
from procmod_lib.runs.store import PUBLISHED, Store

TARGET = Path(__file__).resolve().parent / "_assets" / "haystack.png"
ROWS = {
    "scratch": "nothing: a fresh model",
    BOTH: "pretrained",
    first_layer.QUIET_FIRST: "the same, its first layer as quiet as fresh weights",
    "attention=identity head=1.0": "pretrained (ours)",
    "attention=identity fresh_norm head=1.0": "the same, made as quiet as fresh weights",
    RECIPE: "RANDOM and loud, no pretraining",
}


def groups() -> dict[str, list[Run]]:
    """The runs that the figure shows, by its headings."""
    pieces = ["head=1.0", "head=1.0 fresh_norm"]
    heads = without_copies(
        localisation("standard", pieces=pieces, seeds=10), by_hand("standard", RECIPE, seeds=10)
    )
    quieted = (BOTH, first_layer.QUIET_FIRST)
    return {
        "Attention (released loop, curriculum)": [
            run for run in loop_in_full() if str(run.condition) in ("scratch", BOTH)
        ],
        "Attention (closest, one length)": [
            run for run in first_layer.FULL.runs if str(run.condition) in quieted
        ],
        "One head of the last layer": [run for run in heads if "head" in str(run.condition)],
    }


def published() -> tuple[dict[str, Pictures], str]:
    """The sections that are shown, and the digest of the keys of their runs."""
    store = Store(PUBLISHED)
    shown = {name: Pictures(runs, store.load(runs), store) for name, runs in groups().items()}
    keys = "".join(sorted({key for part in shown.values() for key in part.table.key}))
    return shown, hashlib.sha256(keys.encode()).hexdigest()


def main() -> None:
    """Draw it."""
    shown, digest = published()
    use_style()
    figure = draw_groups(shown, ROWS)
    figure.savefig(TARGET, metadata={"Description": digest, "Software": None})
    print(f"{TARGET.name}: {figure.procmod_data.key.nunique()} runs.")


if __name__ == "__main__":
    main()
