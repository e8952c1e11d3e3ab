"""Where results come from is said of the process that began a run, too."""

import json

import pytest
from conftest import ensure_in, scores

from procmod_lib.experiments.grids import pretraining
from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.runs import fleet
from procmod_lib.runs.provenance import gone_on, provenance
from procmod_lib.runs.store import Store

RUN = fine_tuning_run("haystack", "scratch", "smoke", 0, steps=60)


@pytest.mark.parametrize(
    "begun, now, dirty",
    [
        (False, False, False),
        (True, False, True),
        (False, True, True),
        (None, False, None),
        (True, None, True),
    ],
)
def test_a_run_is_dirty_where_either_process_was(begun, now, dirty):
    first, second = {"commit": "a", "dirty": begun}, {"commit": "b", "dirty": now}
    facts = gone_on(first, second)
    assert facts["dirty"] is dirty
    assert facts["begun"] == first
    assert gone_on(second, second) == second


def test_the_record_of_a_run_resumed_often_stays_the_same():
    first, second = {"commit": "a", "dirty": False}, {"commit": "b", "dirty": False}
    once = gone_on(first, second)
    assert gone_on(gone_on(once, second), second) == once
    third = gone_on(once, {"commit": "c", "dirty": False})
    assert third == {"commit": "c", "dirty": False, "begun": first}


def stopped_after(store, monkeypatch, step):
    """Begin the run and stop it; its checkpoint stays."""

    class Enough(Exception):
        pass

    after_step = fleet.Fleet._after_step

    def then_stop(self, state):
        after_step(self, state)
        if state.step >= step:
            self._checkpoint(state)
            raise Enough

    with monkeypatch.context() as patch:
        patch.setattr(fleet.Fleet, "_after_step", then_stop)
        patch.setattr(fleet, "CHECKPOINT_SECONDS", 1e9)
        with pytest.raises(Exception, match="Enough"):
            ensure_in(store, [RUN])


def test_a_run_that_uncommitted_code_began_is_not_clean(tmp_path, monkeypatch):
    store, expected = Store(tmp_path, None), scores(ensure_in(Store(tmp_path / "b", None), [RUN]))
    begun = provenance("cpu") | {"dirty": True, "commit": "before"}
    with monkeypatch.context() as patch:
        patch.setattr(fleet, "provenance", lambda device: begun)
        stopped_after(store, monkeypatch, 30)
    _, metadata = store.checkpoint(RUN.key)
    assert json.loads(metadata["facts"]) == begun
    patched = provenance("cpu") | {"dirty": False}
    monkeypatch.setattr(fleet, "provenance", lambda device: patched)
    table = ensure_in(store, [RUN])
    origin = store.origin(table.provenance.iloc[0])
    assert origin["dirty"] is True
    assert origin["begun"]["commit"] == "before"
    assert scores(table).equals(expected)


@pytest.mark.parametrize("engine, is_another", [("torch", True), ("kernel", False)])
def test_a_run_that_another_engine_began_is_begun_anew(tmp_path, monkeypatch, engine, is_another):
    """By whatever name the engine is asked for: auto takes the kernel here."""
    store = Store(tmp_path, None)
    stopped_after(store, monkeypatch, 30)
    first_steps = []
    after_step = fleet.Fleet._after_step

    def noted(self, state):
        first_steps.append(state.step)
        after_step(self, state)

    monkeypatch.setattr(fleet.Fleet, "_after_step", noted)
    ensure_in(store, [RUN], engine=engine)
    assert first_steps[0] == 1 if is_another else first_steps[0] > 30


def test_a_run_that_is_named_twice_is_trained_and_counted_once(tmp_path):
    store = Store(tmp_path, None)
    once = scores(ensure_in(Store(tmp_path / "b", None), [RUN]))
    assert scores(ensure_in(store, [RUN, RUN])).equals(once)
    assert store.missing([RUN, RUN]) == []
    assert len({run.key for run in pretraining("smoke", settings="better,large_rate")}) == len(
        pretraining("smoke", settings="better,large_rate")
    )
