"""What came of the released code's optional curriculum, but for the paper's own claims.

Which other sources carry, what keeps the paper's pair from it, whether the loop as it stands does,
and whether one head is enough.
"""

import numpy as np
from IPython.display import Markdown

from procmod_lib.experiments import set_eca
from procmod_lib.experiments.conditions import BOTH, LAST, SET_ECA, WHOLE
from procmod_lib.experiments.why_curricula import HEADS
from procmod_lib.findings.carrying import (
    OF_EIGHT,
    OF_TEN,
    RUNS_MISSING,
    Carried,
    by_rule,
    in_words,
    verdicts_of,
)
from procmod_lib.findings.specified import layer_size
from procmod_lib.initial import with_words
from procmod_lib.network.gpt2 import views
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import from_to, spread
from procmod_lib.report.tables import NOT_YET, grid, label
from procmod_lib.runs.run import Run
from procmod_lib.runs.store import Store
from procmod_lib.tasks import title


def lists_table(section: Section) -> Markdown:
    """What SET and STACK carry from the released code's optional curriculum, a row a source, by the
    rule of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.why_curricula.other_lists`.
    """
    found = verdicts_of(section, OF_EIGHT)
    rows = []
    for source in ("set", "stack"):
        starts = (f"attention={source}", f"attention={source} layer=1", f"full={source}")
        rows.append([title(source), *(in_words(found.get(start)) for start in starts)])
    return grid(["source", "both layers", "last layer alone", "whole model"], rows)


def changed_pair_table(section: Section) -> Markdown:
    """What the paper's pair carries after each change of it, and what that says by the rule.

    Args:
        section: the runs of :func:`procmod_lib.experiments.set_eca.changed`.
    """
    verdicts = verdicts_of(section, OF_EIGHT)
    found = [verdicts.get(f"{SET_ECA} {change}") for change in set_eca.CHANGES]
    names = set_eca.CHANGES.values()
    rows = [[name, in_words(each)] for name, each in zip(names, found, strict=True)]
    return by_rule(["the pair, with", "runs above 90 %"], rows, _in_the_way(found))


def climbed_pair_table(sections: dict[str, Section]) -> Markdown:
    """What the paper's pair carries with ECA from its ladder, and with its MLPs as nulls.

    Args:
        sections: the runs of :func:`procmod_lib.experiments.set_eca.climbed` under the name of each
            number of pairs.
    """
    found = [verdicts_of(section, OF_EIGHT) for section in sections.values()]
    rows = [
        [name, *(in_words(each.get(with_words(SET_ECA, change))) for each in found)]
        for change, name in set_eca.NULLS.items()
    ]
    said = [f"with {name} {_by_the_mlps(each)}" for name, each in zip(sections, found, strict=True)]
    return by_rule(["ECA's MLPs", *sections], rows, "; ".join(said))


def mlp_sizes_table(models: dict[str, list[Run]], store: Store) -> Markdown:
    """How large the MLPs of some pretrained models are: the standard deviation of all weights of
    each layer's, a row a kind of model, the quietest kind named below.

    Args:
        models: the runs that pretrained them, by name.
        store: where their weights are.
    """
    sizes = {name: mlp_sizes(runs, store) for name, runs in models.items()}
    if not all(map(len, sizes.values())):
        return Markdown(NOT_YET)
    rows = [[name, len(of), *map(spread, of.T)] for name, of in sizes.items()]
    table = grid(["MLPs of ECA, pretrained", "n", "first layer", "last layer"], rows).data
    quietest, apart = quietest_of(sizes)
    said = f"{quietest} is the quietest in every model and layer" if apart else "they overlap"
    below = "Standard deviation of their weights: median, in brackets the least and the greatest"
    return Markdown(f"{table}\n\n{below}; {said}.")


def mlp_sizes(runs: list[Run], store: Store) -> np.ndarray:
    """The standard deviation of the weights of each layer's MLP: (models, layers), of those models
    whose weights are in the store.
    """
    found = ((run, store.weights(run)) for run in runs)
    named = [(run.arch.layers, views(flat, run.arch)) for run, flat in found if flat is not None]
    return np.array(
        [
            [layer_size(model, i, "mlp.c_fc", "mlp.c_proj") for i in range(layers)]
            for layers, model in named
        ]
    )


def quietest_of(sizes: dict[str, np.ndarray]) -> tuple[str, bool]:
    """Which kind of model has the smallest sizes, and whether none of its models is as large as
    any of another kind, layer by layer.
    """
    quietest = min(sizes, key=lambda name: float(np.median(sizes[name])))
    others = [of for name, of in sizes.items() if name != quietest]
    return quietest, all(np.all(sizes[quietest].max(0) < of.min(0)) for of in others)


def _by_the_mlps(verdicts: dict[str, Carried]) -> str:
    """Whether the pair carries by what ECA's MLPs learnt, from the verdicts on it and its nulls."""
    found = [verdicts.get(with_words(SET_ECA, change)) for change in set_eca.NULLS]
    if None in found:
        return RUNS_MISSING
    pair, *nulls = (each.carries for each in found if each)
    if not pair:
        return "the pair does not carry" if pair is False else "open"
    if nulls == [False, False]:
        return "the pair carries, and what ECA's MLPs learnt does it"
    if True in nulls:
        return "the pair carries, and what ECA's MLPs learnt is not needed"
    return "the pair carries; whether by what ECA's MLPs learnt is open"


def _in_the_way(found: list[Carried | None]) -> str:
    """What of ECA keeps the pair from carrying, from the verdict on each change."""
    if None in found:
        return RUNS_MISSING
    first, last, shuffled, _ = (each.carries for each in found if each)
    reasons = []
    if first is True and last is False:
        reasons.append("the size of ECA's first MLP is in the way")
    if shuffled is True:
        reasons.append("what ECA's MLPs learnt is in the way")
    return ", and ".join(reasons) or "undecided"


def loop_table(sections: dict[str, Section], source: str = "identity") -> Markdown:
    """What ten models of one pretraining carry, a row a start.

    Args:
        sections: by the number of pairs in words, the runs of
            :func:`procmod_lib.experiments.why_curricula.released_loop`, or others with its starts.
        source: of the models.
    """
    names = {BOTH: "attention of both layers", LAST: "last layer alone", WHOLE: "whole model"}
    found = [verdicts_of(section, OF_TEN) for section in sections.values()]
    rows = []
    for of_identity, name in names.items():
        start = of_identity.replace("identity", source)
        rows.append([name, *(in_words(each.get(start)) for each in found)])
    return grid(["from", *sections], rows)


def resized_table(sections: dict[str, Section]) -> Markdown:
    """Whether size tells two kinds of models apart, by the rule of the page.

    Args:
        sections: the runs of :func:`procmod_lib.experiments.why_curricula.resized`, by its names:
            first what is expected to carry, then what is not.
    """
    found = [next(iter(verdicts_of(each, OF_TEN).values()), None) for each in sections.values()]
    expected = ("carries", "does not carry")
    rows = [list(row) for row in zip(sections, expected, map(in_words, found), strict=True)]
    return by_rule(
        ["both layers shuffled, of", "expected", "runs above 90 %"], rows, _of_size(found)
    )


def _of_size(found: list[Carried | None]) -> str:
    if None in found:
        return RUNS_MISSING
    quieter, louder = (each.carries for each in found if each)
    failed = [
        name
        for name, holds in (
            ("the first expectation", quieter is True),
            ("the second expectation", louder is False),
        )
        if not holds
    ]
    if not failed:
        return "size tells them apart"
    return f"size does not tell them apart: {' and '.join(failed)} failed"


def stopped_in_words(section: Section) -> Markdown:
    """After how many steps the pretraining runs of a section stopped."""
    steps = section.table.groupby("key").step.max() if len(section) else []
    return Markdown(
        f"The {len(steps)} models stopped after {from_to(steps)} steps." if len(steps) else NOT_YET
    )


def heads_table(sections: dict[str, Section]) -> Markdown:
    """What one head of a model from that curriculum carries, and its nulls, and what that says.

    Args:
        sections: by the number of pairs in words, the runs of
            :func:`procmod_lib.experiments.why_curricula.heads`; the first has all of them.
    """
    found = [verdicts_of(section, OF_TEN) for section in sections.values()]
    rows = [[label(head), *(in_words(each.get(head)) for each in found)] for head in HEADS]
    return by_rule(["from", *sections], rows, _of_one_head(found[0]))


def _of_one_head(found: dict[str, Carried]) -> str:
    """Whether its size is enough, or its content needed."""
    if not set(HEADS) <= set(found):
        return RUNS_MISSING
    learnt, shuffled, random, _ = (found[head].carries for head in HEADS)
    if random is True:
        return "size is enough"
    if learnt is True and shuffled is False and random is False:
        return "content is needed"
    return "undecided"
