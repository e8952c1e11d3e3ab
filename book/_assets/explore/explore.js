// The page "Explore": choices narrow one another, charts and tables show what is chosen.
"use strict";

window.addEventListener("DOMContentLoaded", () => {
  const { starts, grids, attention, charts } = window.EXPLORE;
  const runs = window.EXPLORE.runs.map(({ start, grid, ...run }) =>
    ({ ...run, ...starts[start], steps: grids[grid] }));
  const CHOICES = ["diagnostic", "scale", "pretraining", "source", "part", "change"];
  const FIRST = {
    diagnostic: "Haystack",
    scale: "full protocol",
    pretraining: "closest, curriculum",
    source: "Identity",
    part: "attention",
    change: "copied unchanged",
  };
  const ALL = "all of them";
  const OPTIONS = { actions: false, renderer: "svg", logLevel: 1 };
  const select = Object.fromEntries(CHOICES.map((c) => [c, document.getElementById(`x-${c}`)]));
  const views = {};

  const fill = (box, values, wanted) => {
    box.replaceChildren(...values.map((value) => new Option(value, value)));
    box.value = values.includes(wanted) ? wanted : values[0];
  };

  // Runs that agree with all choices before a given one.
  const before = (choice) => {
    const fixed = CHOICES.slice(0, CHOICES.indexOf(choice));
    return runs.filter((run) => fixed.every((c) => run[c] === select[c].value));
  };

  const narrow = (from) => {
    for (const choice of CHOICES.slice(from)) {
      const values = [...new Set(before(choice).map((run) => run[choice]))].sort();
      if (choice === "change" && values.length > 1) values.push(ALL);
      fill(select[choice], values, select[choice].value || FIRST[choice]);
    }
  };

  const chosen = () =>
    before("change").filter((run) => [run.change, ALL].includes(select.change.value));

  const baseline = () =>
    before("pretraining").filter((run) => run.part === "nothing");

  const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

  const setRows = (id, rows) => {
    const line = (cells) => {
      const row = document.createElement("tr");
      cells.forEach((text, i) => {
        const cell = document.createElement(i ? "td" : "th");
        if (!i) cell.scope = "row";
        cell.textContent = text;
        row.append(cell);
      });
      return row;
    };
    document.querySelector(`#${id} tbody`).replaceChildren(...rows.map(line));
  };

  const show = () => {
    const mine = chosen().map((run) => ({ ...run, what: "chosen" }));
    const base = select.part.value === "nothing" ? [] : baseline();
    const both = [...base.map((run) => ({ ...run, what: "no pretraining" })), ...mine];
    const points = both.flatMap((run) =>
      run.steps.map((step, i) => ({ ...run, step, accuracy: run.accuracy[i] })));
    const ends = both.map((run) => ({ ...run, accuracy: run.accuracy.at(-1) }));
    views.curves.data("runs", points).run();
    drawEnds(ends);
    const groups = Map.groupBy ? Map.groupBy(ends, (run) => run.change) : groupBy(ends);
    setRows("x-table", [...groups].map(([change, group]) => {
      const scores = group.map((run) => run.accuracy);
      const good = scores.filter((score) => score >= 90).length;
      return [change, group.length, mean(scores).toFixed(1), `${good} of ${group.length}`];
    }));
    document.getElementById("x-said").textContent =
      `${mine.length} runs chosen, ${base.length} without pretraining beside them.`;
  };

  // Drawn anew each time: its height follows the number of starts.
  const drawEnds = (ends) => {
    const count = new Set(ends.map((run) => run.change)).size;
    const spec = { ...charts.ends, height: 26 * Math.max(count, 1), datasets: { ends } };
    window.vegaEmbed("#x-ends", spec, OPTIONS);
  };

  const groupBy = (rows) => {
    const groups = new Map();
    rows.forEach((row) => groups.set(row.change, [...(groups.get(row.change) || []), row]));
    return groups;
  };

  // The second panel: one run's attention along its steps.
  const start = document.getElementById("x-start");
  const slider = document.getElementById("x-step");
  const run = () => attention.find((each) => each.start === start.value);

  const showMaps = () => {
    const { maps, tokens, answer } = run();
    const steps = Object.keys(maps).map(Number).sort((a, b) => a - b);
    slider.max = steps.length - 1;
    const step = steps[Math.min(slider.value, steps.length - 1)];
    const size = tokens.length;
    const cells = maps[step].flatMap((map, h) => map.flatMap((look, i) => {
      const from = Math.floor(i / size), to = i % size;
      if (to > from) return [];
      const head = `${Math.floor(h / 4)}.${h % 4}`;
      return [{ head, from, to, look, reads: tokens[from], sees: tokens[to] }];
    }));
    views.maps.data("cells", cells).resize().run();
    slider.setAttribute("aria-valuetext", `step ${step}`);
    document.getElementById("x-step-said").textContent = `step ${step.toLocaleString("en")}`;
    document.getElementById("x-tokens").textContent =
      `The sample: ${tokens.join(" ")}. The answer stands at place ${answer + 1}.`;
    setRows("x-map-table", maps[step].map((map, h) => {
      const row = map.slice((size - 1) * size);
      return [`${Math.floor(h / 4)}.${h % 4}`, `${row[answer]} %`,
        `${Math.max(...row)} % at ${tokens[row.indexOf(Math.max(...row))]}`];
    }));
  };

  if (window.innerWidth < 576) charts.maps.columns = 2;

  const draw = (name) =>
    window.vegaEmbed(`#x-${name}`, charts[name], OPTIONS)
      .then((result) => { views[name] = result.view; });

  Promise.all(["curves", "maps"].map(draw)).then(() => {
    narrow(0);
    CHOICES.forEach((choice, i) => select[choice].addEventListener("change", () => {
      narrow(i + 1);
      show();
    }));
    show();
    if (attention.length) {
      fill(start, attention.map((each) => each.start), start.value);
      start.addEventListener("change", showMaps);
      slider.addEventListener("input", showMaps);
      showMaps();
    } else {
      document.getElementById("x-inside").hidden = true;
    }
    document.body.dataset.explorer = "ready";
  });
});
