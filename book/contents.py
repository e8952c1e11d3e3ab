"""What the table of contents names."""

from pathlib import Path

import yaml

CONTENTS = Path(__file__).resolve().parent / "_toc.yml"


def pages() -> list[str]:
    """Every page but the first, in reading order, without its ending."""
    contents = yaml.safe_load(CONTENTS.read_text())["parts"]
    return [entry["file"] for part in contents for entry in part["chapters"]]


def notebooks() -> list[str]:
    """The names of the notebooks among them."""
    made = "generated/"
    return [name.removeprefix(made) for name in pages() if name.startswith(made)]
