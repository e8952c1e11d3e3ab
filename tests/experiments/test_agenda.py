"""What the pages still lack is run in its order, within a time; a ladder is climbed by the rule."""

from dataclasses import replace

import numpy as np
import pytest

from procmod_lib.cli import agenda, main
from procmod_lib.experiments import ladder, settings, specification
from procmod_lib.experiments.agenda import AGENDA, Entry, Ranked
from procmod_lib.experiments.grids import by_hand, selective_transfer
from procmod_lib.experiments.make_runs import fine_tuning_run, pretraining_run
from procmod_lib.runs.keep import WEIGHTS
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.run import with_donors
from procmod_lib.runs.store import PUBLISHED, Failed, Store
from procmod_lib.runs.sweep import ensure


def test_every_entry_is_a_list_of_runs_of_its_own():
    assert len({entry.name for entry in AGENDA}) == len(AGENDA)
    store = Store(PUBLISHED)
    unranked = store.missing(specification.every())
    for entry in AGENDA:
        runs = entry.runs(store)
        assert runs or (isinstance(entry, Ranked) and unranked), entry.name
        assert all(run.preset in ("small", "standard") for run in runs), entry.name


def test_what_is_ranked_waits_for_the_runs_that_rank_it(small, monkeypatch, tmp_path, capsys):
    asked = Entry("curve", lambda: selective_transfer("smoke", "identity", seeds=1))

    def chosen(store):
        return [] if store.missing(asked.runs(store)) else small[0].make()

    later = Ranked("best", chosen)
    monkeypatch.setattr(agenda, "AGENDA", (asked, later))
    assert main(["agenda", "--plan", "--store", str(tmp_path)]) == 0
    assert "? missing, its settings are not ranked yet: best" in capsys.readouterr().out
    assert main(["agenda", "--store", str(tmp_path)]) == 0
    assert not Store(tmp_path).missing(later.runs(Store(tmp_path)))


def test_models_that_later_entries_transfer_keep_their_weights(monkeypatch, tmp_path):
    def sources():
        return [pretraining_run("identity", "smoke", 0), pretraining_run("set", "smoke", 0)]

    kept = Entry("kept", lambda: sources()[:1], keep=WEIGHTS)
    monkeypatch.setattr(agenda, "AGENDA", (kept, Entry("not kept", lambda: sources()[1:])))
    assert main(["agenda", "--store", str(tmp_path)]) == 0
    store = Store(tmp_path, None)
    assert [store.weights(run) is not None for run in sources()] == [True, False]
    asked = [entry.keep.weights for entry in AGENDA if "transferred" in entry.name]
    assert asked == [True]


@pytest.fixture
def small(monkeypatch):
    entries = (
        Entry("by hand", lambda: by_hand("smoke", seeds=1)),
        Entry("transfer", lambda: selective_transfer("smoke", seeds=1)),
    )
    monkeypatch.setattr(agenda, "AGENDA", entries)
    return entries


def test_a_source_after_another_goes_on_from_its_whole_model():
    run = pretraining_run("identity>set@2", "standard", 1)
    ((name, donor),) = run.donors
    assert (run.task.name, str(run.condition), run.seed) == ("set", "full=identity", 3)
    assert name == "identity"
    assert donor.key == pretraining_run("identity", "standard", 3).key
    assert run.budget == pretraining_run("set", "standard", 3).budget
    start = fine_tuning_run("haystack", "full=identity>set", "standard", 1)
    assert [run.task.name for run in with_donors([start])] == ["identity", "set", "haystack"]
    for wrong in ("identity>", "identity>set>eca", "identity>music", "identity+set>eca"):
        with pytest.raises(ValueError, match="source must be one of"):
            pretraining_run(wrong, "standard", 0)


def test_a_chain_of_sources_is_trained_from_nothing(tmp_path):
    store = Store(tmp_path, published=None)
    starts = ["full", "attention"]
    runs = selective_transfer("smoke", "identity>dyck_shuffle", initial_conditions=starts, seeds=1)
    table = ensure(runs, store, Machine(workers=1))
    assert set(table.key) == {run.key for run in runs}
    chained = store.weights(runs[0].donors[0][1])
    alone = pretraining_run("dyck_shuffle", "smoke", 0)
    ensure([alone], store, Machine(workers=1), keep=WEIGHTS)
    assert chained.shape == store.weights(alone).shape
    assert not np.allclose(chained, store.weights(alone))


def test_the_agenda_is_run_in_its_order_and_then_there_is_nothing_left(small, tmp_path, capsys):
    store = ["--store", str(tmp_path)]
    assert main(["agenda", "--plan", *store]) == 0
    plan = capsys.readouterr().out
    assert "    5 missing" in plan
    assert plan.index("by hand") < plan.index("transfer")
    assert plan.strip().endswith("minutes in all on this machine.")
    assert "ends here" not in plan
    assert main(["agenda", "--plan", "--time-budget", "0.001s", *store]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert "by hand" in first
    assert second.strip() == "a time budget of 1.66667e-05 minutes ends here"
    assert main(["agenda", *store]) == 0
    said = capsys.readouterr().out
    assert said.index("by hand: 5 runs are missing.") < said.index("transfer: 4 runs are missing.")
    assert main(["agenda", "--plan", *store]) == 0
    assert "    0 missing,    0.0 minutes in all" in capsys.readouterr().out
    assert main(["agenda", *store]) == 0
    assert "missing" not in capsys.readouterr().out


def test_a_plan_times_this_machine_and_no_cluster(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["agenda", "--plan", "--scheduler", "local:2", "--store", str(tmp_path)])
    assert stopped.value.code == 2
    assert "scheduler must not be given with --plan" in capsys.readouterr().err


def test_without_time_the_agenda_is_not_finished(small, tmp_path, capsys):
    assert main(["agenda", "--time-budget", "0.001s", "--store", str(tmp_path)]) == 3


def test_climbing_trains_pilots_until_the_rule_has_chosen(monkeypatch, tmp_path, capsys):
    tiny = replace(settings.CLOSEST, steps=3, test_samples=50, evaluate_every=3)
    monkeypatch.setattr(settings, "CLOSEST", tiny)
    monkeypatch.setattr(ladder, "LADDER", ((1e-4, 0.0), (1e-3, 0.0)))
    assert main(["climb", "dyck", "--store", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.count("not learnt\n") == 2
    assert "rate 0.001, dropout 0, lists fixed" in said
    assert said.endswith("dyck: not learnt on any rung\n")
    monkeypatch.setattr(ladder, "has_learnt", any_run)
    assert main(["climb", "dyck", "--store", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("dyck: rate 0.0001, dropout 0, one length\n")
    assert main(["climb", "dyck", "--time-budget", "0.001s", "--store", str(tmp_path / "x")]) == 3
    with pytest.raises(SystemExit) as stopped:
        main(["climb", "music", "--store", str(tmp_path)])
    assert stopped.value.code == 2
    assert "source must be one of" in capsys.readouterr().err


def any_run(run, table):
    return True


def test_a_run_that_fails_is_a_sentence_and_not_a_traceback(small, tmp_path, capsys, monkeypatch):
    def fail(*args, **kwargs):
        raise Failed("1 run failed: haystack")

    monkeypatch.setattr(agenda, "ensure", fail)
    assert main(["agenda", "--store", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "by hand: 1 run failed: haystack; transfer: 1 run failed: haystack\n" in said
    assert "Traceback" not in said


def test_a_section_that_fails_does_not_keep_the_next_from_being_run(
    small, tmp_path, capsys, monkeypatch
):
    def fail_first(runs, store, machine, **how):
        if runs[0].condition["loud"] or len(runs) == len(small[0].make()):
            raise Failed("1 run failed: haystack")
        return ensure(runs, store, machine)

    monkeypatch.setattr(agenda, "ensure", fail_first)
    assert main(["agenda", "--store", str(tmp_path)]) == 1
    store = Store(tmp_path)
    assert store.missing(small[0].make())
    assert not store.missing(small[1].make())
