"""The grids: what each parameter names is what changes, arms are paired."""

from dataclasses import replace

import pytest

from procmod_lib.cli import main
from procmod_lib.experiments import grids
from procmod_lib.experiments.conditions import PERTURBATIONS, SHAPES, SIX
from procmod_lib.experiments.grids import (
    answer_masks,
    by_hand,
    composition,
    inside,
    localisation,
    perturbation,
    pretraining,
    selective_transfer,
)
from procmod_lib.experiments.make_runs import fine_tuning_run, pretraining_run
from procmod_lib.experiments.presets import PRESETS
from procmod_lib.initial import parse
from procmod_lib.initial.words import WORDS


def conditions(runs):
    return list(dict.fromkeys(str(r.condition) for r in runs))


def shape(arch):
    return arch.layers, arch.heads, arch.width


def test_selective_transfer_is_every_source_mode_and_seed():
    runs = selective_transfer(
        "paper", SIX, ["haystack", "addition", "reversed_addition", "sorting"]
    )
    assert len(runs) == 4 * (1 + 6 * 3) * 10 == len({r.key for r in runs})
    assert all(
        len({d.seed for _, d in r.donors}) <= 1 and all(d.seed == r.seed for _, d in r.donors)
        for r in runs
    )
    assert {shape(r.arch) for r in runs} == {(2, 4, 16)}
    assert {(r.budget.steps, r.budget.batch) for r in runs} == {(10_000, 1000)}


def test_the_paper_preset_is_the_protocol():
    run = selective_transfer("paper", diagnostics=["multiplication"])[1]
    assert shape(run.arch) == (4, 8, 512)
    assert (run.budget.batch, run.budget.steps) == (64, 156_250)
    assert shape(run.donors[0][1].arch) == (4, 8, 512)
    language = selective_transfer(
        "paper", diagnostics=["language_modeling"], initial_conditions=["scratch"]
    )[0]
    assert (language.task.length, language.budget.lr, language.budget.weight_decay) == (
        512,
        6e-4,
        0.1,
    )
    budget = PRESETS["paper"].fine_tuning
    assert (
        budget.lr,
        budget.weight_decay,
        budget.warmup,
        budget.clip,
        budget.test_samples,
        budget.dropout,
    ) == (1e-3, 1e-3, 500, 1.0, 4000, 0)


def test_the_small_preset_is_standard_with_fewer_pairs_and_steps_and_more_seeds():
    small, standard = (
        selective_transfer(preset, initial_conditions=["attention"], seeds=1)[0]
        for preset in ("small", "standard")
    )
    assert small.donors[0][1].key == standard.donors[0][1].key
    assert small.task == standard.task.with_(pairs=10)
    assert replace(small.budget, steps=10_000, evaluate_every=250) == standard.budget
    assert PRESETS["small"].seeds == 16


def test_perturbations_of_each_transfer():
    runs = perturbation("smoke", "attention=identity,mlp=set", "shuffle,noise=0.05")
    assert conditions(runs) == [
        "scratch",
        "attention=identity",
        "attention=identity shuffle",
        "attention=identity noise=0.05",
        "mlp=set",
        "mlp=set shuffle",
        "mlp=set noise=0.05",
    ]
    assert len(conditions(perturbation("smoke"))) == 2 + len(PERTURBATIONS) // 2
    assert len(conditions(perturbation("standard"))) == 2 + len(PERTURBATIONS)


def test_pieces_are_the_layers_and_heads_of_the_small_model():
    run = localisation("small", seeds=1)[1]
    assert conditions(localisation("small"))[2:] == [
        str(parse(f"attention=identity {piece}")) for piece in grids.PIECES
    ]
    heads = {f"head={i}.{j}" for i in range(run.arch.layers) for j in range(run.arch.heads)}
    assert set(grids.PIECES) == heads | {f"layer={i}" for i in range(run.arch.layers)} | {
        "freeze=attention",
        "head=1.0 random_donor",
    }
    assert conditions(localisation("smoke", "mlp=set", "layer=1,freeze=mlp")) == [
        "scratch",
        "mlp=set",
        "mlp=set layer=1",
        "mlp=set freeze=mlp",
    ]


def test_a_source_of_another_shape_is_pretrained_in_it():
    plain, other = (
        fine_tuning_run("haystack", f"attention=identity{words}", "smoke", 0)
        for words in ("", " shape=1_2_8")
    )
    assert shape(other.donors[0][1].arch) == (1, 2, 8)
    assert shape(other.arch) == shape(plain.arch) == (2, 4, 16)
    for word in SHAPES:
        donor = (
            fine_tuning_run("haystack", f"attention=identity {word}", "small", 0).donors[0][1].arch
        )
        assert donor.width // donor.heads == 4
        assert word == f"shape={donor.shape}"
    with pytest.raises(ValueError, match="the width a multiple of heads"):
        fine_tuning_run("haystack", "attention=identity shape=1_3_8", "smoke", 0)


@pytest.mark.parametrize("piece", ["layer=2", "head=2.0", "head=0.4"])
def test_a_layer_or_head_that_is_not_there_is_refused_before_any_work(piece):
    with pytest.raises(
        ValueError, match=f"attention=identity {piece}': layer must be below 2 and head below 4"
    ):
        localisation("smoke", pieces=[piece])


def test_compositions_are_all_ordered_pairs():
    runs = composition("smoke", SIX, SIX, seeds=1)
    assert len(runs) == 1 + 6 + 6 + 36
    assert "attention=set mlp=eca" in conditions(runs)
    assert "attention=eca mlp=set" in conditions(runs)
    mixed = [c for c in conditions(composition("smoke", SIX, SIX, mixtures=True)) if "+" in c]
    assert len(mixed) == 10
    assert "full=dyck+identity" in mixed
    assert not any("eca" in c for c in mixed)
    together = next(
        r
        for r in composition("smoke", ["set"], ["stack"], mixtures=True)
        if "+" in str(r.condition)
    )
    assert together.donors[0][1].task.name == "set+stack"
    for preset, names, steps, batch in (
        ("quick", "identity+set", 2000, 256),
        ("quick", "dyck+identity", 4000, 256),
        ("small", "set+stack", 24_000, 256),
        ("standard", "dyck+identity", 8000, 256),
        ("standard", "dyck+dyck_shuffle", 8000, 64),
    ):  # as long as the part that needs fewer steps, in the larger batches
        budget = pretraining_run(names, preset, 0).budget
        assert (budget.steps, budget.batch) == (steps, batch), names
    for attention, mlp in (("identity", "set@1"), ("identity", "identity"), ("set", "eca")):
        runs = composition("smoke", attention, mlp, mixtures=True, seeds=1)
        assert not any("+" in c for c in conditions(runs)), (attention, mlp)


def test_a_source_of_a_later_seed_is_another_pretrained_model():
    run = selective_transfer(
        "smoke", initial_conditions="attention=identity mlp=identity@1", seeds=2
    )[1]
    assert [(name, donor.seed, donor.task.name) for name, donor in run.donors] == [
        ("identity", 1, "identity"),
        ("identity@1", 2, "identity"),
    ]
    assert run.donors[1][1] == pretraining_run("identity", "smoke", 2)
    assert run.condition.label.endswith("MLPs Identity of another seed")
    with pytest.raises(ValueError, match="must be one of"):
        selective_transfer("smoke", initial_conditions="mlp=identity@one")


def test_masks_share_all_but_the_mask():
    one, other = answer_masks("smoke", seeds=1)
    assert one.key != other.key
    assert {k for k in one.spec() if one.spec()[k] != other.spec()[k]} == {"answer_mask"}


@pytest.mark.parametrize(
    "grid, bad, words",
    [
        (perturbation, dict(transfers="scratch"), "transfers must name what is copied"),
        (perturbation, dict(perturbations="blur"), "perturbations: initial_condition"),
        (perturbation, dict(perturbations="blur"), "'blur' is not understood"),
        (perturbation, dict(transfers="atention=set"), "transfers: initial_condition"),
        (localisation, dict(pieces="head=0"), "pieces: initial_condition"),
        (inside, dict(starts="blur"), "starts: initial_condition 'blur'"),
        (by_hand, dict(recipes="blur"), "recipes: initial_condition 'blur'"),
        (selective_transfer, dict(initial_conditions="blur"), "initial_conditions: initial_"),
        (composition, dict(attention="music"), "attention must be one of"),
        (composition, dict(mlp=[]), "mlp must be a list"),
        (composition, dict(mixtures=1), "mixtures must be True or False"),
        (by_hand, dict(pairs=6), "pairs must be at most 5 at preset smoke, got 6"),
        (pretraining, dict(settings="fast"), "settings must be one of large_rate, released"),
        (selective_transfer, dict(lr=0), "lr must be a number above 0"),
        (selective_transfer, dict(lr="fast"), "lr must be a number above 0"),
        (
            selective_transfer,
            dict(settings="fast"),
            "settings must be one of large_rate, released, one_length, curriculum",
        ),
        (
            selective_transfer,
            dict(sources="dyck", settings="one_length"),
            "settings must not be one_length for dyck",
        ),
        (answer_masks, dict(diagnostics="spelling"), "diagnostics must be one of"),
        (selective_transfer, dict(answer_mask="half"), "answer_mask must be one of"),
        (selective_transfer, dict(sources="set+stack+dyck"), "sources must be one of"),
        (selective_transfer, dict(sources="set+set"), "must mix two different sources"),
        (selective_transfer, dict(initial_conditions="full=set@0"), "must be one of"),
        (selective_transfer, dict(initial_conditions="full=set+music"), "must be one of"),
    ],
)
def test_bad_values_are_named(grid, bad, words):
    with pytest.raises(ValueError) as error:
        grid("smoke", **bad)
    assert words in str(error.value)


def test_command_line_knows_each_grids_parameters(tmp_path, capsys):
    store = ["--store", str(tmp_path / "s")]
    words = [
        "status",
        "composition",
        "--preset",
        "smoke",
        "--attention",
        "set",
        "--mlp",
        "stack",
        "--mixtures",
    ]
    assert main([*words, *store]) == 0
    said = capsys.readouterr().out
    assert "attention=set mlp=stack" in said
    assert "full=set+stack" in said
    with pytest.raises(SystemExit):
        main(["status", "perturbation", "--attention", "set", *store])
    assert "unrecognized arguments: --attention set" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["sweep", "perturbation", "--help"])
    said = capsys.readouterr().out
    assert "--transfers" in said
    assert "--mixtures" not in said


def test_by_hand_is_scratch_and_every_recipe():
    assert conditions(by_hand("smoke", "loud=0.3 head=1.0")) == ["scratch", "loud=0.3 head=1.0"]
    runs = by_hand("smoke", "loud=0.3 head=1.0", model="4_4_32", seeds=1)
    assert {shape(run.arch) for run in runs} == {(4, 4, 32)}
    with pytest.raises(ValueError, match="recipes must be written by hand"):
        by_hand("smoke", "attention=identity")
    with pytest.raises(ValueError, match="layer must be below 1"):
        by_hand("smoke", "loud=0.3 head=1.0", model="1_4_16")


def test_every_word_of_initial_conditions_is_explained_in_the_shell(capsys):
    assert main(["words"]) == 0
    lines = capsys.readouterr().out.splitlines()
    explained = {line[:20].strip().partition("=")[0]: line[20:].strip() for line in lines}
    assert set(explained) == set(WORDS)
    assert all(len(about) > 15 and about.endswith(".") for about in explained.values())


def test_by_hand_takes_other_numbers_of_pairs_and_a_source_as_its_target():
    sixty = by_hand("standard", seeds=1, pairs=60)[0]
    assert (sixty.task.pairs, sixty.arch.positions) == (60, sixty.task.length)
    assert sixty.budget == by_hand("standard", seeds=1)[0].budget
    brackets = by_hand("standard", diagnostics=["dyck"], seeds=1)[0]
    assert (brackets.task.name, brackets.budget.batch, brackets.budget.steps) == (
        "dyck",
        64,
        10_000,
    )
    with pytest.raises(ValueError, match="pairs must be a whole number above 0, got 0"):
        by_hand("small", pairs=0)
    with pytest.raises(ValueError, match="pairs must be at most 64 at preset small, got 70"):
        by_hand("small", pairs=70)


@pytest.mark.parametrize("diagnostic", ["language_modeling", "multiplication"])
def test_a_smaller_preset_is_not_more_work(diagnostic):
    runs = [fine_tuning_run(diagnostic, "scratch", preset, 0) for preset in ("small", "standard")]
    small, standard = (run.budget.steps * run.budget.batch * run.task.length for run in runs)
    assert small <= standard
