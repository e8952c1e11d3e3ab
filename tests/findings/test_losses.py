"""Loss early and late, on numbers that fit in the head."""

import pandas as pd
from tables import without_one

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.findings import losses
from procmod_lib.report.section import Section

STARTS = {"scratch": (5.0, 4.0), "full=identity": (4.8, 4.1), "loud=0.3 head=1.0": (5.0, 4.0)}


def section(seeds=6):
    runs, rows = [], []
    for start, ends in STARTS.items():
        for seed in range(seeds):
            run = fine_tuning_run("language_modeling", start, "standard", seed)
            runs.append(run)
            for step, loss in zip((250, 2000), ends, strict=True):
                cell = (run.key, step, "language_modeling", start, seed, loss, "complete")
                rows.append(cell)
    names = ["key", "step", "diagnostic", "initial_condition", "seed", "loss", "status"]
    return Section(runs, pd.DataFrame(rows, columns=names), None)


def test_a_start_may_help_early_and_harm_late():
    lines = losses.losses_table(section()).data.splitlines()
    assert lines[2].startswith("| no pretraining | n = 6: 5.000 (5.000 to 5.000) |  | n = 6: 4.000")
    assert "| **-0.200 (-0.200 to -0.200)** |" in lines[3]
    assert lines[3].endswith("| **+0.100 (+0.100 to +0.100)** |")
    assert lines[4].endswith("| +0.000 (+0.000 to +0.000) |")


def test_starts_are_judged_once_all_have_their_seeds():
    found = section()
    lines = losses.judged(found).data.splitlines()
    assert lines[0] == "- Help after 250 steps: full transfer from Identity."
    assert lines[1] == "- Help at the end: none."
    assert lines[2] == "- Harm at the end: full transfer from Identity."
    said = losses.judged(without_one(found)).data
    assert said == "Open: 2 of 2 starts that were begun have 6 seeds."
    nothing = Section(found.runs, found.table.iloc[:0], None)
    assert losses.judged(nothing).data.startswith("Open: 0 of 0 starts")


def test_few_seeds_are_not_told_from_zero():
    assert "**" not in losses.losses_table(section(seeds=4)).data


def test_text_alone_has_a_row_a_number_of_steps():
    alone = section().of("scratch")
    table = losses.longer_table({"2,000 steps": alone}).data
    assert "| 2,000 steps | 6 | 4.000 | 4.000 to 4.000 |" in table
    nothing = Section(alone.runs, alone.table.iloc[:0], None)
    table = losses.longer_table({"2,000 steps": alone, "9,500 steps": nothing}).data
    assert "| 9,500 steps | 0 | not yet measured |" in table


def test_starts_are_named_by_those_that_do_not_where_most_do():
    told = {"full=identity": True, "full=set": True, "full=eca": True, "mlp=eca": False}
    assert (
        losses._names(told, list(told), helps=True)
        == "all 4 starts but MLPs only from ECA rule 110"
    )
    assert losses._names(told, list(told)[:3], helps=True) == "all 3 starts"
    assert losses._names(told, list(told), helps=False) == "MLPs only from ECA rule 110"
