// The page of a photo: it joins the view (address, tool bar, keys) to the maps and their table.
import { DRAWN, Lead } from "../answer/lead.js";
import { Small } from "../small/tool.js";
import { followPointer, parseCursor, cursorText } from "../lib/cursor.js";
import { batched, data, part } from "../lib/dom.js";
import { fieldOf } from "../lib/fields.js";
import { inWords } from "../lib/format.js";
import { gridKeys, neighbour } from "../lib/keys.js";
import { peakPoint } from "../lib/maps.js";
import { RULES } from "../lib/scale.js";
import { makeSmall } from "./become.js";
import { Channels } from "./channels.js";
import { Chooser, openChoice, shownModels } from "./chooser.js";
import { showDownloads } from "./downloads.js";
import { Enlarged } from "./enlarged.js";
import { bindPage, evidence, isEvidenceMethod, root, showPage } from "./page.js";
import { Retarget } from "./retarget.js";
import { showAnswer } from "./rows.js";
import { Sources } from "./sources.js";
import { problemOf, rerun, showProblem, showStatus, waitingWords } from "./status.js";
import { Store } from "./store.js";
import { Table } from "./table.js";
import { lackingWords, makeTarget, same, titleOf } from "./target.js";
import { flip, form, nudge } from "./tools.js";
import { makeViewState } from "./view.js";

/** @typedef {import("./table.js").PhotoCell} PhotoCell */

const state = makeViewState({
  channel: "mean", // of residual masks: mean, max, l2 or a channel's number
  cell: "", // enlarged: "model.stage.method"
  at: "", // pinned cursor "x,y" in percent of the photo
  truth: "", // true class
  target: "", // "top", or the class that evidence is for; empty: that of the page's analysis
  named: false, // `target` is a class's name, also where it is "top"
  cam: "", // id of the analysis that holds the evidence for `target`
  lead: "", // model whose map is large; empty: that of the first row
  stage: "late", // of the large map
  drawn: "light", // how: as light or as heat
}, { names: { truth: "true" }, choices: { stage: data.stages, drawn: DRAWN } });

const LARGE = new Set(["lead", "stage", "drawn"]);

const draw = batched(drawNow);
const store = new Store(draw, ["cam", "derived"]);
const channels = new Channels(store);
const table = new Table(store, [...data.all_models, ...data.rows]);
const sources = new Sources(store, (layer, now) => {
  if (layer === "base") showStatus((data.analysis = now));
  if (layer === "base") small.keep(now);
  draw();
});
const chooser = new Chooser(state);
const retarget = new Retarget(state, table, sources, draw);
store.lacking = ({ model, method }) =>
  problemOf(data.analysis, model) || (isEvidenceMethod(method) && !retarget.knows(model) ? lackingWords(retarget.current) : "");
const big = new Enlarged({
  close: () => closeBig(),
  step: (right, down) => stepBig(right, down),
  nudge: (right, down) => moveCursor(/** @type {PhotoCell} */ (selected()), right, down),
});
const lead = new Lead(data.rows, data.stages, {
  model: (id) => state.set({ lead: id === shownModels(state.now)[0] ? "" : id }),
  stage: (stage) => state.set({ stage }),
  drawn: (drawn) => state.set({ drawn }),
});
const small = new Small(lead, {
  ask: (place) => makeSmall(place, { state, sources, lead, small, retarget, channels, draw }),
  draw, fail: showProblem,
});
const showTarget = makeTarget(data.rows, (id) => predictionOf(id), (target) => retarget.change(target));

/** @returns {string[]} every class of the models on show */
const classes = () => [...new Set(data.rows.flatMap((card) => card.classes))];
/** @param {string} row */
const predictionOf = (row) => store.prediction(row);
/** @type {[HTMLElement, number] | null} the cell that was enlarged, and where in the window it was */
let place = null;
const selected = () => table.cells.find((cell) => cell.id === state.now.cell);

const leadModel = () => {
  const shown = shownModels(state.now);
  return shown.find((id) => id === state.now.lead) ?? shown[0];
};

/** The cell that is shown large: evidence, or the mask where masks only are looked at; none without maps. @param {string} [stage] */
function leadCell(stage = state.now.stage) {
  const cells = table.cells.filter((cell) => cell.painter && cell.row === leadModel() && cell.stage === stage);
  return cells.find((cell) => (cell.method === evidence.name) === (state.now.show !== "mask")) ?? cells[0] ?? null;
}

/** @param {import("./drawing.js").Look} look */
function drawLead(look) {
  const { stage, drawn } = state.now;
  const entryOf = (/** @type {string} */ name) => {
    const cell = leadCell(name);
    return cell && table.entry(cell);
  };
  const at = { low: 0, high: 0, part: 0 };
  lead.show({ model: leadModel(), models: shownModels(state.now), stage, drawn, look, predictionOf, entryOf, at, waiting: waitingWords(data.analysis), before: (id) => small.before(id) });
}

/** Another map is large; the legend follows. @param {import("./drawing.js").Look} look */
function showLarge(look) {
  drawLead(look);
  showSmall();
  table.active = leadCell() ?? table.active;
  table.read(look);
}

function drawNow() {
  const view = state.now;
  const look = table.look(view);
  drawLead(look);
  for (const row of document.querySelectorAll("[data-row]")) {
    const element = /** @type {HTMLElement} */ (row);
    const id = element.dataset.row ?? "";
    showAnswer(element, predictionOf(id), view.truth, retarget.current, table.card(id).classes, problemOf(data.analysis, id));
  }
  showSmall();
  const cell = selected();
  big.show(Boolean(cell));
  table.draw(look);
  if (!cell) return;
  const { title, mechanism } = table.card(cell.row);
  big.draw(table.entry(cell), look, cell.name(title), mechanism, predictionOf(cell.row));
}

function showSmall() {
  const shown = shownModels(state.now);
  const maps = table.cells.filter(({ row, stage }) => stage === state.now.stage && shown.includes(row));
  small.show(predictionOf, maps.map((cell) => ({ method: cell.method, entry: table.entry(cell) })), state.now.stage);
}

/** @param {typeof state.now} view */
function showView(view) {
  showChannels(view);
  showTruths(view.truth);
  showPage(view, RULES);
  chooser.show(view, table.cells);
  const { current } = retarget;
  showDownloads(view, shownModels(view), () => ({ show: view.show, channel: view.channel, ...(view.cam && !same(current, retarget.base) && { evidence_of: view.cam }) }));
  // Downloads are of this analysis, not of another target looked at on top.
  part("other-target").hidden = same(current, retarget.base);
  part("other-target").textContent = current === "top" ? "Make them for each model’s own top" : `Make them for “${titleOf(current)}”`;
  showTarget(current);
}

/** The true class may be any that a model on show knows, and what a link says. @param {string} truth */
function showTruths(truth) {
  const list = /** @type {HTMLSelectElement} */ (fieldOf(form, "truth"));
  const names = truth && !classes().includes(truth) ? [truth, ...classes()] : classes();
  if (list.options.length === names.length + 1) return;
  const [unknown] = list.options;
  list.replaceChildren(unknown, ...names.map((name) => new Option(name)));
}

/** @param {typeof state.now} view */
function showChannels(view) {
  const channel = /^\d+$/.test(view.channel) ? "one" : view.channel;
  for (const input of document.querySelectorAll('input[name="channel"]')) {
    const radio = /** @type {HTMLInputElement} */ (input);
    radio.checked = radio.value === channel;
  }
  if (part("channel-number")) part("channel-number").style.visibility = channel === "one" ? "visible" : "hidden"; // it keeps its place
  if (channel === "one") part("channel-number").value = view.channel;
}

/** @param {PhotoCell} cell */
function openBig(cell) {
  if (!cell.painter) return;
  if (!state.now.cell) place = [cell.element, cell.element.getBoundingClientRect().top];
  table.active = cell;
  lead.fold.fold();
  state.set({ cell: cell.id });
  drawNow();
  big.reveal();
}

function closeBig() {
  const cell = selected();
  state.set({ cell: "", at: "" });
  table.cursor = null;
  drawNow();
  if (place) scrollBy({ top: place[0].getBoundingClientRect().top - place[1], behavior: "instant" });
  cell?.element.focus({ preventScroll: true });
  cell?.element.scrollIntoView({ block: "nearest" }); // it may be another one than at first
}

/** @param {number} right @param {number} down */
function stepBig(right, down) {
  const cell = selected();
  if (!cell) return;
  let next = neighbour(table.cells, cell, right, down);
  if (!next.painter) next = neighbour(table.cells, next, right, down);
  if (next.painter) openBig(next);
}

/** Move the cursor by one place of the cell's own grid. @param {PhotoCell} cell @param {number} right @param {number} down */
function moveCursor(cell, right, down) {
  const grid = table.entry(cell)?.grid;
  if (!grid) return;
  const from = table.cursor ?? peakPoint(grid);
  const move = (/** @type {number} */ at, /** @type {number} */ by, /** @type {number} */ count) =>
    (Math.min(count - 1, Math.max(0, Math.floor(at * count) + by)) + 0.5) / count;
  part("readout").setAttribute("aria-live", "polite");
  setCursor({ x: move(from.x, right, grid.cols), y: move(from.y, down, grid.rows) }, cell);
  if (state.now.cell && table.cursor) state.set({ at: cursorText(table.cursor) });
}

/** @param {import("../lib/cursor.js").Cursor | null} cursor @param {PhotoCell | null} cell */
function setCursor(cursor, cell) {
  table.cursor = cursor ?? parseCursor(state.now.at);
  table.active = cell ?? selected() ?? table.active;
  table.read(table.look(state.now));
}

/** Channels of the residual row. */
function bindRows() {
  part("channels")?.addEventListener("input", (/** @type {Event} */ event) => {
    const { value } = /** @type {HTMLInputElement} */ (event.target);
    const number = part("channel-number").value || "0";
    state.set({ channel: value === "one" || event.target === part("channel-number") ? number : value });
  });
}

state.listen((view, changed) => {
  showView(view);
  if ([...changed].every((key) => LARGE.has(key))) return showLarge(table.look(view)); // the table stays
  if (changed.size === 1 && changed.has("opacity") && !view.cell && view.drawn === "light") return; // the style sheet does it
  if (changed.has("channel")) channels.reduce(view.channel).then(draw, (error) => showProblem(error.message));
  draw();
});
gridKeys(table.grid, table.cells, { open: openBig, nudge: moveCursor });
table.grid.addEventListener("focusin", (event) => {
  const cell = table.cells.find((one) => one.element === event.target);
  const grid = cell && table.entry(cell)?.grid;
  if (cell && grid && cell.element.matches(":focus-visible")) setCursor(peakPoint(grid), cell);
});
followPointer(
  root,
  (cursor, frame) => {
    part("readout").setAttribute("aria-live", "off");
    setCursor(cursor, frame === lead.frame ? leadCell() : (table.cells.find((cell) => frame && cell.frame === frame) ?? null));
  },
  (cursor) => {
    state.set({ at: state.now.cell ? cursorText(cursor) : "" });
    setCursor(cursor, null);
  },
);
bindPage(state, {
  i: flip(state, "smooth"),
  ",": nudge(state, "threshold", -5),
  ".": nudge(state, "threshold", 5),
  h: () => state.set({ drawn: DRAWN[1 - DRAWN.indexOf(state.now.drawn)] }),
  ...Object.fromEntries(data.stages.map((stage, index) => [String(index + 1), () => state.set({ stage })])),
  escape: () => state.now.cell && closeBig(),
});
bindRows();
part("other-target").addEventListener("click", () => rerun({ ...data.analysis.request, target: retarget.current }, ""));
new ResizeObserver(draw).observe(table.grid);

openChoice(state);
table.cursor = parseCursor(state.now.at);
table.active = selected() ?? leadCell();
showView(state.now);
drawNow();
lead.takePhoto(part("lead-photo"));
small.take(true);
const base = sources.watch("base", data.analysis, data.heatmaps);
retarget.open();
base
  .then(() => channels.reduce(state.now.channel))
  .then(draw, (error) => showProblem(error.message, true));
