"""What the chapter on settings says of its models: from rows made up here, and from runs."""

import numpy as np
import pandas as pd
import pytest
from tables import Bare, ended, without_one

from procmod_lib.experiments import conditions, ranked, specification
from procmod_lib.experiments.specification import Setting
from procmod_lib.findings import curricula, specified, telling
from procmod_lib.report.section import Section
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.store import Store
from procmod_lib.runs.sweep import ensure

CLOSEST, LOUD = Setting(), Setting(rate=1e-2)


@pytest.fixture
def two_settings(monkeypatch):
    """As if the two settings made up here were all."""
    for module in (specified, telling):
        monkeypatch.setattr(module, "HOW_MANY", 2)
    monkeypatch.setattr(telling, "FEWEST_SETTINGS", 2)


def models(last_of_loud=8, seeds=8):
    """Two settings that learn their source; with the large rate the first layer is loud."""
    rows = []
    for setting, size, both, last in ((CLOSEST, 0.1, 6, 8), (LOUD, 0.4, 1, last_of_loud)):
        for seed in range(seeds):
            accuracies = [0.99 if seed < many else 0.3 for many in (both, last, both)]
            first = size * (1 if seed < both else 2)
            rows.append([setting, seed, 0.98 - 0.01 * seed, True, first, 0.4, *accuracies])
    return pd.DataFrame(rows, columns=specified.COLUMNS)


def test_settings_are_counted_and_put_in_order():
    rows = specified.by_setting(models().iloc[::-1])
    assert list(rows.setting) == [CLOSEST, LOUD]
    assert list(rows.both) == [6, 1]
    assert list(rows["last"]) == [8, 8]
    assert list(rows.n) == [8, 8]
    assert rows.first_size.tolist() == pytest.approx([0.1, 0.8])
    table = specified.settings_table(rows).data
    assert "| the closest replication | 8 | " in table
    assert "6 of 8 (41 to 93 %)" in table
    assert "| rate 0.01 | 8 | " in table
    base = specified.described_base().data
    assert "replication: rate 0.0001, lengths: fixed, lists of 20 of 21 ids, repeats yes" in base
    factors = specified.factors_table(rows).data
    assert "| dropout: 0.1 | 2 | 7 of 16 (1 to 6 in a setting) | 16 of 16 (8 to 8 in" in factors
    learnt = specified.learning_table(models()).data.splitlines()[2:]
    assert learnt == ["| learnt | 16 | 7 of 16 | 16 of 16 | 7 of 16 |"]
    grown = models().assign(setting=Setting(lengths="curriculum"), learnt=False)
    unlearnt = specified.learning_table(pd.concat([grown, models().assign(learnt=False)])).data
    assert unlearnt.splitlines()[2].startswith("| not learnt, with a curriculum | 16 | 7 of 16 |")
    assert unlearnt.splitlines()[3].startswith("| not learnt, without | 16 | 7 of 16 |")
    said = specified.answer(models())
    assert said.startswith("Not known yet: 2 of 31 settings have all 8 models, 2 have some. So far")
    assert "from the last layer's attention alone 16 of 16, from the attention of both" in said
    assert said.endswith("layers 7 of 16, from the whole model 7 of 16.")
    assert specified.how_sure(rows).startswith("2 of 31 settings have all 8 models, each ")
    assert "(n = 16 models in all)" in specified.how_sure(rows)


class Scores:
    """A store that holds what settings scored: {setting: accuracies by seed}."""

    def __init__(self, scores):
        self.scores, self.unknown = scores, []

    def missing(self, runs):
        return self.unknown

    def load(self, runs):
        ends = [self.scores[specification.setting_of(run)][run.seed] for run in runs]
        return pd.DataFrame({"key": [r.key for r in runs], "step": 1, "token_accuracy": ends})


def test_the_best_and_the_worst_run_again():
    settings = [Setting(steps=steps) for steps in range(1, 9)]
    successes = [2, 0, 1, 2, 0, 1, 0, 2]  # of two; among equals the lower steps score higher
    scores = {
        setting: [0.95 if seed < many else 0.5 - 0.01 * setting.steps for seed in range(2)]
        for setting, many in zip(settings, successes, strict=True)
    }
    scores[settings[7]] = [0.91, 0.91]
    scores[settings[3]] = [1.0, 1.0]
    runs = [run for s in settings for run in specification.transfers(s, seeds=range(2))]
    store = Scores(scores)
    assert [s.steps for s in ranked.best_and_worst(store, runs)] == [4, 1, 8, 2, 5, 7]
    store.unknown = runs[:1]
    assert ranked.best_and_worst(store, runs) == []
    store.unknown, whole = [], store.load
    store.load = lambda asked: whole(asked).iloc[
        1:
    ]  # a damaged file has the name of a finished run
    assert ranked.best_and_worst(store, runs) == []


def test_a_setting_carries_with_six_of_eight():
    scores = {Setting(steps=many): [0.95] * many + [0.2] * (8 - many) for many in (5, 6, 8)}
    runs = [run for setting in scores for run in specification.transfers(setting)]
    store = Scores(scores)
    assert [setting.steps for setting in ranked.carrying(store, runs)] == [8, 6]
    store.unknown = runs[:1]
    assert ranked.carrying(store, runs) == []


def test_what_runs_again_is_the_full_protocol_from_the_same_models(monkeypatch):
    monkeypatch.setattr(ranked, "best_and_worst", lambda store: [CLOSEST, LOUD])
    runs = ranked.again(None)
    assert len(runs) == 2 * 3 * specification.SEEDS
    assert {str(run.condition) for run in runs[:16]} == {conditions.BOTH}
    assert {run.task.pairs for run in runs} == {30}
    before = {run.donors[0][1].key for s in (CLOSEST, LOUD) for run in specification.transfers(s)}
    assert {run.donors[0][1].key for run in runs} == before
    ends = ended(runs[:16], lambda run: 0.92).table
    told = telling.best_again_told(Section(runs, ends, None))
    assert told.startswith("With 30 pairs the first 2 with 10 succeed in 8, 8 of 8 runs, ")
    assert "the first ends at 92.0 % (" in told
    whole = [run for run in runs if str(run.condition) == conditions.WHOLE]
    risen = [
        dict(key=run.key, step=step, status="complete", diagnostic="haystack", seed=run.seed)
        | dict(initial_condition=str(run.condition), token_accuracy=accuracy)
        for run in whole
        for step, accuracy in ((3000, 0.95 if run.seed < 2 else 0.5), (3500, 0.91))
    ]
    said = telling.whole_again_told(Section(runs, pd.DataFrame(risen), None)).data
    assert "of 8 each, in that order: 2, 2 after 3,000 steps" in said
    assert said.endswith("; 8, 8 after 10,000.")
    assert telling.whole_again_told(Section(runs, ends.head(0), None)).data == "Not yet measured."
    assert telling.best_again_told(Section(runs, ends.head(15), None)) == ""
    assert telling.best_again_told(Section([], ends.head(0), None)) == ""


@pytest.mark.parametrize(
    ("of_loud", "word", "new"), [(0, "It holds", 0), (6, "It does not hold", 1)]
)
def test_what_carries_at_the_full_protocol(monkeypatch, of_loud, word, new):
    monkeypatch.setattr(ranked, "best_and_worst", lambda store: [CLOSEST, LOUD])
    runs, ten_pairs = ranked.again(None), specified.by_setting(models())
    successes = {(CLOSEST, conditions.BOTH): 6, (CLOSEST, conditions.LAST): 5}
    successes[LOUD, conditions.BOTH] = of_loud

    def end(run):
        many = successes.get((specification.setting_of(run), str(run.condition)), 0)
        return 0.9 if run.seed < many else 0.8

    section = ended(runs, end, Bare())
    judged = telling.full_protocol_judged(ten_pairs, section).data
    assert judged.startswith(f"**{word}**. Of the 2 rows that do not carry with 10 pairs, {new} ")
    assert judged.endswith("Of the 4 that do, 1 carry with 30 too (n = 8 models a row).")
    partial = without_one(section)
    assert telling.full_protocol_judged(ten_pairs, partial).data == "Not yet measured."


def test_the_answer_when_all_settings_are_there(two_settings):
    said = specified.answer(models())
    assert said.startswith("Yes. The attention of both layers carries 10 pairs from 1 of 2 pre")
    assert "trainings, 0 of them with a curriculum; the last layer alone from 2; the whole" in said
    assert said.endswith("both layers carry from 1, the last alone from 2.")


def test_expectations_are_counted_once_none_is_open():
    held, failed = (
        telling.Expectation("It holds.", True),
        telling.Expectation("It does not.", False),
    )
    said = "Of 3 expectations fixed before,"
    assert telling.expectations_told(held, failed, held) == f"{said} 2 held."
    assert telling.expectations_told(failed, failed, failed) == f"{said} none held."
    assert telling.expectations_told(held, telling.Expectation("Not yet measured."), held) == ""


def test_the_last_layer_is_judged_when_all_settings_have_all_seeds(two_settings):
    held = telling.last_layer_judged(specified.by_setting(models())).data
    assert held.startswith("**It does**: settings whose source is learnt by at least 6 of 8")
    assert held.endswith("models: 2, with fewer than 6 successes: 0.")
    assert telling.last_layer_judged(specified.by_setting(models())).holds is True
    broken = telling.last_layer_judged(specified.by_setting(models(last_of_loud=5))).data
    assert broken.startswith("**It does not**")
    assert telling.last_layer_judged(specified.by_setting(models(last_of_loud=5))).holds is False
    assert broken.endswith("with fewer than 6 successes: 1, rate 0.01 (5 of 8).")
    few = telling.last_layer_judged(specified.by_setting(models(seeds=7))).data
    assert few == "Open: 0 of 2 settings have all 8 seeds."
    few = telling.last_layer_judged(specified.by_setting(models(last_of_loud=5, seeds=7))).data
    assert few.endswith("all 8 seeds. Against it so far: rate 0.01 (5 of 7).")


def test_areas_and_their_interval(two_settings):
    values = np.array([0.1, 0.4, 0.35, 0.8])
    assert telling.area(values, np.array([False, False, True, True])) == 0.75
    assert np.isnan(telling.area(values, np.ones(4, bool)))
    rows = telling.areas(models()).set_index("number")
    assert rows.area["a quiet first layer"] > 0.9
    assert set(rows.n) == {16}
    difference = rows.area["a quiet first layer"] - rows.area["a high score on the source"]
    assert rows.area["quiet first layer less that of a high score"] == pytest.approx(difference)
    assert "n = 16 models" in telling.first_layer_judged(models()).data
    few = telling.first_layer_judged(models(seeds=7)).data
    assert few == "Open: 0 of 2 settings have all 8 seeds."


def test_few_settings_have_no_interval_and_no_verdict():
    assert not len(telling.areas(models()))
    assert telling.first_layer_judged(models()).data.startswith("Open: 2 of 31 settings")


def test_nothing_measured_is_said(tmp_path):
    nothing = specified.models_of(
        Section(specification.every()[:3], pd.DataFrame(), Store(tmp_path))
    )
    rows = specified.by_setting(nothing)
    assert specified.draw(nothing) is None
    assert specified.draw_sizes(nothing) is None
    for said in (
        specified.answer(nothing),
        specified.how_sure(rows),
        specified.settings_table(rows).data,
        specified.factors_table(rows).data,
        specified.learning_table(nothing).data,
        telling.areas_table(nothing).data,
    ):
        assert said == "Not yet measured."
    for said in (telling.last_layer_judged(rows), telling.first_layer_judged(nothing)):
        assert said.data == "Open: 0 of 31 settings have all 8 seeds."


def test_models_are_read_from_runs(tmp_path):
    store = Store(tmp_path, published=None)
    runs = specification.settings("smoke", "dropout,size", seeds=2)
    section = Section(runs, ensure(runs, store, Machine(workers=2)), store)
    found = specified.models_of(section)
    assert [s.changed for s in found.setting.unique()] == [
        {"steps": 20}, {"steps": 20, "dropout": 0.0}, {"steps": 20, "size": (64, 100)}
    ]  # fmt: skip
    assert list(found.seed) == [0, 1] * 3
    assert not found.isna().any().any()
    assert not found.learnt.any()
    assert found.first_size.between(0.01, 0.05).all()
    assert ranked.best_and_worst(store, runs) == list(specified.by_setting(found).setting)
    assert ranked.best_and_worst(store, [*runs, *specification.every()]) == []
    assert specified.draw(found) is not None
    assert specified.draw_sizes(found) is not None
    assert "lists of 64 of 100 ids" in specified.settings_table(specified.by_setting(found)).data


def test_models_of_a_curriculum_are_asked_for_shorter_lists(tmp_path):
    store = Store(tmp_path, published=None)
    runs = specification.settings("smoke", "lengths", seeds=2)
    section = Section(runs, ensure(runs, store, Machine(workers=2)), store)
    (line,) = curricula.copied_table(section).data.splitlines()[2:]
    assert line.startswith("| lengths: curriculum, steps 20 | 2 | ")
    run = next(r for r in runs if specification.setting_of(r).lengths == "curriculum")
    ((_, donor),) = run.donors
    monotone = [0.1, 0.3, 0.2]
    scored = iter(monotone + [0.0] * 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curricula.inside, "accuracy", lambda *asked: next(scored))
        assert curricula.best_length(donor, store.weights(donor)) == (4, 0.3)
    nothing = Section(runs, pd.DataFrame(), Store(tmp_path / "empty", None))
    assert curricula.copied_table(nothing).data == "Not yet measured."


def test_bad_values_are_named():
    with pytest.raises(ValueError, match="factors must be one of rate, lengths, size"):
        specification.settings("smoke", "colour")
    with pytest.raises(ValueError, match="factors must be of rate, lengths.* at preset quick"):
        specification.settings("quick", "rate,steps")
    assert specification.settings("small", "steps", seeds=1)
    with pytest.raises(ValueError, match="seeds must be a whole number above 0, got 0"):
        specification.settings("smoke", seeds=0)
