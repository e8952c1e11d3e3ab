"""The tables of the scorecard: claims and their verdicts, and studies of the rule itself."""

import numpy as np
import pandas as pd
from IPython.display import Markdown

from procmod_lib.report import statistics
from procmod_lib.report.sentences import SHOWN, p_value, span
from procmod_lib.report.tables import bullets, grid

ARMS = "Right answers in % from the baseline → from the condition: difference and its interval."


def scorecard_table(judged: pd.DataFrame, fewest: int, *, brief: bool = False) -> Markdown:
    """Return :func:`procmod_lib.findings.verdicts.judge` as a table, and how to read it.

    Args:
        judged: the verdicts.
        fewest: seeds with which the exact test can pass the correction.
        brief: without how to read it, which stands under another table of the page.
    """
    rows = []
    for r in judged.itertuples():
        disagree = "yes" if r.disagree else ""
        verdict = f"**{r.verdict}**" + (f", {why}" if (why := why_not(r)) else "")
        rows.append([r.claim, verdict, _arms(r.paper), _found(r), r.n, p_value(r.p), disagree])
    heads = ["claim", "verdict", "paper", "here (95 % interval)", "n", "p (Holm)", "seeds disagree"]
    if brief:
        return Markdown(f"{grid(heads, rows).data}\n\n{_takes(fewest)}.")
    below = (
        f"{ARMS} A question mark stands where the paper's summary prints no value. "
        f"{_takes(fewest)}; "
        'on fewer, a claim can at best be called partly replicated, and "not replicated" says only '
        "that so few seeds did not show it. "
        "Seeds disagree where the best and the "
        "worst of the condition (not of the baseline) are more than 20 points apart."
    )
    return Markdown(f"{grid(heads, rows).data}\n\n{below}")


def _takes(fewest: int) -> str:
    """With how many seeds a claim of a table can replicate at all."""
    return f"After correction the exact test can fall below 0.05 only with {fewest} seeds or more"


def beyond_table(judged: pd.DataFrame, fewest: int) -> Markdown:
    """Claims that the paper does not make, by the same rule: both arms, difference, verdict.

    Args:
        judged: from :func:`procmod_lib.findings.verdicts.judge`.
        fewest: seeds with which the exact test can pass the correction.
    """
    rows = []
    for r in judged.itertuples():
        verdict = SHOWN.get(r.verdict, r.verdict)
        rows.append([r.claim, f"**{verdict}**", _found(r), r.n, p_value(r.p)])
    below = (
        f"{ARMS} After correction the exact test can fall below 0.05 only with {fewest} seeds or "
        "more; on fewer, a claim can at best be called partly shown."
    )
    heads = ["claim", "verdict", "here (95 % interval)", "n", "p (Holm)"]
    return Markdown(f"{grid(heads, rows).data}\n\n{below}")


def _found(row) -> str:
    """Both arms of a claim, their difference and its interval."""
    between = "no interval" if np.isnan(row.low) else f"{row.low:+.1f} to {row.high:+.1f}"
    return f"{_arms(row.ours)}: {row.difference:+.1f} ({between})" if row.n else ""


def _arms(pair: tuple[float, float]) -> str:
    return " → ".join("?" if np.isnan(value) else f"{value:.1f}" for value in pair)


def had_nothing_to_gain(row) -> bool:
    """Whether almost all is right without pretraining already."""
    return row.baseline == "scratch" and row.ours[0] > 99


def is_undecided(row) -> bool:
    """Whether the interval of a claim that did not replicate holds half of the paper's effect as
    well as zero.
    """
    return bool(row.low <= 0 and row.high >= row.paper_difference / 2)


def why_not(row) -> str:
    """Why a claim did not replicate, in the words of a table; nothing where it did, or where it was
    refuted.

    Args:
        row: of :func:`procmod_lib.findings.verdicts.judge`.
    """
    if row.verdict != "not replicated":
        return ""
    if has_other_sign(row):
        return "other sign"
    if row.has_no_gain:
        return "no gain to remove"
    if had_nothing_to_gain(row):
        return "nothing to gain"
    if row.low <= 0 and np.isnan(row.paper_difference):
        return "nothing to compare"
    return "undecided" if is_undecided(row) else ""


def has_other_sign(row) -> bool:
    """Whether the baseline is told to be the better one."""
    return bool(row.high < 0 and row.p < statistics.LEVEL)


def failed_claims(judged: pd.DataFrame, fewest: int) -> Markdown:
    """What did not replicate, a line a claim, and how to read it."""
    lines = []
    for r in judged[judged.verdict == "not replicated"].itertuples():
        between = f"95 % interval {r.low:+.1f} to {r.high:+.1f}, n = {r.n}"
        line = f"{r.claim}: {r.difference:+.1f} points ({between}); {_reading(r, fewest)}"
        if had_nothing_to_gain(r):
            line += " Without pretraining almost all is right already: there was nothing to gain."
        lines.append(line)
    return bullets(lines, "Of what has been measured with at least three seeds, nothing.")


def _reading(row, fewest: int) -> str:
    if has_other_sign(row):
        return "the other sign."
    if row.high < 0:
        return f"below zero, but {row.n} seeds cannot tell it from luck."
    if row.n < fewest:
        is_far = row.high < row.paper_difference  # never where the paper prints no value
        but = ", though it leaves out the paper's difference" if is_far else ""
        return f"undecided: the interval holds zero{but}, and {row.n} seeds resolve little."
    if row.high < row.paper_difference / 2:
        return "the interval excludes even half of the paper's effect."
    if is_undecided(row):
        return "undecided: the interval holds zero, and half of the paper's effect too."
    return "the interval holds zero."


def studies_table(studies: list[tuple[str, int, dict[str, int]]], draws: int) -> Markdown:
    """Simulated studies: how often each verdict fell."""
    rows, verdicts = [], list(studies[0][2])
    for text, seeds, found in studies:
        shares = [
            f"{100 * c / draws:.1f} ({span(*statistics.wilson(c, draws))})" for c in found.values()
        ]
        rows.append([text, seeds, *shares])
    heads = [f"{verdict}, % of {draws} studies (interval)" for verdict in verdicts]
    return grid(["simulated truth", "seeds", *heads], rows)
