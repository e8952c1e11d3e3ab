"""The rule that turns results into verdicts on the claims.

The rule was fixed before the runs that it judges.
"""

import re
from collections import Counter

import numpy as np
import pandas as pd

from procmod_lib.experiments.claims import Claim
from procmod_lib.report import statistics
from procmod_lib.report.scorecard import why_not
from procmod_lib.report.sentences import NOT_MEASURED, SHOWN, from_to
from procmod_lib.runs.curves import by_seed

FEWEST = 3  # seeds below which a claim counts as not yet measured
SPREAD = 0.2  # seeds that disagree by more are the paper's own sign of an unreliable cell
VERDICTS = ("replicated", "partly", "not replicated", NOT_MEASURED)


def verdict(differences: np.ndarray, p: float, paper: float) -> str:
    """The rule: see the scorecard chapter.

    Args:
        differences: (n,) paired, a seed each.
        p: Holm-adjusted.
        paper: the paper's difference as a share, or NaN.
    """
    if len(differences) < FEWEST:
        return NOT_MEASURED
    low, _ = statistics.interval(differences)
    if not low > 0:
        return "not replicated"
    is_large = np.isnan(paper) or np.mean(differences) >= paper / 2
    return "replicated" if p < statistics.LEVEL and is_large else "partly"


def judge(claims, table: pd.DataFrame, family: int = 0) -> pd.DataFrame:
    """One row a claim, in % and points, over the seeds that both arms have.

    Args:
        claims: what is judged.
        table: the runs, a row a step.
        family: over how many claims Holm's method corrects; at least those that are measured.

    Returns:
        The paper's arms and ours, difference with interval and Holm's p, whether seeds disagree,
        whether a perturbation has no gain to remove (told where the table holds no pretraining),
        the verdict, and p without correction (``p_alone``).
    """
    ends, nothing = by_seed(table), pd.Series(dtype=float)

    def scores(claim: Claim, arm: str) -> pd.Series:
        return ends.get((claim.diagnostic, arm), nothing).dropna()

    pairs = [[scores(c, arm) for arm in (c.condition, c.baseline)] for c in claims]
    families = [(arm - base).dropna() for arm, base in pairs]
    tested = [i for i, d in enumerate(families) if len(d) >= FEWEST]
    p = np.full(len(families), np.nan)
    measured = [statistics.sign_flip(families[i]) for i in tested]
    unmeasured = [1.0] * (family - len(tested))
    p[tested] = statistics.holm(measured + unmeasured)[: len(tested)]
    alone = np.full(len(families), np.nan)
    alone[tested] = measured
    fresh = [scores(c, "scratch") for c in claims]
    rows = [_row(*each) for each in zip(claims, families, pairs, fresh, p, strict=True)]
    return pd.DataFrame(rows).assign(p_alone=alone)


def _row(
    claim: Claim, differences: pd.Series, arms: list[pd.Series], fresh: pd.Series, p: float
) -> dict:
    """The row of one claim; ``fresh`` holds the runs of no pretraining on its diagnostic."""
    arm, base = (scores[differences.index] for scores in arms)
    low, high = statistics.interval(differences)
    n = len(differences)
    return {
        "claim": claim.text,
        "diagnostic": claim.diagnostic,
        "condition": claim.condition,
        "baseline": claim.baseline,
        "paper": claim.paper,
        "paper_difference": claim.effect,
        "ours": (100 * base.mean(), 100 * arm.mean()),
        "n": n,
        "p": p,
        "difference": 100 * np.mean(differences) if n else np.nan,
        "low": 100 * low,
        "high": 100 * high,
        "disagree": bool(n and np.ptp(arm) > SPREAD),
        "has_no_gain": claim.is_of_perturbation and _is_no_better(arm, fresh),
        "verdict": verdict(differences.to_numpy(), p, claim.effect / 100),
    }


def _is_no_better(arm: pd.Series, fresh: pd.Series) -> bool:
    """Whether the interval of the paired difference from no pretraining holds zero or lies below;
    not with too few seeds.
    """
    differences = (arm - fresh).dropna()
    low, _ = statistics.interval(differences)
    return len(differences) >= FEWEST and not low > 0


def fewest_seeds(claims: int) -> int:
    """The fewest seeds with which the exact test can fall below 0.05 after Holm's correction over
    so many claims.

    >>> fewest_seeds(1), fewest_seeds(8)
    (6, 9)
    """
    return next(n for n in range(1, 64) if claims * 2.0 ** (1 - n) < statistics.LEVEL)


def count(judged: pd.DataFrame, family: int = 0) -> str:
    """How many claims got each verdict, why some did not replicate, and which verdicts are out of
    reach with so few seeds.

    Args:
        judged: from :func:`judge`, or some of its rows.
        family: over how many claims Holm's method corrected, where that is more.
    """
    text = _counted(judged.verdict, VERDICTS)
    reasons = _counted_reasons(judged)
    if reasons:
        text = text.replace(" not replicated", f" not replicated ({reasons})", 1)
    most, need = judged.n.max(), fewest_seeds(max(family, len(judged)))
    if most >= need:
        return text
    return (
        f'{text} (with {most} seeds at most, "replicated" is out of reach, which takes {need}, '
        'and "not replicated" includes '
        "what is undecided)"
    )


def count_with_sizes(judged: pd.DataFrame) -> str:
    """The same; of those that replicated also how many in sign alone, since the paper prints no
    effect, and at which shares of its effect the others.
    """
    text, sizes = count(judged), _sizes(judged)
    return re.sub(r"^(\d+ replicated)", rf"\1 ({sizes})", text) if sizes else text


def count_with_signs(judged: pd.DataFrame) -> str:
    """How many claims got each verdict; of those that replicated also how many in sign alone."""
    replicated = judged[judged.verdict == "replicated"]
    alone = int(replicated.paper_difference.isna().sum())
    text = count(judged)
    return re.sub(r"^(\d+ replicated)", rf"\1 ({alone} in sign alone)", text) if alone else text


def of_first(claims, table: pd.DataFrame, seeds: int) -> str:
    """The count of verdicts that the first so many seeds alone give."""
    return f"{count_with_sizes(judge(claims, table[table.seed < seeds]))}."


def as_one_family(judged: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The verdicts of several families in one table, with p corrected over all of them (``p_all``)
    and the family's name (``where``).

    Args:
        judged: by what a page calls them, verdicts of :func:`judge`.
    """
    every = pd.concat([part.assign(where=name) for name, part in judged.items()])
    return every.assign(p_all=statistics.holm(every.p_alone.to_numpy()))


def surviving(every: pd.DataFrame) -> str:
    """How many of the claims that replicated, each in its own family, would if all were one.

    Args:
        every: from :func:`as_one_family`.
    """
    found = every[every.verdict == "replicated"]
    return f"{(found.p_all < statistics.LEVEL).sum()} of the {len(found)} that replicated"


def over_all(every: pd.DataFrame) -> str:
    """The same in a paragraph that names those that would, and says what the test takes."""
    found = every[every.verdict == "replicated"]
    if not len(found):
        return "Nothing replicated."
    kept = found[found.p_all < statistics.LEVEL]
    names = [f"{row.claim} (under *{row.where}*)" for row in kept.itertuples()]
    tests = int(every.p_alone.notna().sum())
    return (
        f"Corrected over all {tests} verdicts together, {surviving(every)} still would"
        f"{': ' * bool(names)}{'; '.join(names)}. Over so many the exact test can fall below 0.05 "
        f"only with {fewest_seeds(tests)} seeds or more."
    )


def _counted_reasons(judged: pd.DataFrame) -> str:
    """The words in brackets; nothing where all that did not replicate were refuted."""
    reasons = Counter(filter(None, map(why_not, judged.itertuples())))
    return ", ".join(f"{many} {words}" for words, many in reasons.items())


def _sizes(judged: pd.DataFrame) -> str:
    """The words in brackets; nothing where none replicated."""
    found = judged[judged.verdict == "replicated"]
    known = found.dropna(subset=["paper_difference"])
    parts = []
    if len(found) > len(known):
        many = f"{len(found) - len(known)} " if len(known) else ""
        parts.append(f"{many}in sign alone")
    if len(known):
        shares = [
            "{:.0f} % ({:.0f} to {:.0f} %)".format(*_share(row)) for row in known.itertuples()
        ]
        parts.append(f"{len(known)} at {' and '.join(shares)} of the paper's effect")
    return ", ".join(parts)


def _share(row) -> tuple[float, float, float]:
    """The effect found, and its interval, in percent of the paper's."""
    found = (row.difference, row.low, row.high)
    return tuple(100 * value / row.paper_difference for value in found)


def count_shown(*judged: pd.DataFrame) -> str:
    """How many claims of this book's own got each verdict."""
    words = [SHOWN.get(verdict, verdict) for verdict in VERDICTS]
    return _counted(pd.concat(judged).verdict.replace(SHOWN), words)


def _counted(given: pd.Series, words) -> str:
    """How often each verdict was given, of those that were.

    >>> _counted(pd.Series(["partly", "replicated", "partly"]), VERDICTS)
    '1 replicated, 2 partly'
    """
    counts = {word: int((given == word).sum()) for word in words}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def how_many_seeds(papers: pd.DataFrame, ours: pd.DataFrame) -> str:
    """With how many seeds the claims were judged, and how many the rule takes."""
    texts = []
    for name, judged in (("the paper's", papers), ("ours", ours)):
        fewest = f"{fewest_seeds(len(judged))} or more can pass the corrected test"
        texts.append(f"{name} with {from_to(judged.n)} seeds ({fewest})")
    return f"Claims were judged on what is published so far, {' and '.join(texts)}."
