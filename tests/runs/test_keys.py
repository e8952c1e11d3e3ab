"""Published keys stay: each is recomputed from its spec, through the objects of today."""

import json
import re

from conftest import ROOT

from procmod_lib.initial import parse
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs import packs
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.run import Run
from procmod_lib.tasks import SOURCES, Mixture, make_task

(TABLE,) = packs.rows(ROOT / "book" / "results", {}, set())[0]
TABLE = TABLE.drop_duplicates("key")
SPECS = {row.key: json.loads(row.spec) for row in TABLE.itertuples()}


def task_of(spec):
    """The task that a spec describes."""
    if "+" in spec["task"]:
        return Mixture(task_of(spec["first"]), task_of(spec["second"]))
    return make_task(
        spec["task"], **{name: value for name, value in spec.items() if name != "task"}
    )


def run_of(key):
    """The run that a published spec describes, donors included."""
    spec = SPECS[key]
    donors = tuple((name, run_of(donor)) for name, donor in spec["donors"].items())
    arch, budget = Architecture(**spec["architecture"]), Budget(**spec["budget"])
    condition = parse(spec["initial_condition"])
    return Run(
        task_of(spec["task"]), arch, budget, spec["seed"], condition, donors, spec["answer_mask"]
    )


def test_every_published_key_is_what_its_spec_gives_today():
    changed = [key for key in SPECS if run_of(key).key != key]
    assert len(SPECS) >= 7000
    assert changed == []


def test_every_published_condition_prints_as_it_was_written():
    texts = {spec["initial_condition"] for spec in SPECS.values()}
    assert len(texts) >= 133
    assert {text for text in texts if str(parse(text)) != text} == set()
    sources = {source for text in texts for source in parse(text).sources}
    names = {name for source in sources for name in re.split("[+>]", source.partition("@")[0])}
    assert names <= set(SOURCES)
