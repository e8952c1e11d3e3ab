"""Writing a model as a folder that transformers loads."""

import argparse
import shlex
from importlib.util import find_spec
from pathlib import Path

from procmod_lib.cli.common import FINISHED, finish, open_store
from procmod_lib.experiments.make_runs import SMALL_MODEL, fine_tuning_run, pretraining_run
from procmod_lib.experiments.parameters import check_shape
from procmod_lib.experiments.presets import PRESETS
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs.fleet import initial_weights
from procmod_lib.runs.run import Run


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``export``."""
    parser.add_argument("folder", help="where to write; must not exist yet")
    parser.add_argument(
        "--start", help='an initial condition that a model starts from, such as "loud=0.3 head=1.0"'
    )
    parser.add_argument(
        "--diagnostic", help="with --start: whose shape the model has (default: haystack)"
    )
    parser.add_argument(
        "--source", help="in place of --start: a pretrained source, such as identity"
    )
    parser.add_argument(
        "--preset", default="standard", help=f"{', '.join(PRESETS)} (default: standard)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="layers_heads_width, such as 2_4_16")
    finish(parser, export)


def export(options) -> int:
    """Write a pretrained source, or the start of a model, as a ``save_pretrained`` folder."""
    if (options.start is None) == (options.source is None):
        given = "neither" if options.start is None else "both"
        raise ValueError(f"export needs either --start or --source, got {given}.")
    if options.source is not None and options.diagnostic is not None:
        raise ValueError(f"diagnostic goes with --start alone, got {options.diagnostic!r}.")
    if Path(options.folder).exists():
        raise ValueError(f"folder must not exist yet, got {options.folder!r}.")
    check_shape("model", options.model)
    if find_spec("transformers") is None:
        raise ValueError("export needs the package transformers, which is not installed here.")
    shape = options.model or SMALL_MODEL
    if options.source is not None:
        run = pretraining_run(options.source, options.preset, options.seed, shape=shape)
        check_exportable("source", options.source, run.arch)
        weights = open_store(options).weights(run)
        if weights is None:
            raise ValueError(f"source: the weights of {run.label} are not in the store{hint(run)}.")
    else:
        diagnostic = options.diagnostic or "haystack"
        run = fine_tuning_run(
            diagnostic, options.start, options.preset, options.seed, model=options.model
        )
        check_exportable("diagnostic", diagnostic, run.arch)
        weights, _ = initial_weights(run, open_store(options))
    from procmod_lib.network.huggingface import to_huggingface

    to_huggingface(weights, run.arch).save_pretrained(options.folder)
    print(f"{run.label} is in {options.folder}.")
    return FINISHED


def hint(run: Run) -> str:
    """The command that trains a source, behind a semicolon; nothing where no command does."""
    if run.arch.shape != SMALL_MODEL:
        return ""
    sources = shlex.quote(run.source)  # identity>set would write a file
    command = f"procmod sweep pretraining --sources {sources} --preset {run.preset}"
    return f"; first {command} --seeds 1 --first-seed {run.seed}"


def check_exportable(parameter: str, task: str, arch: Architecture) -> None:
    """Raise ValueError for a task that ``transformers`` has no model for."""
    if arch.inputs != "tokens":
        raise ValueError(
            f"{parameter} must have tokens, got {task!r}: transformers' GPT-2 reads no rows of "
            "bits."
        )
