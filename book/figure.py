"""Draw the first page's figure from the published results; called by ``make figure``.

It carries the digest of the runs that it shows.
"""

import hashlib
from pathlib import Path

from procmod_lib.experiments.conditions import RECIPE
from procmod_lib.experiments.first_layer import OURS_FULL, QUIET_FIRST
from procmod_lib.experiments.grids import by_hand, localisation, without_copies
from procmod_lib.report import figures
from procmod_lib.runs.store import PUBLISHED, Store

TARGET = Path(__file__).resolve().parent / "_assets" / "haystack.png"
ROWS = {
    "scratch": "nothing: a fresh model",
    "attention=identity": "the attention of a pretrained model",
    QUIET_FIRST: "the same, its first layer as quiet as fresh weights",
    "attention=identity head=1.0": "one pretrained head of its last layer",
    "attention=identity fresh_norm head=1.0": "that head, made as quiet as fresh weights",
    RECIPE: "one RANDOM loud head in the last layer, no pretraining",
}


def published():
    """The runs that the figure shows, chance, and the digest of their keys."""
    pieces = ["head=1.0", "head=1.0 fresh_norm"]
    wanted = without_copies(
        localisation("standard", pieces=pieces, seeds=10),
        by_hand("standard", RECIPE, seeds=10),
        OURS_FULL.runs,
    )
    table = Store(PUBLISHED).load(wanted)
    keys = "".join(sorted(table.key.unique()))
    return table, wanted[0].task.chance(), hashlib.sha256(keys.encode()).hexdigest()


def main() -> None:
    """Draw it."""
    table, chance, digest = published()
    figures.use_style()
    figure = figures.draw_rows(table, ROWS, chance)
    figure.savefig(TARGET, metadata={"Description": digest, "Software": None})
    print(f"{TARGET.name}: {table.key.nunique()} runs.")


if __name__ == "__main__":
    main()
