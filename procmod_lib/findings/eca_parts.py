"""What of ECA helps REVERSED ADDITION, by the rule that was fixed before."""

from IPython.display import Markdown

from procmod_lib.experiments.eca_parts import SHUFFLED, STARTS, WHOLE
from procmod_lib.experiments.why_curricula import TEN
from procmod_lib.findings.carrying import RUNS_MISSING, by_rule
from procmod_lib.report import statistics
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import in_points, p_value
from procmod_lib.report.tables import NOT_YET

PARTS = ("attention=eca", "mlp=eca", "embeddings=eca")
ASKED = ((WHOLE, SHUFFLED), (SHUFFLED, "scratch"), *((part, "scratch") for part in PARTS))
"""The comparisons of the rule, a family of five: (start, what it is held against)."""


def parts_table(section: Section) -> Markdown:
    """A row a comparison, and what they say by the rule of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.eca_parts.runs`.
    """
    found = {pair: row for pair in ASKED if (row := compared(section, *pair)) is not None}
    adjusted = dict(zip(found, statistics.holm([row.p for row in found.values()]), strict=True))
    is_whole = len(found) == len(ASKED)
    rows = []
    for pair in ASKED:
        start, base = (STARTS[each] for each in pair)
        cells = [in_points(found[pair]), p_value(adjusted[pair])] if is_whole else [NOT_YET, ""]
        rows.append([f"{start}, against {base}", *cells])
    told = {p for p, row in found.items() if row.low > 0 and adjusted[p] < statistics.LEVEL}
    said = what_helps(told) if is_whole else RUNS_MISSING
    return by_rule(["compared", "difference", "p (Holm, five)"], rows, said)


def compared(section: Section, start: str, base: str):
    """The paired difference of two starts over ten seeds; None while some are missing."""
    rows = [row for row in section.differences(base, start).itertuples() if row.n == TEN]
    return rows[0] if rows else None


def what_helps(told: set[tuple[str, str]]) -> str:
    """What the rule says, from the comparisons that are told from zero, and above it.

    >>> what_helps({(WHOLE, SHUFFLED), ("mlp=eca", "scratch")})
    'what the weights learnt is needed; told above no pretraining: its MLPs alone'
    """
    needs_content, size_helps = (WHOLE, SHUFFLED) in told, (SHUFFLED, "scratch") in told
    if needs_content and size_helps:
        first = "a shuffle leaves a part of the gain and costs a part"
    elif needs_content:
        first = "what the weights learnt is needed"
    else:
        first = "size is enough" if size_helps else "whether content or size helps is open"
    parts = [STARTS[part] for part in PARTS if (part, "scratch") in told]
    return f"{first}; told above no pretraining: {' and '.join(parts) or 'no part alone'}"
