"""Random numbers in place of learnt attention are judged by their rules: size, draw, layer."""

import pytest
from tables import carried, ended

from procmod_lib.experiments import each_head
from procmod_lib.experiments.conditions import RECIPE
from procmod_lib.experiments.grids import selective_transfer
from procmod_lib.findings import random_starts
from procmod_lib.report.tables import NOT_YET


@pytest.mark.parametrize(
    "whole, within, said",
    [
        (8, 2, "it is what a shuffle over whole tensors does to the last layer"),
        (2, 0, "it takes the first layer's shuffle too"),
        (7, 2, "undecided"),
        (8, 3, "undecided"),
        (8, None, "open, runs are missing"),
    ],
)
def test_which_layer_follows_its_rule(whole, within, said):
    counts = {
        each_head.LAYERS["as learnt", "shuffled"]: whole,
        each_head.LAYERS["as learnt", "shuffled within each head"]: within,
    }
    assert f"The last layer beside the first as learnt: **{said}**." in layers_told(counts)


def layers_told(counts):
    """The table of layers, its starts carrying in so many of their first seeds."""
    return random_starts.layers_table(carried(each_head.by_layer(), counts)).data


@pytest.mark.parametrize(
    "first, last, name, words",
    [
        (
            "fresh",
            "shuffled",
            "The last layer shuffled, alone",
            [
                "the learnt first layer keeps the shuffled last one from carrying",
                "the shuffled last layer needs the shuffled first one",
            ],
        ),
        (
            "shuffled",
            "as learnt",
            "The first layer shuffled",
            [
                "the learnt last layer carries beside a shuffled first one",
                "the learnt last layer does not carry beside a shuffled first one",
            ],
        ),
        (
            "fresh",
            "shuffled within each head",
            "The last layer shuffled within each head, alone",
            ["sizes are enough", "sizes are not enough"],
        ),
    ],
)
def test_each_layer_is_judged_by_itself(first, last, name, words):
    start = each_head.LAYERS[first, last]
    carries, carries_not = words
    said = {8: carries, 2: carries_not, 5: "open", None: "open, runs are missing"}
    for count, word in said.items():
        assert f"- {name}: **{word}**." in layers_told({start: count})


@pytest.mark.parametrize(
    "start, name, words",
    [
        (
            "attention=identity shuffle each_head even",
            "Random numbers",
            {
                8: "even sizes are what lets random numbers carry",
                2: "even sizes are not it",
            },
        ),
        (
            "attention=identity even",
            "What was learnt",
            {8: "it carries at even sizes too", 2: "it does not carry at even sizes"},
        ),
    ],
)
def test_even_sizes_are_judged_by_themselves(start, name, words):
    for count, said in (words | {7: "open", None: "open, runs are missing"}).items():
        text = random_starts.even_table(carried(each_head.even(), {start: count})).data
        assert f"- {name}: **{said}**." in text


def test_the_table_of_layers_says_what_was_not_asked():
    rows = layers_told({each_head.BOTH: 7}).splitlines()
    assert rows[2] == f"| as learnt | 7 of 10 (40 to 89 %): open | {NOT_YET} | {NOT_YET} |"
    assert rows[3].endswith("| not asked |")


def test_the_numbers_of_a_start_are_the_mean_over_its_models():
    """Of starts that need no store."""
    runs = selective_transfer("smoke", initial_conditions=["scratch", RECIPE], seeds=2)
    rows = random_starts.numbers_table(ended(runs, lambda run: 0.2)).data.splitlines()[2:]
    tokens, write = zip(*(row.strip("| ").split(" | ")[1:] for row in rows), strict=True)
    assert tokens == ("0.98", "0.98")
    assert float(write[1]) > 100 * float(write[0])
