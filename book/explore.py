"""The data, the charts and the script of the page "Explore"; called by ``book/build.py``.

The charts are Altair's; the page loads Vega from a local file, so it works offline and from a
folder. Everything shown is read from the published store.
"""

import json
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import vl_convert

from procmod_lib.experiments.conditions import RECIPE, SPOILT
from procmod_lib.experiments.grids import inside
from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.experiments.settings import NAMES
from procmod_lib.initial import Condition, parse
from procmod_lib.initial.words import Copy, Write
from procmod_lib.network.inside import attention_maps
from procmod_lib.runs.store import PUBLISHED, Store
from procmod_lib.tasks import DIAGNOSTICS, title

FOLDER = Path(__file__).resolve().parent / "_assets" / "explore"
POINTS = 24  # of a learning curve, at most
SCALES = {
    ("standard", None): "full protocol",
    ("standard", 2000): "full protocol, 2,000 steps",
    ("small", None): "small: 3,000 steps, HAYSTACK with 10 pairs",
}
NO_SOURCE = [("large_rate", "none")]
CHOICES = ("diagnostic", "scale", "pretraining", "source", "part", "change")
STARTS = {
    "scratch": "no pretraining",
    "attention=identity layer=1": "the pretrained last layer",
    RECIPE: "one loud head by hand",
    SPOILT: "a loud head in each layer",
}
COLOURS = alt.Scale(range=["#8a8a8a", "#0072B2"], domain=["no pretraining", "chosen"])
PAIRS_SHOWN = 8  # of the sample whose attention is shown


def names_of(condition: Condition) -> dict[str, str]:
    """What three of the page's choices call a start: source, part, change."""
    copied = condition.of_kind(Copy)
    sources = " + ".join(dict.fromkeys(title(source) for source in copied.values()))
    kinds = {"full": "everything", "attention": "attention", "mlp": "MLPs"}
    part = " + ".join(kinds.get(word, word) for word in copied)
    if condition.of_kind(Write):
        return {"source": "none", "part": "by hand", "change": condition.label}
    if not copied:
        return {"source": "none", "part": "nothing", "change": "no pretraining"}
    change = condition.label.removeprefix(condition.whole.label).removeprefix(", ")
    return {"source": sources, "part": part, "change": change or "copied unchanged"}


def made_how(run: pd.Series) -> dict[str, str]:
    """What two of the page's choices call the way a run was made: scale, pretraining; nothing for
    one that was made in another way.
    """
    has_source = bool(parse(run.initial_condition).sources)
    for (preset, steps), scale in SCALES.items():
        if run.preset != preset:
            continue
        changes = {} if steps is None else {"steps": steps}
        for settings, name in NAMES.items() if has_source else NO_SOURCE:
            changes["settings"] = settings
            if key_of(run, changes) == run.key:
                return {"scale": scale, "pretraining": name}
    return {}


def key_of(run: pd.Series, changes: dict) -> str:
    """The key that a run would have, made so; none where there is no such run."""
    start, seed = run.initial_condition, int(run.seed)
    try:
        return fine_tuning_run(run.diagnostic, start, run.preset, seed, **changes).key
    except ValueError:  # these settings are not its source's, or grids no longer know its shape
        return ""


def curves() -> list[dict]:
    """Every published fine-tuning run that the page can name: its choices and its curve."""
    table = Store(PUBLISHED).view()
    table = table[table.diagnostic.isin([*DIAGNOSTICS])]
    found = []
    for key, rows in table.sort_values("step").groupby("key", sort=False):
        first = rows.iloc[0]
        how = made_how(first)
        if not how:
            continue
        kept = np.unique(np.linspace(0, len(rows) - 1, POINTS).astype(int))
        found.append(
            {
                "key": str(key),
                "diagnostic": title(first.diagnostic),
                **how,
                **names_of(parse(first.initial_condition)),
                "seed": int(first.seed),
                "steps": rows.step.iloc[kept].tolist(),
                "accuracy": (100 * rows.token_accuracy.iloc[kept]).round(1).tolist(),
            }
        )
    return found


def packed(runs: list[dict]) -> dict[str, list]:
    """The same in less room: what many runs share stands once, and a run has its index.

    Returns:
        ``runs``, each with ``start`` and ``grid`` in place of its names and its steps; ``starts``;
        ``grids``.
    """
    starts: dict[str, int] = {}
    grids: dict[str, int] = {}
    short = []
    for run in runs:
        rest = {name: run[name] for name in ("key", "seed", "accuracy")}
        names = json.dumps({name: run[name] for name in CHOICES})
        start = starts.setdefault(names, len(starts))
        grid = grids.setdefault(json.dumps(run["steps"]), len(grids))
        short.append({**rest, "start": start, "grid": grid})
    return {"runs": short, "starts": [*map(json.loads, starts)], "grids": [*map(json.loads, grids)]}


def attention() -> list[dict]:
    """How every head looks at one sample along the steps, of one run a start."""
    store, found = Store(PUBLISHED), []
    for run in inside("small", [*STARTS], seeds=1):
        batch = run.task.batch(200, "test", 0)
        row = int(np.argmax(batch.positions[:, 0] == 2 * PAIRS_SHOWN))
        tokens = batch.tokens[row : row + 1, : 2 * PAIRS_SHOWN + 1]
        steps = {}
        for step, flat in store.snapshots(run).items():
            maps = attention_maps(flat, run.arch, tokens)[0]
            steps[step] = (100 * maps).round().astype(int).reshape(-1, maps.shape[-1] ** 2).tolist()
        if steps:
            spelt = [run.task.spell(token) for token in tokens[0]]
            found.append(
                {
                    "start": STARTS[str(run.condition)],
                    "tokens": spelt,
                    "answer": int(run.task.needle(batch)[row]),
                    "maps": steps,
                }
            )
    return found


def curve_chart() -> dict:
    """The chart of learning curves, as Vega-Lite; the page fills its data set ``runs``."""
    base = alt.Chart(alt.NamedData("runs")).encode(
        x=alt.X("step:Q", title="fine-tuning step"),
        y=alt.Y("accuracy:Q", title="token accuracy (%)", scale=alt.Scale(domain=[0, 100])),
        color=alt.Color(
            "what:N",
            title=None,
            scale=COLOURS,
            legend=alt.Legend(orient="top"),
        ),
        detail="key:N",
        tooltip=["change:N", "seed:Q", "step:Q", "accuracy:Q"],
    )
    lines = base.mark_line(strokeWidth=1.6, opacity=0.8)
    return _spec(lines.properties(width="container", height=260))


def end_chart() -> dict:
    """The chart of end points: a row a start, every seed a point, the mean as a tick."""
    base = alt.Chart(alt.NamedData("ends")).encode(
        y=alt.Y("change:N", title=None, sort=None, axis=alt.Axis(labelLimit=240)),
        x=alt.X("accuracy:Q", title="token accuracy at the end (%)", scale={"domain": [0, 100]}),
    )
    points = base.mark_circle(size=70, opacity=0.65).encode(
        color=alt.Color("what:N", legend=None, scale=COLOURS),
        tooltip=["change:N", "seed:Q", "accuracy:Q"],
    )
    means = base.mark_tick(thickness=3, size=26, color="#7a3b00").encode(x="mean(accuracy):Q")
    autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    return _spec((points + means).properties(width="container", autosize=autosize))


def map_chart() -> dict:
    """The chart of eight attention maps; the page fills its data set ``cells``."""
    chart = (
        alt.Chart(alt.NamedData("cells"))
        .mark_rect()
        .encode(
            x=alt.X("to:O", title=None, axis=None),
            y=alt.Y("from:O", title=None, axis=None),
            color=alt.Color(
                "look:Q",
                title="look (%)",
                scale=alt.Scale(domain=[0, 100], scheme="greys"),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=["head:N", "reads:N", "sees:N", "look:Q"],
        )
        .properties(width=125, height=125)
        .facet(facet=alt.Facet("head:N", title="layer.head"), columns=4)
    )
    return _spec(chart)


def _spec(chart) -> dict:
    return chart.configure(background="white").to_dict(validate=False)


def main() -> None:
    """Write Vega, the data and the charts below book/_assets/explore."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    vega = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    (FOLDER / "vega.js").write_text(f"(() => {{{vega}}})();\n")  # its names stay its own
    content = {
        **packed(curves()),
        "attention": attention(),
        "charts": {"curves": curve_chart(), "ends": end_chart(), "maps": map_chart()},
    }
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    (FOLDER / "data.js").write_text(f"window.EXPLORE = {text};\n")


if __name__ == "__main__":
    main()
