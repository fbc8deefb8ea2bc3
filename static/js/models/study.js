// The page of the study: which table is on show, and the curves of all networks with bands over seeds.
import { Chart, strokeOf } from "../lib/charts/chart.js";
import { palette } from "../lib/charts/plot.js";
import { data, part } from "../lib/dom.js";

/** @typedef {{epoch: number} & Record<string, [number, number | null]>} Epoch  means and deviations over seeds */

const root = part("chart");
const TITLES = { val_accuracy: "Validation accuracy", val_loss: "Validation loss", train_loss: "Training loss" };
/** @type {Set<string>} */
const hidden = new Set();

/** @param {string} name @param {string} otherwise */
const chosen = (name, otherwise) =>
  /** @type {HTMLInputElement | null} */ (document.querySelector(`[name="${name}"]:checked`))?.value ?? otherwise;
const arm = () => chosen("arm", Object.keys(data.curves)[0]);
const metric = () => /** @type {keyof typeof TITLES} */ (chosen("metric", "val_accuracy"));
const scale = () => (metric() === "val_accuracy" ? 100 : 1);

/** @param {string} id @returns {Epoch[]} */
const curve = (id) => data.curves[arm()][id] ?? [];

/** @param {Epoch | undefined} epoch @returns {string} */
function words(epoch) {
  const figure = epoch?.[metric()];
  if (!figure) return "–";
  const text = (/** @type {number} */ value) => (scale() * value).toFixed(scale() === 100 ? 2 : 3);
  return text(figure[0]) + (figure[1] === null ? "" : ` ± ${text(figure[1])}`) + (scale() === 100 ? " %" : "");
}

const looks = () => [{
  title: TITLES[metric()], xTitle: "epoch", unit: scale() === 100 ? " %" : "", log: false, whole: true,
  limits: /** @type {[number, number]} */ ([0, scale() === 100 ? 100 : Infinity]), view: null, colours: palette(),
}];

const chart = new Chart(root, looks(), {
  columns: [{ title: "", short: "" }],
  read: (one, x) => [words(curve(one.id).find(({ epoch }) => epoch === x))],
  hidden: () => hidden,
  toggle: (id) => {
    if (!hidden.delete(id)) hidden.add(id);
    draw();
  },
  zoom: () => {},
});
const names = [...new Set(Object.values(data.curves).flatMap((curves) => Object.keys(curves)))];
chart.setSeries(names.map((id, style) => ({ id, title: data.titles[id], style })));

function draw() {
  const lines = chart.shown.map(({ id, style }) => {
    const points = curve(id).filter((epoch) => epoch[metric()]);
    const of = (/** @type {number} */ sign) => points.map((epoch) => scale() * (epoch[metric()][0] + sign * (epoch[metric()][1] ?? 0)));
    return {
      id, xs: points.map(({ epoch }) => epoch), ys: of(0), low: of(-1), high: of(1), count: points.length,
      width: 2, dots: true, ...strokeOf(style),
    };
  });
  chart.draw(looks(), [lines], [`${TITLES[metric()]} of all networks by epoch; mean over seeds.`]);
}

function show() {
  const table = `${arm()} ${document.querySelector("select[data-switch]").value}`;
  for (const box of document.querySelectorAll("[data-table]")) {
    /** @type {HTMLElement} */ (box).hidden = box.getAttribute("data-table") !== table;
  }
}

for (const control of document.querySelectorAll("[data-switch]")) {
  control.addEventListener("change", () => {
    show();
    draw();
  });
}
document.addEventListener("themechange", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
show();
draw();
