// Training curves, drawn by plotly.js: hover reads all values of an epoch, drag zooms in.
import { loadPlotly } from "./plotly.js";

const data = JSON.parse(document.getElementById("data")?.textContent ?? "{}");
// Okabe and Ito's colours, told apart by colour-blind people too; the likest two differ in dash.
const SERIES = [
  ["series-1", "solid"], ["series-2", "solid"], ["series-3", "solid"], ["series-4", "solid"],
  ["series-5", "dot"], ["series-6", "dash"],
];
const TITLES = {
  val_accuracy: "Validation accuracy by epoch", val_loss: "Validation loss by epoch",
  train_loss: "Training loss by epoch",
};

/** @param {string} name @returns {string} a token of base.css as a plain colour */
function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** @param {string} title @param {boolean} percent @param {number} epochs */
function layout(title, percent, epochs) {
  const [ink, muted, line] = ["ink", "muted", "line"].map(colour);
  const axis = { gridcolor: line, zeroline: false, linecolor: line, tickcolor: line, automargin: true };
  return {
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: muted },
    title: { text: title, x: 0, xref: "paper", xanchor: "left", font: { size: 13, color: ink } },
    margin: { l: 48, r: 12, t: 34, b: 48 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hovermode: "x unified",
    hoverdistance: -1, // the nearest epoch, however far
    hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("edge"), font: { color: ink } },
    legend: { orientation: "h", x: 0, y: -0.12, font: { color: ink } },
    xaxis: { ...axis, dtick: 1 },
    yaxis: { ...axis, ticksuffix: percent ? " %" : "" },
  };
}

/**
 * @param {any[]} curves @param {string} metric @param {string} name @param {[string, string]} style
 */
function trace(curves, metric, name, [token, dash]) {
  const factor = metric.endsWith("accuracy") ? 100 : 1;
  return {
    x: curves.map((epoch) => epoch.epoch),
    y: curves.map((epoch) => factor * epoch[metric]),
    name,
    mode: curves.length > 30 ? "lines" : "lines+markers",
    line: { color: colour(token), dash, width: 2 },
    marker: { size: 5 },
    hovertemplate: factor === 100 ? "%{y:.2f} %" : "%{y:.4f}",
  };
}

/** @param {string} name @param {any[]} traces @param {string} title @param {boolean} percent */
function draw(name, traces, title, percent) {
  const element = document.querySelector(`[data-chart="${name}"]`);
  const config = { responsive: true, displaylogo: false, displayModeBar: false };
  const shape = layout(title, percent);
  const epochs = Math.max(1, ...traces.flatMap((line) => line.x));
  shape.xaxis.dtick = Math.ceil(epochs / 10); // never half an epoch
  if (element) Plotly.react(element, traces, shape, config);
}

function drawModel() {
  const { curves } = data.model;
  for (const [name, unit] of [["accuracy", "Accuracy by epoch"], ["loss", "Loss by epoch"]]) {
    const traces = [
      trace(curves, `train_${name}`, "training", /** @type {any} */ (SERIES[0])),
      trace(curves, `val_${name}`, "validation", /** @type {any} */ (SERIES[1])),
    ];
    draw(name, traces, unit, name === "accuracy");
  }
}

function drawAll() {
  const chosen = /** @type {HTMLInputElement} */ (document.querySelector('[name="metric"]:checked'));
  const metric = chosen.value;
  for (const [media, of] of [["image", "photos"], ["clip", "clips"]]) {
    const trained = data.models.filter((/** @type {any} */ model) => model.media === media && model.curves.length > 0);
    const traces = trained.map((/** @type {any} */ model, /** @type {number} */ index) =>
      trace(model.curves, metric, model.title, /** @type {any} */ (SERIES[index % SERIES.length])),
    );
    draw(media, traces, `${TITLES[metric]}, models of ${of}`, metric === "val_accuracy");
  }
}

const drawPage = data.model ? drawModel : drawAll;
const Plotly = await loadPlotly(data.urls.plotly);
drawPage();
document.querySelector("[data-metric]")?.addEventListener("change", drawPage);
document.addEventListener("themechange", drawPage);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawPage);
