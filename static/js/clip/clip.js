// The page of a clip: it joins the view (address, tools, keys), the clock, and what is drawn.
import { cursorWords } from "../analysis/cells.js";
import { Chooser, openChoice, shownModels } from "../analysis/chooser.js";
import { showDownloads } from "../analysis/downloads.js";
import { makeLook } from "../analysis/drawing.js";
import { Legend } from "../analysis/legend.js";
import { bindPage, colours, evidence, isEvidenceMethod, root, showPage } from "../analysis/page.js";
import { Sources } from "../analysis/sources.js";
import { problemOf, rerun, showProblem, showStatus, waitingWords } from "../analysis/status.js";
import { Store } from "../analysis/store.js";
import { classIn, lackingWords, makeTarget, plainTarget } from "../analysis/target.js";
import { flip } from "../analysis/tools.js";
import { DRAWN, Lead } from "../answer/lead.js";
import { getArray, getJson, persist } from "../lib/api.js";
import { followPointer, mark } from "../lib/cursor.js";
import { data, part } from "../lib/dom.js";
import { gridKeys } from "../lib/keys.js";
import { Answers } from "./answers.js";
import { Cells, Pace } from "./cells.js";
import { FrameClock, VideoClock, frameBeside } from "./clock.js";
import { Flow } from "./flow.js";
import { reweighted } from "./fusion.js";
import { bindLayer, layerId, layerOf, showLayer } from "./layer.js";
import { moment } from "./moments.js";
import { Panes } from "./panes.js";
import { loadPlayable } from "./playable.js";
import { bindPointer, clockKeys } from "./pointing.js";
import { bindRange } from "./range.js";
import { Timeline } from "./timeline.js";
import { mapAt } from "./tracks.js";
import { Transport } from "./transport.js";
import { makeViewState } from "./view.js";
import { RULES } from "./words.js";

const { media, rows } = data;
/** @type {any} */
let analysis = data.analysis;
const state = makeViewState();
const methods = data.methods.filter((one) => one.kind !== "channels").map((one) => one.name);
const titles = new Map(data.all_models.concat(rows).map((card) => [card.id, card.title]));
const titleOf = (/** @type {string} */ id) => titles.get(id) ?? id;
const duration = media.duration_s || 1;
const store = new Store(() => later("named"));
const panes = new Panes(part("panes"), () => later("fresh"));
const cells = new Cells(part("grid"), store, () => later());
const chooser = new Chooser(state);
const timeline = new Timeline(part("timeline"), duration);
const legend = new Legend(part("legend"), [["RGB stream"], ["Flow stream"]]);
/** @type {import("./clock.js").Clock} */
let clock = new FrameClock(panes.poster, duration, media.fps, () => later("fresh"), () => transport.show());
const transport = new Transport(part("transport"), () => clock, (way) => step(way));
/** @type {number[]} when the clip's frames are shown */
let frameTimes = [];
const answers = new Answers(rows, timeline, store, {
  titleOf, go: (k) => go(answers.times[k]), share: (value) => state.set({ fusion: value }), problemOf: (id) => problemOf(analysis, id),
});
const range = bindRange(timeline, state, () => clock, (from_s, to_s) => ask({ from_s, to_s }));
const showTarget = makeTarget(rows, (id) => analysis.predictions[id], (target) => ask({ target }));
/** @type {import("../lib/cursor.js").Cursor | null} */
let cursor = null;
/** @type {import("./cells.js").ClipCell | null} */
let pointed = null;

/** What is explained, in every row. */
const target = plainTarget(analysis.request.target, rows);
const knows = (/** @type {string} */ id) => classIn(target, rows.find((card) => card.id === id)?.classes ?? []) !== null;
store.lacking = ({ model, method }) =>
  problemOf(analysis, model) || (isEvidenceMethod(method) && !knows(model) ? lackingWords(target) : "");
/** Ask for something like this analysis, and go there. @param {any} changes */
const ask = (changes) => rerun({ ...analysis.request, ...changes }, "");

/** What is shown unless the visitor chooses: where the first model looked. */
const standard = () => ({
  model: shownModels(state.now)[0], stage: "late", method: methods.includes(evidence.name) ? evidence.name : methods[0],
});
const layer = () => layerOf(state.now, standard(), rows, data.stages, methods);
const layerTracks = () => ({
  rgb: store.entry({ ...layer(), stream: "rgb" }), flow: store.entry({ ...layer(), stream: "flow" }),
});
/** @param {Partial<import("./layer.js").Layer>} change */
const setLayer = (change) => state.set({ layer: layerId({ ...layer(), ...change }) });
const lead = new Lead(rows, data.stages, {
  model: (model) => setLayer({ model }), stage: (stage) => setLayer({ stage }), drawn: (drawn) => state.set({ drawn }),
  seen: () => later("fresh"),
});
const leadMoment = () => moment(answers.times.length > 0 ? answers.times : [0], clock.time, state.now.raw);
function showLead() {
  const [stream] = rows.find(({ id }) => id === layer().model).streams ?? ["rgb"];
  lead.show({
    ...layer(), models: shownModels(state.now), drawn: state.now.drawn, look, waiting: waitingWords(analysis), at: leadMoment(),
    predictionOf: (id) => analysis.predictions[id] && reweighted(analysis.predictions[id], state.now.fusion),
    entryOf: (stage) => store.entry({ ...layer(), stage, stream }),
  });
}

/** @type {import("../analysis/drawing.js").Look} */
let look;

const [READ_MS, REST_MS] = [120, 300]; // cells out of sight are drawn after a rest without another frame
const pace = new Pace();
let [scheduled, lastRead, resting] = [0, 0, 0];
let wasPlaying = false;
const due = { fresh: false, named: false };

/** Draw once, before the next picture. @param {"fresh" | "named"} [what] also */
function later(what) {
  if (what) due[what] = true;
  scheduled ||= requestAnimationFrame(picture);
}

/** One picture. While the clip plays, each asks for the next. @param {number} now */
function picture(now) {
  scheduled = 0;
  if (due.named) describeAll();
  if (due.fresh) panes.take(clock.source());
  const { playing } = clock;
  pace.tick(now, playing && wasPlaying);
  wasPlaying = playing;
  if (due.fresh || due.named) {
    panes.draw(layerTracks(), look, clock.time);
    lead.takeFrame(clock.source(), panes.base.canvas, leadMoment(), playing);
    cells.expire();
    clearTimeout(resting);
    if (!playing) resting = setTimeout(() => (cells.complete(), later()), REST_MS);
  }
  const more = cells.draw(look, panes.base, clock.time, pace.limit);
  timeline.head(clock.head);
  const read = now - lastRead > READ_MS;
  if (read) {
    lastRead = now;
    readAll();
  }
  due.fresh = due.named = false;
  if (playing || more || !read) later();
}

/** What changes with the view or with what has come, not with time. */
function describeAll() {
  const view = state.now;
  const shown = shownModels(view);
  look = makeLook(view, colours, [...store.layers.base.entries.values()].filter((one) => shown.includes(one.model) && !store.lacking(one)));
  const of = layer();
  const tracks = layerTracks();
  panes.name(tracks, { ...of, title: titleOf(of.model), card: rows.find((card) => card.id === of.model) }, view);
  cells.describe(titleOf, layerId(of), view);
  answers.show(analysis.predictions, of, view, data.stages, target);
  showLead();
  legend.show(look, `${titleOf(of.model)}, ${of.stage}`, [tracks.rgb, tracks.flow]);
  [tracks.rgb, tracks.flow].forEach((track, index) => (legend.ramps[index].element.hidden = !track));
}

/** The numbers, a few times a second. */
function readAll() {
  const { raw } = state.now;
  const t = clock.time;
  cells.read(t, state.now, cursor, !clock.playing);
  panes.read(layerTracks(), state.now, t);
  timeline.read(clock.head, raw, !clock.playing);
  answers.at(t);
  transport.read(answers.times, raw);
  const track = pointed && cells.track(pointed);
  const words = track?.data && cursor && pointed
    ? cursorWords(pointed.name(titleOf(pointed.row)), track, mapAt(track, moment(track.times, t, raw)), cursor) : [];
  part("readout").replaceChildren(...words);
}

/** @param {number} t */
function go(t) {
  clock.seek(t);
  later();
  if (!clock.playing) remember();
}

/** A frame on or back. @param {1 | -1} way */
function step(way) {
  clock.pause();
  go(frameBeside(clock, frameTimes, way));
}

let remembering = 0;
/** The address follows a still clock. */
function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(() => !clock.playing && state.set({ t: Number(clock.head.toFixed(3)) }), 300);
}

/** @param {import("./cells.js").ClipCell} cell */
function choose(cell) {
  if (!cell.picture) return;
  state.set({ layer: cell.id });
  part("panes").scrollIntoView({ block: innerWidth > 900 ? "nearest" : "start" });
}

/** @param {import("./view.js").View} view */
function showView(view) {
  showPage(view, RULES);
  showLayer(layer(), view, rows.find(({ id }) => id === layer().model).methods);
  transport.setRate(view.rate);
  const { model, stage, method } = layer();
  chooser.show(view, cells.all);
  showDownloads(view, shownModels(view), ({ dataset: { layerLink: stream } }) => ({ stage, method, ...(stream && { model, stream, raw: String(view.raw) }) }));
  showTarget(target);
}

const sources = new Sources(store, (_, now) => {
  analysis = now;
  answers.take(now.predictions);
  showStatus(now);
  showView(state.now);
  later("named");
  takeFlow().catch((error) => showProblem(error.message));
});

let fetching = false;
async function takeFlow() {
  const { times } = answers;
  if (panes.flow || fetching || times.length === 0) return;
  fetching = true;
  const array = await persist(() => getArray(data.flow?.npy ?? analysis.links.flow)).finally(() => (fetching = false));
  panes.flow = new Flow(array, times);
  if (clock instanceof FrameClock) clock.load(times, (k) => `${analysis.links.self}/frames/${k}.jpg`);
  later("named");
}

async function playVideo() {
  try {
    await loadPlayable(media, panes.video, (words) => panes.wait(words));
  } catch (error) {
    panes.wait(`${/** @type {Error} */ (error).message} The snippets’ frames are shown instead.`);
    return;
  }
  const { time, rate, playing } = clock;
  clock.pause();
  clock = new VideoClock(panes.video, media.fps, () => later("fresh"), () => {
    transport.show();
    later("fresh");
  });
  clock.rate = rate;
  panes.showVideo(true);
  timeline.duration = panes.video.duration || duration;
  clock.seek(time);
  if (playing) clock.play();
}

state.listen((view, changed) => {
  if (changed.has("t") && changed.size === 1) return;
  showView(view);
  later("named");
});
part("grid").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  if (event.key !== " ") return; // plays here too; Enter is for the map
  event.preventDefault();
  event.stopPropagation();
  transport.toggle();
}, true);
gridKeys(part("grid"), cells.all, { open: choose });
followPointer(root, (where, frame) => {
  cursor = where;
  pointed = cells.all.find((cell) => cell.frame === frame) ?? pointedPane(frame);
  mark(root, cursor);
  later();
}, () => {});
/** @param {HTMLElement | null} frame */
const pointedPane = (frame) =>
  cells.all.find((cell) => cell.id === layerId(layer()) && cell.stream === frame?.dataset.frame) ?? null;
bindPointer(timeline, { go, range: range.set, commit: remember });
bindPage(state, {
  ...clockKeys({ clock: () => clock, times: () => answers.times, toggle: () => transport.toggle(), go, step, faster: (by) => transport.faster(by, state), mark: range.mark }),
  ...Object.fromEntries(data.stages.map((stage, index) => [String(index + 1), () => setLayer({ stage })])),
  h: () => state.set({ drawn: DRAWN[1 - DRAWN.indexOf(state.now.drawn)] }),
  d: flip(state, "smooth"),
  r: flip(state, "raw"),
  a: flip(state, "arrows"),
  f: () => state.set({ under: state.now.under === "flow" ? "clip" : "flow" }),
  escape: () => range.set(null),
});
part("rate").addEventListener("change", () => state.set({ rate: Number(part("rate").value) }));
for (const name of ["play", "lead-play", "lead-canvas"]) part(name).addEventListener("click", () => transport.toggle());
bindLayer(state);
const fit = () => later(cells.fit() || panes.fit() ? "fresh" : undefined);
new ResizeObserver(() => {
  panes.fit();
  cells.fit();
  later("fresh");
}).observe(root);
state.listen((_, changed) => changed.has("show") && requestAnimationFrame(fit));

openChoice(state);
sources.watch("base", analysis, data.tracks).catch((error) => showProblem(error.message));
if (state.now.t) clock.seek(state.now.t);
else if (analysis.request.from_s) clock.seek(analysis.request.from_s);
range.show(state.now.range);
later("named");
playVideo();
persist(() => getJson(media.links.times)).then(({ times_s }) => (frameTimes = times_s), () => {}); // else by the usual rate
