"""Where the ladders of the closest replication end, and what it is asked first."""

from collections.abc import Callable

from IPython.display import Markdown

from procmod_lib.experiments.ladder import choose, climb, has_learnt, ladders
from procmod_lib.experiments.settings import Rung
from procmod_lib.findings.carrying import OF_TEN, Carried
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import NOT_MEASURED, capital, percent
from procmod_lib.report.tables import NOT_YET, grid
from procmod_lib.runs.run import Run
from procmod_lib.tasks import title

WORDS = {True: "by the rule they do", False: "by the rule they do not", None: "open by the rule"}
"""Whether settings give the effect; see "Fixed in advance"."""


def looked_up(section: Section) -> Callable[[Run], bool]:
    """``is_learnt`` for pilots that are in a section; LookupError for one that is not."""
    there = set(section.table.key) if len(section) else set()

    def is_learnt(run: Run) -> bool:
        if run.key not in there:
            raise LookupError(run.label)
        return has_learnt(run, section.table)

    return is_learnt


def reached_table(section: Section, sources) -> Markdown:
    """Where each source's ladders end, from published pilots, and which rung is taken."""
    is_learnt = looked_up(section)
    rows = []
    for source in sources:
        ends = [_found(lambda c=c, s=source: climb(s, c, is_learnt)) for c in ladders(source)]
        taken = _found(lambda s=source: choose(s, is_learnt))
        lists = ["has no lists"] * (2 - len(ends))
        rows.append([title(source), *map(_told, ends), *lists, _told(taken)])
    return grid(["source", "one length", "curriculum", "taken"], rows)


def _found(find: Callable[[], Rung | None]) -> list[Rung | None]:
    """The rung that is found, or that there is none; an empty list where pilots are missing."""
    try:
        return [find()]
    except LookupError:
        return []


def _told(found: list[Rung | None]) -> str:
    if not found:
        return NOT_YET
    (rung,) = found
    return rung.label if rung else "no rung that all three learn"


def reached_in_words(section: Section, sources) -> str:
    """The same in a clause: which sources climbed and which did not, of those that were tried."""
    is_learnt = looked_up(section)
    ends = {title(source): _found(lambda s=source: choose(s, is_learnt)) for source in sources}
    climbed = [f"{source} ({_told(end)})" for source, end in ends.items() if any(end)]
    failed = [source for source, end in ends.items() if end and not any(end)]
    parts = [f"all three pilots learn {' and '.join(climbed)}"] if climbed else []
    parts += [f"no rung has three that learn {' or '.join(failed)}"] if failed else []
    return "; ".join(parts) or NOT_MEASURED


def settings_judged(attention: Section) -> str:
    """Whether settings nearer to the released code give the paper's strongest effect: the verdict
    of the rule on the page "Fixed in advance", from attention at the full protocol.
    """
    return _judged(attention, "*closest, one length*")


def grown_judged(attention: Section) -> str:
    """The same of the closest replication with the released code's optional curriculum."""
    return _judged(attention, "*closest, curriculum*")


def _judged(attention: Section, settings: str) -> str:
    rows = list(attention.summary.itertuples())
    if not rows or rows[0].n != OF_TEN.seeds:
        return f"open: {rows[0].n if rows else 0} of {OF_TEN.seeds} seeds are measured"
    row = rows[0]
    word = WORDS[Carried(row.successes, OF_TEN).carries]
    return (
        f"{word}: the attention of IDENTITY ({settings}) carries HAYSTACK in "
        f"{row.successes} of {row.n} seeds, {percent(row.mean, row.low, row.high, row.n)}"
    )


def told(judged: str) -> Markdown:
    """What :func:`settings_judged` or :func:`grown_judged` says, as a sentence in bold."""
    return Markdown(f"**{capital(judged)}.**")
