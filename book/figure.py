"""Draw the README's figure from the published results; called by ``make figure``. It carries the digest of the runs that it shows."""

import hashlib
import sys
from pathlib import Path

BOOK = Path(__file__).resolve().parent
sys.path.insert(0, str(BOOK.parent))
from procmod_lib import figures  # noqa: E402
from procmod_lib.experiments.grids import localisation  # noqa: E402
from procmod_lib.runs.store import PUBLISHED, Store  # noqa: E402

TARGET = BOOK / "_assets" / "haystack.png"
PIECES = ["layer=1", "layer=1 shuffle", "head=1.0", "head=1.0 shuffle", "head=1.0 random_donor", "head=1.0 fresh_norm"]


def published():
    """The runs that the figure shows, and the digest of their keys."""
    wanted = localisation("standard", pieces=PIECES, seeds=10)
    table = Store(PUBLISHED).load(wanted)
    return table, wanted[0].task.chance(), hashlib.sha256("".join(sorted(table.key.unique())).encode()).hexdigest()


def main() -> None:
    table, chance, digest = published()
    figures.use_style()
    figures.learning_curves(table, chance).savefig(TARGET, metadata={"Description": digest, "Software": None})
    print(f"{TARGET.name}: {table.key.nunique()} runs.")


if __name__ == "__main__":
    main()
