"""Where the ladders of the closest replication end, from published pilots."""

from collections.abc import Callable

from IPython.display import Markdown

from procmod_lib.experiments.ladder import choose, climb, has_learnt, ladders
from procmod_lib.experiments.settings import Rung
from procmod_lib.report.section import Section
from procmod_lib.report.tables import NOT_YET, grid
from procmod_lib.runs.run import Run
from procmod_lib.tasks import title


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
        ends = [_end(lambda c=c, s=source: climb(s, c, is_learnt)) for c in ladders(source)]
        ends += ["no lists"] * (2 - len(ends))
        rows.append([title(source), *ends, _end(lambda s=source: choose(s, is_learnt))])
    return grid(["source", "one length", "curriculum", "taken"], rows)


def _end(find: Callable[[], Rung | None]) -> str:
    try:
        rung = find()
    except LookupError:
        return NOT_YET
    return rung.label if rung else "not learnt on any rung"
