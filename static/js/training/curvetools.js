// What stands above the chart: what is drawn, how smooth, and the downloads.
import { load } from "../lib/api.js";
import { SvgBackend } from "../lib/charts/draw-backend.js";
import { drawFigure, frame } from "../lib/charts/figure.js";
import { API, attempt, part, save } from "../lib/dom.js";
import { bindFields, showFields } from "../lib/fields.js";
import { runName } from "./words.js";

const SIZE = { width: 620, height: 400, legend: 34 }; // px of each chart in the SVG file

/**
 * @param {import("./state.js").ShownState} state @param {import("./curves.js").Curves} curves
 * @param {import("./watch.js").Watch} watch
 */
export function bindCurveTools(state, curves, watch) {
  const form = /** @type {HTMLFormElement} */ (part("curve-tools"));
  const show = () => {
    showFields(form, state.now);
    /** @type {any} */ (form.querySelector("output")).value = (state.now.smooth / 100).toFixed(2);
  };
  bindFields(form, state);
  state.listen(show);
  show();
  part("unzoom").addEventListener("click", () => state.set({ from: 0, to: 0 }));
  part("svg").addEventListener("click", () => save(new Blob([svg(curves)], { type: "image/svg+xml" }), `${fileName(watch)}.svg`));
  part("csv").addEventListener("click", (/** @type {Event} */ event) => {
    attempt(/** @type {HTMLElement} */ (event.currentTarget), async () => save(new Blob([await csv(curves, watch)], { type: "text/csv" }), `${fileName(watch)}.csv`));
  });
}

/** @param {import("./watch.js").Watch} watch */
const fileName = (watch) => `sightline-${watch.study.name.replace(/[^\p{L}\p{N}]+/gu, "-").toLowerCase()}`;

/** Every step of every run in the chart, as the server keeps it. @param {import("./curves.js").Curves} curves @param {import("./watch.js").Watch} watch */
async function csv(curves, watch) {
  const hidden = curves.hidden();
  const runs = watch.runs.filter((run) => !hidden.has(run.mechanism));
  const parts = [];
  for (const run of runs) {
    const text = await load(`${API}/training-runs/${run.id}/metrics.csv`, {}, "text");
    const [head, ...rows] = text.trimEnd().split(/\r?\n/);
    if (parts.length === 0) parts.push(`run,network,seed,${head}`);
    const name = cell(runName(run, false));
    parts.push(...rows.map((row) => `${run.id},${name},${run.seed},${row}`));
  }
  return `${parts.join("\n")}\n`;
}

/** Text as a cell that no spreadsheet takes for a formula. @param {string} text */
const cell = (text) => `"${text.replace(/^[=+\-@\t\r]/, "'$&").replace(/"/g, '""')}"`;

/** The chart as it is on show. @param {import("./curves.js").Curves} curves @returns {string} */
function svg(curves) {
  const { width, height, legend } = SIZE;
  const backend = new SvgBackend(curves.plots[0].family);
  let x = 50;
  const hidden = curves.hidden();
  for (const group of curves.groups.filter((one) => !hidden.has(one.id))) {
    backend.path([x, 16, x + 22, 16], { colour: group.colour, width: 2.2, dash: group.dash });
    backend.text(x + 28, 16, group.title, { colour: curves.colours.ink, size: 12 });
    x += 52 + 6.6 * group.title.length;
  }
  curves.plots.forEach((plot, index) => {
    backend.parts.push(`<g transform="translate(${index * width} ${legend})">`);
    drawFigure(backend, plot.lines, plot.look, frame(plot.lines, plot.look, width, height));
    backend.parts.push("</g>");
  });
  return backend.file(2 * width, height + legend, curves.colours.paper);
}
