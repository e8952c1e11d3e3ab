"""Where the ladders of the closest replication end, and what it is asked first."""

from collections.abc import Callable

from IPython.display import Markdown

from procmod_lib.experiments import specification
from procmod_lib.experiments.conditions import SET_ECA
from procmod_lib.experiments.ladder import choose, climb, has_learnt, ladders
from procmod_lib.experiments.settings import Rung
from procmod_lib.experiments.why_curricula import PAIR_CHANGES
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import capital, of_runs, percent
from procmod_lib.report.tables import NOT_YET, grid
from procmod_lib.runs.run import Run
from procmod_lib.tasks import title

SEEDS = 10
CARRIES, FAILS = 8, 2
"""Of the ten seeds: at least so many, and at most so many, decide; see "Fixed in advance"."""

CARRIED, SPOILT = "carries", "does not carry"


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
    return rung.label if rung else "no rung that all three learn"


def reached_in_words(section: Section, sources) -> str:
    """The same in a clause: which sources climbed and which did not, of those that were tried."""
    is_learnt = looked_up(section)
    ends = {title(source): _end(lambda s=source: choose(s, is_learnt)) for source in sources}
    tried = {source: end for source, end in ends.items() if end != NOT_YET}
    climbed = [f"{source} ({end})" for source, end in tried.items() if "no rung" not in end]
    failed = [source for source, end in tried.items() if "no rung" in end]
    parts = [f"all three pilots learn {' and '.join(climbed)}"] if climbed else []
    parts += [f"no rung has three that learn {' or '.join(failed)}"] if failed else []
    return "; ".join(parts) or "not yet measured"


def settings_judged(attention: Section) -> str:
    """Whether settings nearer to the released code give the paper's strongest effect: the verdict
    of the rule on the page "Fixed in advance", from attention at the full protocol.
    """
    return _judged(attention, "the closest replication")


def grown_judged(attention: Section) -> str:
    """The same of the closest replication with the released code's optional curriculum."""
    settings = "the closest replication with the released code's optional curriculum"
    return _judged(attention, settings)


def _judged(attention: Section, settings: str) -> str:
    rows = list(attention.summary.itertuples())
    if not rows or rows[0].n < SEEDS:
        return f"open: {rows[0].n if rows else 0} of {SEEDS} seeds are measured"
    row = rows[0]
    if FAILS < row.successes < CARRIES:
        word = "open by the rule"
    else:
        word = "by the rule they do" + ("" if row.successes >= CARRIES else " not")
    return (
        f"{word}: from {settings} the attention of IDENTITY carries HAYSTACK in "
        f"{row.successes} of {row.n} seeds, {percent(row.mean, row.low, row.high, row.n)}"
    )


def lists_table(section: Section) -> Markdown:
    """What SET and STACK carry from that curriculum, a row a source, by the rule of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.why_curricula.other_lists`.
    """
    by_start = {str(row.initial_condition): row for row in section.summary.itertuples()}
    rows = []
    for source in ("set", "stack"):
        starts = (f"attention={source}", f"attention={source} layer=1", f"full={source}")
        rows.append([title(source), *(_carries(by_start.get(start)) for start in starts)])
    return grid(["source", "both layers", "last layer alone", "whole model"], rows)


def changed_pair_table(section: Section) -> Markdown:
    """What the paper's pair carries after each change of it, and what that says by the rule.

    Args:
        section: the runs of :func:`procmod_lib.experiments.why_curricula.pair_changed`.
    """
    by_start = {str(row.initial_condition): row for row in section.summary.itertuples()}
    found = {
        name: _carries(by_start.get(f"{SET_ECA} {change}")) for change, name in PAIR_CHANGES.items()
    }
    table = grid(["the pair, with", "runs above 90 %"], list(found.items()))
    return Markdown(f"{table.data}\n\n**By the rule: {_in_the_way(list(found.values()))}.**")


def _in_the_way(found: list[str]) -> str:
    """What of ECA keeps the pair from carrying, from the cells of the table above."""
    if NOT_YET in found:
        return "open, runs are missing"
    first, last, shuffled, _ = (cell.rpartition(": ")[2] for cell in found)
    reasons = []
    if first == CARRIED and last == SPOILT:
        reasons.append("the size of ECA's first MLP is in the way")
    if shuffled == CARRIED:
        reasons.append("what ECA's MLPs learnt is in the way")
    return ", and ".join(reasons) or "undecided"


def _carries(row) -> str:
    if row is None or row.n < specification.SEEDS:
        return NOT_YET
    word = "open" if row.successes > specification.SPOILT_IN else SPOILT
    word = CARRIED if row.successes >= specification.CARRIED_IN else word
    return f"{of_runs(row.successes, row.n)}: {word}"


def told(judged: str) -> Markdown:
    """What :func:`settings_judged` or :func:`grown_judged` says, as a sentence in bold."""
    return Markdown(f"**{capital(judged)}.**")
