"""Figures draw what they are given: a known table in, the same numbers on the axes."""

import matplotlib

matplotlib.use("Agg")
import numpy as np
import pandas as pd
import pytest
from tables import ended

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.report import figures, statistics
from procmod_lib.report.figures.style import colour_of
from procmod_lib.report.pictures import draw_groups


def table(scores, diagnostic="haystack"):
    """Rows of runs: {condition: [final score of each seed]}, three evaluations each."""
    rows = [
        {
            "diagnostic": diagnostic,
            "initial_condition": condition,
            "seed": seed,
            "step": step,
            "token_accuracy": score * step / 20,
            "key": f"{diagnostic}{condition}{seed}",
            "status": "complete",
        }
        for condition, values in scores.items()
        for seed, score in enumerate(values)
        for step in (0, 10, 20)
    ]
    return pd.DataFrame(rows)


SCORES = {"scratch": [0.1, 0.12, 0.11], "attention=identity": [0.9, 0.2, 1.0]}


def test_learning_curves_have_a_line_a_seed_and_a_panel_a_condition():
    figure = figures.draw_curves(table(SCORES), chance=0.133)
    panels = [ax for ax in figure.axes if ax.get_visible()]
    assert [ax.get_title() for ax in panels] == ["no pretraining", "attention only\nfrom Identity"]
    ends = sorted(line.get_ydata()[-1] for line in panels[1].lines[:3])
    assert ends == pytest.approx([20, 90, 100])
    assert panels[1].lines[0].get_color() == colour_of("identity")
    assert panels[0].lines[3].get_ydata()[0] == pytest.approx(13.3)


def test_end_points_show_mean_interval_and_every_seed():
    rows = table(SCORES)
    summary = statistics.summary(rows)
    ax = figures.draw_ends(summary, rows, chance=0.133).axes[0]
    points, interval, mean = ax.lines[3:6]
    assert sorted(points.get_xdata()) == pytest.approx([20, 90, 100])
    second = summary.iloc[1]
    assert list(interval.get_xdata()) == pytest.approx([100 * second.low, 100 * second.high])
    assert np.ravel(mean.get_xdata())[0] == pytest.approx(70)
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels == ["no pretraining (n=3)", "attention only from Identity (n=3)"]


def test_a_heat_map_writes_its_numbers_and_is_bold_only_where_the_test_agrees():
    scores = {
        "scratch": [0.1] * 6,
        "attention=identity": [0.6] * 6,
        "mlp=identity": [0.1, 0.2, 0, 0.1, 0.2, 0],
    }
    rows = statistics.paired_differences(table(scores)).assign(
        part=["attention", "MLPs"], source="Identity"
    )
    ax = figures.draw_differences(rows, "part", "source").axes[0]
    written = {text.get_text(): text.get_fontweight() for text in ax.texts if text.get_text()}
    assert written["+50"] == "bold"
    assert len(written) == 4
    assert all(weight == "normal" for text, weight in written.items() if text != "+50")


def test_claims_are_drawn_where_they_were_measured():
    row = dict(
        claim="It helps",
        diagnostic="haystack",
        condition="full=dyck",
        baseline="scratch",
        n=3,
        low=10.0,
        high=30.0,
    )
    judged = pd.DataFrame(
        [
            row | dict(paper_difference=87.0, difference=20.0, verdict="partly"),
            row | dict(paper_difference=5.0, difference=0.0, n=0, verdict="not yet measured"),
        ]
    )
    ax = figures.draw_claims(
        {"The paper's claims": judged}, {"Beyond": judged.assign(verdict="replicated")}
    ).axes[0]
    words = [text.get_text() for text in ax.texts]
    assert words[0] == "The paper's claims"
    assert words[1:6] == [
        "It helps (n=3)",
        "partly",
        "no runs yet",
        "It helps (n=0)",
        "not yet measured",
    ]
    assert words[6] == "Beyond"
    assert words.count("shown") == 2
    ax = figures.draw_claims({"The paper's claims": judged}).axes[0]
    crosses = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "x"]
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert crosses == [87.0, 5.0]
    assert dots == [20.0]


def test_rows_stand_below_the_heading_of_their_section():
    names = {"scratch": "fresh", "attention=identity": "pretrained"}
    runs = [fine_tuning_run("haystack", start, "smoke", seed) for start in names for seed in (0, 1)]
    both = ended(runs, lambda run: 0.9 if run.donors else 0.1)
    figure = draw_groups({"all": both, "fresh ones": both.of("scratch")}, names)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words[:5] == ["all", "fresh", "10 %  (n = 2)", "pretrained", "90 %  (n = 2)"]
    assert words[5:8] == ["fresh ones", "fresh", "10 %  (n = 2)"]
    assert set(figure.procmod_data.group) == {"all", "fresh ones"}
    assert draw_groups({"none": both.of("mlp=set")}, names) is None


def test_rows_of_a_diagnostic_without_chance_have_no_line_of_it():
    runs = [fine_tuning_run("addition", "scratch", "smoke", seed) for seed in (0, 1)]
    figure = ended(runs, lambda run: 0.5).draw_rows({"scratch": "fresh"})
    assert [text.get_text() for text in figure.axes[0].texts] == ["fresh", "50 %  (n = 2)"]
    assert not [line for line in figure.axes[0].lines if line.get_linestyle() == ":"]


def test_responses_to_noise_start_at_the_plain_transfer():
    scores = {"scratch": [0.1] * 3, "mlp=set": [0.8] * 3, "mlp=set noise=0.1": [0.4] * 3}
    rows = table(scores)
    line = figures.draw_doses(statistics.noise_responses(rows), rows).axes[0].lines[0]
    assert list(line.get_xdata()) == [0, 0.1]
    assert list(line.get_ydata()) == pytest.approx([80, 40])
