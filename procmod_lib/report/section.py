"""A section of a chapter: some runs, and everything that a page can say of them."""

from collections import Counter

from IPython.display import Markdown

from procmod_lib.initial import parse
from procmod_lib.initial.words import WORDS, Change
from procmod_lib.report import compositions, statistics, tables
from procmod_lib.report.origin import origin
from procmod_lib.report.pictures import Pictures
from procmod_lib.report.sentences import (
    HELPS,
    HIGHER,
    NOT_MEASURED,
    capital,
    from_to,
    in_points,
    of_runs,
    p_value,
    percent,
    sentence,
)
from procmod_lib.tasks import title


class Section(Pictures):
    """Some runs, in words, tables and pictures; see
    :class:`procmod_lib.report.selection.Selection`.
    """

    # In words

    def successes(self, condition: str) -> str:
        """How many runs of one condition succeed, such as ``5 of 10``."""
        rows = self.of(condition).summary.itertuples()
        return "; ".join(f"{r.successes} of {r.n}" for r in rows) or NOT_MEASURED

    def counted(self, condition: str) -> str:
        """The same with Wilson interval, such as ``5 of 10 (24 to 76 %)``."""
        rows = self.of(condition).summary.itertuples()
        return "; ".join(of_runs(r.successes, r.n) for r in rows) or NOT_MEASURED

    def sentence(
        self,
        condition: str,
        noun: str | None = None,
        baseline: str = "scratch",
        words: tuple[str, str] = HELPS,
    ) -> str:
        """One sentence on one condition against a baseline."""
        noun = noun or parse(condition).label
        rows = list(self.differences(baseline, condition).itertuples())
        return sentence(rows[0], noun, words) if rows else f"{capital(noun)}: not yet measured."

    def short(self, condition: str) -> str:
        """The mean of one condition with n and interval, without its name."""
        rows = self.of(condition).summary.itertuples()
        texts = [f"{percent(r.mean, r.low, r.high, r.n)}" for r in rows]
        return "; ".join(texts) or NOT_MEASURED

    def gain(self, condition: str, baseline: str = "scratch") -> str:
        """The paired difference of a condition from a baseline, in points, without their names."""
        rows = self.differences(baseline, condition).itertuples()
        return "; ".join(in_points(row) for row in rows) or NOT_MEASURED

    def helped(self) -> Markdown:
        """A sentence for each condition against no pretraining, which names the diagnostic where
        there are several.
        """
        several = len({run.task for run in self.runs}) > 1
        lines = []
        for row in self.differences().itertuples():
            before = f"{title(row.diagnostic)}: " if several else ""
            lines.append(before + sentence(row, tables.label(row.initial_condition)))
        return tables.bullets(lines)

    def compared(self, pairs: list[tuple[str, str]], suffix: str = "") -> Markdown:
        """A sentence, "higher" or "lower", for each (condition, baseline) pair that is in the
        store.
        """
        lines = []
        for condition, baseline in pairs:
            noun = tables.label(condition) + (suffix or f", against {tables.label(baseline)}")
            rows = self.differences(baseline, condition).itertuples()
            lines += [sentence(row, noun, HIGHER) for row in rows]
        return tables.bullets(lines)

    def against_others(self, condition: str, noun: str) -> Markdown:
        """A sentence, "higher" or "lower", on one condition against each of the others that was
        run.
        """
        others = dict.fromkeys(run.condition for run in self.runs)
        lines = []
        for other in [each for each in others if each != parse(condition)]:
            rows = self.differences(str(other), condition).itertuples()
            rows = [row for row in rows if row.initial_condition == str(parse(condition))]
            lines += [sentence(row, f"{noun}, against {other.label}", HIGHER) for row in rows]
        return tables.bullets(lines)

    def beside_whole(self) -> Markdown:
        """A sentence for each changed transfer beside the same transfer left as it was."""
        lines = []
        for whole in [c for c in self.conditions if c.sources and c.is_whole]:
            part = self.where(lambda run, whole=whole: run.condition.whole == whole)
            rows = part.differences(str(whole)).itertuples()
            lines += [sentence(row, tables.label(row.initial_condition), HIGHER) for row in rows]
        return tables.bullets(lines)

    def beside_null(self) -> Markdown:
        """A sentence for each null beside the piece that it is the null of: the same condition
        without its perturbation.
        """
        nulls = [name for name, word in WORDS.items() if isinstance(word, Change)]
        pairs = [(str(c), str(c.without(*nulls))) for c in self.conditions if c.of_kind(Change)]
        return self.compared(pairs, ", against the pretrained piece")

    def beside_parents(self) -> Markdown:
        """A sentence for each composition beside each of its parents."""
        lines = []
        for row in statistics.differences_from_parents(self.table).itertuples():
            noun = f"{tables.label(row.initial_condition)}, against {tables.label(row.baseline)}"
            lines.append(sentence(row, noun))
        return tables.bullets(lines, "No composition was run.")

    # In tables

    def results(self, *, with_diagnostic: bool = False) -> Markdown:
        """The table of means, intervals and successes."""
        return tables.summary_table(self.summary, with_diagnostic=with_diagnostic)

    def beyond_first(self) -> Markdown | None:
        """The table of all diagnostics but the first, which figures are drawn of; nothing where
        there is but one.
        """
        first = self.runs[0].task.name
        others = self.where(lambda run: run.task.name != first)
        return others.results(with_diagnostic=True) if len(others.runs) else None

    def times(self) -> Markdown:
        """The table of steps until a run succeeds."""
        return (
            tables.times_table(statistics.steps_to_success(self.table))
            if len(self)
            else Markdown(tables.NOT_YET)
        )

    def coverage(self) -> Markdown:
        """What of it is in the store, a row a diagnostic, and what made it."""
        there, rows = set(self.table.key), []
        for task in dict.fromkeys(run.task.name for run in self.runs):
            runs = [run for run in self.runs if run.task.name == task]
            conditions = {run.condition for run in runs}
            whole = conditions - {run.condition for run in runs if run.key not in there}
            planned = Counter(run.condition for run in runs if run.condition in whole)
            measured = f"{len(whole)} (n = {from_to(planned.values())})" if whole else "0"
            found = sum(run.key in there for run in runs)
            rows.append([title(task), len(conditions), measured, f"{found} of {len(runs)}"])
        heads = ["diagnostic", "conditions", "measured with all planned seeds", "runs in the store"]
        return Markdown(
            f"{tables.grid(heads, rows).data}\n\nMade with: {origin(self.table, self.store)}."
        )

    def made(self) -> Markdown:
        """The line that says what made it."""
        return Markdown(f"Made with: {origin(self.table, self.store)}.")

    def pieces(self) -> Markdown:
        """A row a condition, beside no pretraining and, where it is a piece, beside the whole that
        it was cut from.
        """
        rows = []
        for row in self.differences().itertuples():
            condition = parse(row.initial_condition)
            cells = [condition.label, f"{in_points(row)}, p {p_value(row.p)}", ""]
            if not condition.is_whole:
                whole = self.differences(str(condition.whole), row.initial_condition).itertuples()
                cells[2] = "".join(f"{in_points(r)}, p {p_value(r.p)}" for r in whole)
            rows.append(cells)
        heads = ["initial condition", "result against no pretraining", "result against the whole"]
        return tables.grid(heads, rows)

    def shuffled(self, transfers: list[str]) -> Markdown:
        """Each transfer against no pretraining, and shuffled against not shuffled, a row a
        diagnostic.
        """
        lines = []
        for transfer in transfers:
            gain = self.differences("scratch", transfer).set_index("diagnostic")
            loss = self.differences(transfer, f"{transfer} shuffle").set_index("diagnostic")
            for diagnostic in [d for d in loss.index if d in gain.index]:
                both = in_points(gain.loc[diagnostic]), in_points(loss.loc[diagnostic])
                lines.append([title(diagnostic), tables.label(transfer), *both])
        heads = [
            "diagnostic",
            "transfer",
            "result against no pretraining",
            "result shuffled, against not shuffled",
        ]
        return tables.grid(heads, lines)

    def early_and_late(self) -> Markdown:
        """Each condition against no pretraining on the seeds that chose it, and on later seeds."""
        early, late = (
            {r.initial_condition: in_points(r) for r in part.differences().itertuples() if r.n}
            for part in (
                self.where(lambda r: r.seed < statistics.CHOSEN_ON),
                self.where(lambda r: r.seed >= statistics.CHOSEN_ON),
            )
        )
        rows = [[tables.label(c), early[c], late.get(c, NOT_MEASURED)] for c in early]
        heads = [
            "initial condition",
            "result against no pretraining: the seeds that chose",
            "result on later seeds",
        ]
        return tables.grid(heads, rows)

    def judged(self) -> Markdown:
        """The table of compositions, with the word for each."""
        return compositions.judged_table(compositions.judge(self.table))

    def judged_in_words(self) -> Markdown:
        """How many compositions beat both of their parents."""
        return compositions.judged_in_words(compositions.judge(self.table))

    def learnt(self) -> Markdown:
        """Of pretraining runs: how well each source was learnt."""
        return tables.learnt_table(statistics.learnt(self.runs, self.table))

    def learnt_in_words(self, settings: str) -> str:
        """Of pretraining runs with some settings: how many count as learnt."""
        rows = statistics.learnt(self.runs, self.table)
        rows = rows[rows.settings == settings] if len(rows) else rows
        if not len(rows):
            return NOT_MEASURED
        return f"{rows.learnt.sum()} of {rows.n.sum()} models"

    def nearest_to_best(self) -> str:
        """Of pretraining runs: the least and the greatest way from guessing to the best."""
        rows = statistics.learnt(self.runs, self.table)
        rows = rows[rows.settings == "large_rate"] if len(rows) else rows
        if not len(rows):
            return "None is measured yet."
        low, high = rows.loc[rows.way.idxmin()], rows.loc[rows.way.idxmax()]
        return (
            f"Of the way from guessing to the best possible, {title(low.source)} has come "
            f"{100 * low.way:.0f} % (n = {low.n}) and {title(high.source)} {100 * high.way:.0f} % "
            f"(n = {high.n}), the least and the most of all; intervals stand in the table below."
        )
