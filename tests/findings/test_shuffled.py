"""What a shuffle loses follows the rule that was fixed before."""

import pytest
from tables import ended

from procmod_lib.experiments import each_head
from procmod_lib.findings import shuffled
from procmod_lib.network import gpt2
from procmod_lib.network.inside import head_weights
from procmod_lib.report.tables import NOT_YET


def sections(successes):
    """Every case and number of pairs; each start carries in so many of its first seeds."""

    def end(run):
        change = "within" if run.condition["each_head"] else "shuffle"
        change = change if run.condition["shuffle"] else "learnt"
        return 0.95 if run.seed < successes[change] else 0.2 - 0.01 * run.seed

    return {
        (pairs, case): ended(each_head.runs(case, preset), end)
        for pairs, preset in each_head.PRESET_OF.items()
        for case in each_head.CASES
    }


@pytest.mark.parametrize(
    "within, ten, thirty",
    [
        (8, "**sizes are enough**, as expected", "**sizes are enough**, not as expected"),
        (3, "**open**, not as expected", "**open**, not as expected"),
        (2, "not enough**, not as expected", "**sizes are not enough**, as expected"),
    ],
)
def test_a_shuffle_within_each_head_is_judged_by_case(within, ten, thirty):
    found = sections({"learnt": 9, "shuffle": 1, "within": within})
    rows = shuffled.within_table(found).data.splitlines()[2:]
    assert len(rows) == 10
    assert rows[0].startswith("| both layers (closest, curriculum), 10 pairs")
    assert "| 9 of 10 (60 to 98 %): carries | 1 of 10" in rows[0]
    assert rows[0].endswith(f"{ten} |")
    assert rows[5].endswith(f"{thirty} |")
    assert rows[6].endswith(f"{ten} |")  # the released loop, of whose models any shuffle may carry


def test_sizes_are_lost_where_the_difference_shows():
    lines = shuffled.losses_told(sections({"learnt": 9, "shuffle": 0, "within": 10})).data
    assert lines.count("**loses sizes too**, +") == 10
    for fewer, word in (
        ({"shuffle": 5, "within": 5}, "not shown"),
        ({"shuffle": 10, "within": 0}, "the other way round"),
    ):
        lines = shuffled.losses_told(sections({"learnt": 9} | fewer)).data
        assert lines.count(f"**{word}**, ") == 10


def test_what_was_not_run_is_open():
    few = {
        key: ended(section.runs, lambda run: None)
        for key, section in sections({"learnt": 0, "shuffle": 0, "within": 0}).items()
    }
    rows = shuffled.within_table(few).data.splitlines()[2:]
    assert all(row.count(NOT_YET) == 3 and row.endswith("not yet measured |") for row in rows)
    assert shuffled.losses_told(few).data.count(": not yet measured.") == 10


@pytest.mark.parametrize(
    "biases, weights, said",
    [
        (2, 8, "it is the biases"),
        (8, 2, "it is the weights"),
        (3, 8, "undecided"),
        (2, 7, "undecided"),
        (8, 8, "undecided"),
        (2, None, "open, runs are missing"),
    ],
)
def test_biases_or_weights_follows_its_rule(biases, weights, said):
    successes = dict(zip(each_head.ONLY.values(), (1, biases, weights), strict=True))

    def end(run):
        count = successes[str(run.condition)]
        return None if count is None else 0.95 if run.seed < count else 0.2

    found = {pairs: ended(each_head.only(p), end) for pairs, p in each_head.PRESET_OF.items()}
    text = shuffled.only_table(found).data
    assert text.count(f"by the rule: **{said}**") == 2
    assert f"| biases alone | {biases} of 10" in text
    assert (f"| weights alone | {NOT_YET} |" in text) is (weights is None)


class Loud:
    """A store of fresh models, in the last layer of which the queries of head 2 are loud."""

    def weights(self, run):
        if run.seed == 9:
            return None
        flat = gpt2.fresh(run.arch, run.seed)
        head_weights(flat, run.arch, 1, 2)["query"][...] *= 10
        size = run.arch.width // run.arch.heads
        gpt2.views(flat, run.arch)["h.1.attn.c_attn.bias"][2 * size : 3 * size] = 0.5
        return flat


def test_heads_are_as_large_as_they_are():
    runs = each_head.only("small")
    rows = shuffled.head_sizes_table({"here": ended(runs, lambda run: None, Loud())}).data
    name, heads, queries, keys, *_ = rows.splitlines()[2].strip("| ").split(" | ")
    assert (name, heads) == ("here: weights", "36")
    assert queries.startswith("0.02 (0.0")
    assert float(queries.split(" to ")[1].strip(")")) > 0.15
    assert float(keys.split(" to ")[1].strip(")")) < 0.04
    biases = rows.splitlines()[3].strip("| ").split(" | ")
    assert biases[2:5] == ["0.00 (0.00 to 0.50)", "0.00 (0.00 to 0.00)", "0.00 (0.00 to 0.00)"]
    assert len(rows.splitlines()) == 4
