// A study's page: it joins what is watched (JSON, numbers, masks) to what is shown.
import { getJson, persist } from "../lib/api.js";
import { swatch } from "../lib/charts/chart.js";
import { Colours } from "../lib/colours.js";
import { API, batched, data, part, showProblem } from "../lib/dom.js";
import { Answers } from "./answers.js";
import { Attention } from "./attention.js";
import { Curves } from "./curves.js";
import { bindCurveTools } from "./curvetools.js";
import { Header } from "./header.js";
import { Log } from "./log.js";
import { Masks } from "./masks.js";
import { Mistakes } from "./mistakes.js";
import { Runs } from "./runs.js";
import { makeShownState } from "./state.js";
import { Watch } from "./watch.js";

const state = makeShownState();
const colours = new Colours((await persist(() => getJson(data.urls.colormaps))).maps);
const watch = new Watch(data.study.id, {
  study: (study, before) => showStudy(study, before),
  numbers: () => drawNumbers(),
  notes: (id, lines) => log.add(id, lines),
  problem: showProblem,
});

/** The style of a run's curves, beside its name. @param {any} run */
const swatchOf = (run) => swatch(curves.groups.findIndex((one) => one.id === run.mechanism));

const masks = new Masks(() => {
  attention.draw();
  mistakes.drawWorst();
});
const curves = new Curves(state, watch, (epoch) => attention.choose(epoch));
const runs = new Runs(watch, swatchOf);
const header = new Header(watch);
const attention = new Attention(state, watch, colours, masks, new Answers(() => attention.draw()), swatchOf);
const mistakes = new Mistakes(state, watch, colours, masks);
const log = new Log(watch);

/** New steps and epochs: once a picture, the chart first. */
const drawNumbers = batched(() => {
  curves.draw();
  runs.show();
  if (newEpoch()) {
    attention.draw();
    mistakes.show();
  }
});

let epochs = -1;
/** Whether any run has ended an epoch since the last look: masks and matrix change only then. */
function newEpoch() {
  const now = watch.runs.reduce((sum, run) => sum + watch.seriesOf(run.id).epochs.length, 0);
  if (now === epochs) return false;
  epochs = now;
  return true;
}

/** @param {any} study @param {any} before */
function showStudy(study, before) {
  const list = (/** @type {any} */ one) => one?.runs.map((/** @type {any} */ run) => run.id).join();
  if (list(study) !== list(before)) {
    curves.regroup();
    epochs = -1;
  } else curves.renew();
  header.show(study, before);
  runs.show();
  if (!before) attention.draw();
  mistakes.show();
  document.title = `${study.name} · Sightline`;
}

const WITH_CURVES = ["train", "val", "log", "smooth", "from", "to", "hidden"];
const WITH_MASKS = ["epoch", "method", "stage", "opacity", "colours", "scale", "grid", "seed"];
state.listen((now, changed) => {
  if (WITH_CURVES.some((name) => changed.has(name))) curves.draw();
  if (WITH_MASKS.some((name) => changed.has(name))) attention.draw();
  if (changed.has("epoch")) curves.mark(now.epoch || null);
  if (WITH_MASKS.some((name) => changed.has(name)) || changed.has("run")) mistakes.show();
});

document.addEventListener("themechange", () => curves.recolour());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => curves.recolour());
bindCurveTools(state, curves, watch);

/** Class names, and whose images the probes are. */
async function readDataset() {
  const dataset = await getJson(`${API}/datasets/${watch.study.dataset.id}`);
  watch.classes = dataset.classes;
  epochs = -1;
  drawNumbers();
}

/** One part that cannot be read leaves the others. @param {() => Promise<any>} work */
const read = (work) => persist(work).catch((error) => showProblem(error.message));
await read(() => watch.start(data.study));
await Promise.all([read(() => log.start()), read(readDataset)]);
