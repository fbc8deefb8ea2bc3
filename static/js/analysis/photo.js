// The analysis page: it joins the view (address, toolbar, keys) to the maps (store) and the table.
import { getJson } from "../lib/api.js";
import { Colours } from "../lib/colours.js";
import { followPointer, parseCursor, cursorText } from "../lib/cursor.js";
import { data, part } from "../lib/dom.js";
import { bindDownloads, showDownloads } from "./downloads.js";
import { gridKeys, neighbour, shortcuts } from "../lib/keys.js";
import { peakPoint } from "../lib/maps.js";
import { showAnswer } from "./rows.js";
import { RULES } from "../lib/scale.js";
import { bindStatus, showProblem, showStatus } from "./status.js";
import { makeTarget } from "./target.js";
import { Enlarged } from "./enlarged.js";
import { Retarget } from "./retarget.js";
import { Sources } from "./sources.js";
import { Store } from "./store.js";
import { Table } from "./table.js";
import { bindTools, showTools, showTruths, toolShortcuts } from "./tools.js";
import { makeViewState } from "./view.js";

/** @typedef {import("./cells.js").Cell} Cell */

const state = makeViewState();
const colours = new Colours((await getJson(data.urls.colormaps)).maps);
const store = new Store(() => draw());
const table = new Table(store, [...data.all_models, ...data.rows], colours);
const evidence = data.methods.find((one) => one.kind === "evidence")?.name ?? "gradcam";
const sources = new Sources(store, data.analysis, evidence, (layer, analysis) => {
  if (layer === "base") showStatus(analysis);
  draw();
});
const retarget = new Retarget(state, table, sources, draw);
const big = new Enlarged({
  close: () => closeBig(),
  step: (right, down) => stepBig(right, down),
  nudge: (right, down) => selected() && nudge(/** @type {Cell} */ (selected()), right, down),
});
const showTarget = makeTarget(
  () => data.rows.flatMap((card) => predictionOf(card.id) ?? []),
  () => classes(),
  (name) => retarget.change(name),
);

/** @returns {string[]} every class of the models on show */
const classes = () => [
  ...new Set(data.rows.flatMap((card) => [...card.classes, ...table.card(card.id).classes])),
];
/** @param {string} row */
const predictionOf = (row) => store.prediction(table.model(row));
const selected = () => table.cells.find((cell) => cell.key === state.now.cell);

let scheduled = 0;
/** Draw everything once, before the next picture. */
function draw() {
  scheduled ||= requestAnimationFrame(() => {
    scheduled = 0;
    drawNow();
  });
}

function drawNow() {
  const view = state.now;
  const look = table.look(view);
  for (const row of document.querySelectorAll("[data-row]")) {
    const element = /** @type {HTMLElement} */ (row);
    const id = element.dataset.row ?? "";
    showAnswer(element, predictionOf(id), view.truth, retarget.current, table.card(id).classes);
  }
  const cell = selected();
  big.show(Boolean(cell));
  table.draw(look);
  if (cell) drawBig(cell, look);
}

/** @param {Cell} cell @param {import("./cells.js").Look} look */
function drawBig(cell, look) {
  const card = table.card(cell.row);
  const { title, mechanism } = card;
  const { stage, method } = cell;
  big.draw(table.entry(cell), look, { title, mechanism, stage, method, prediction: predictionOf(cell.row) });
}

/** @param {import("./view.js").View} view */
function showView(view) {
  const root = table.root;
  root.dataset.show = view.show;
  root.style.setProperty("--opacity", String(view.opacity / 100));
  const signed = view.signed ? " Signed: evidence against is drawn too, evenly around 0." : "";
  part("rule").textContent = `Scale: ${RULES[view.scale]}${signed}`;
  showHeads(view);
  showTruths(classes(), view.truth);
  showTools(view, colours);
  showDownloads(view, retarget.current === retarget.base ? "" : retarget.current);
  showTarget(retarget.current);
}

/** @param {import("./view.js").View} view */
function showHeads(view) {
  table.imagenet = Boolean(view.head);
  const channel = /^\d+$/.test(view.channel) ? "one" : view.channel;
  for (const [name, value] of [["head", view.head ? "imagenet" : ""], ["channel", channel]]) {
    for (const input of document.querySelectorAll(`input[name="${name}"]`)) {
      const radio = /** @type {HTMLInputElement} */ (input);
      radio.checked = radio.value === value;
    }
  }
  if (part("channel-number")) part("channel-number").hidden = channel !== "one";
  if (channel === "one") part("channel-number").value = view.channel;
}

/** @param {Cell} cell */
function openBig(cell) {
  if (!cell.painter) return;
  table.active = cell;
  state.set({ cell: cell.key });
  drawNow();
  big.element.focus({ preventScroll: true });
  part("bench").scrollIntoView({ block: "nearest" });
  if (innerWidth <= 900) big.element.scrollIntoView({ block: "start" });
}

function closeBig() {
  const cell = selected();
  state.set({ cell: "", at: "" });
  table.cursor = null;
  drawNow();
  cell?.element.focus();
}

/** @param {number} right @param {number} down */
function stepBig(right, down) {
  const cell = selected();
  if (!cell) return;
  let next = neighbour(table.cells, cell, right, down);
  if (!next.painter) next = neighbour(table.cells, next, right, down);
  if (next.painter) openBig(next);
}

/** Move the cursor by one place of the cell's own grid. @param {Cell} cell @param {number} right @param {number} down */
function nudge(cell, right, down) {
  const grid = table.entry(cell)?.grid;
  if (!grid) return;
  const from = table.cursor ?? peakPoint(grid);
  const move = (/** @type {number} */ at, /** @type {number} */ by, /** @type {number} */ count) =>
    (Math.min(count - 1, Math.max(0, Math.floor(at * count) + by)) + 0.5) / count;
  part("readout").setAttribute("aria-live", "polite");
  setCursor({ x: move(from.x, right, grid.cols), y: move(from.y, down, grid.rows) }, cell);
  if (state.now.cell && table.cursor) state.set({ at: cursorText(table.cursor) });
}

/** @param {import("../lib/cursor.js").Cursor | null} cursor @param {Cell | null} cell */
function setCursor(cursor, cell) {
  table.cursor = cursor ?? parseCursor(state.now.at);
  table.active = cell ?? selected() ?? table.active;
  table.read(table.look(state.now));
}

/** @param {HTMLElement | null} frame @returns {Cell | null} */
const cellOf = (frame) => table.cells.find((cell) => cell.painter?.frame === frame) ?? null;

/** Head of the first row, channels of the residual row. */
function bindRows() {
  part("head")?.addEventListener("change", (/** @type {Event} */ event) => {
    retarget.setHead(/** @type {HTMLInputElement} */ (event.target).value !== "");
  });
  part("channels")?.addEventListener("input", (/** @type {Event} */ event) => {
    const { value } = /** @type {HTMLInputElement} */ (event.target);
    const number = part("channel-number").value || "0";
    state.set({ channel: value === "one" || event.target === part("channel-number") ? number : value });
  });
}

state.listen((view, changed) => {
  showView(view);
  if (changed.size === 1 && changed.has("opacity") && !view.cell) return; // the style sheet does it
  if (changed.has("channel")) store.reduce(view.channel).then(draw, (error) => showProblem(error.message));
  draw();
});
gridKeys(table.grid, table.cells, { open: openBig, nudge });
table.grid.addEventListener("focusin", (event) => {
  const cell = table.cells.find((one) => one.element === event.target);
  const grid = cell && table.entry(cell)?.grid;
  if (cell && grid && cell.element.matches(":focus-visible")) setCursor(peakPoint(grid), cell);
});
followPointer(
  table.root,
  (cursor, frame) => {
    part("readout").setAttribute("aria-live", "off");
    setCursor(cursor, cellOf(frame));
  },
  (cursor) => {
    state.set({ at: state.now.cell ? cursorText(cursor) : "" });
    setCursor(cursor, null);
  },
);
shortcuts({
  ...toolShortcuts(state, colours),
  "?": () => part("shortcuts").showModal(),
  escape: () => state.now.cell && closeBig(),
});
part("help").addEventListener("click", () => part("shortcuts").showModal());
bindTools(state);
bindRows();
bindStatus(data.analysis);
bindDownloads(data.analysis);
new ResizeObserver(draw).observe(table.grid);
new ResizeObserver(([tools]) => {
  table.root.style.setProperty("--tools", `${Math.floor(tools.borderBoxSize[0].blockSize)}px`);
}).observe(part("tools"));

table.cursor = parseCursor(state.now.at);
table.active = selected() ?? table.cells.find((cell) => cell.method === "attention" && cell.stage === "combined" && cell.painter) ?? null;
showView(state.now);
drawNow();
const base = sources.watch("base", data.analysis, data.heatmaps);
retarget.open();
base
  .then(() => (state.now.channel === "mean" ? undefined : store.reduce(state.now.channel)))
  .then(draw, (error) => showProblem(error.message, true));
