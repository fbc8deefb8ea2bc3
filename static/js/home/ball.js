// The home page's figure: a photo lit by stored maps of a shipped model, under the pointer and the keys.
import { getJson, loadImage } from "../lib/api.js";
import { batched, part } from "../lib/dom.js";
import { combine, grid, peakWords, sample } from "../lib/maps.js";
import { isDark, Spotlight } from "../lib/spotlight.js";

/** @typedef {{method: string, stage: string, unit: string, shape: [number, number], values: number[]}} Stored */

const STAGES = ["early", "medium", "late", "combined"];
const SIDE = 224; // of a combined map
const FADE_MS = 260;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const night = matchMedia("(prefers-color-scheme: dark)");

const [ball, canvas, form, scrub] = ["ball", "ball-canvas", "ball-form", "ball-scrub"].map(part);
/** @returns {{stage: string, method: string}} */
const choice = () => ({ stage: form.elements.stage.value, method: form.elements.method.value });

/** @type {Record<string, import("../lib/maps.js").Grid>} by method and stage */
const maps = {};
/** @type {Record<string, Float32Array>} the same on every pixel of the canvas, 0 dark, 255 full light */
const fields = {};
/** @type {Spotlight | null} */
let spotlight = null;
/** @type {Promise<void> | null} */
let loading = null;
/** The part that each stage has in what is drawn. */
let weights = STAGES.map((stage) => Number(stage === choice().stage));
let [start, began] = [weights, -Infinity]; // of a fade
/** @type {number | null} */
let pointer = null; // from 0, early, to 2, late

/** Get the numbers and the photo once somebody is about to use them. */
const load = () => (loading ??= get());

async function get() {
  try {
    const [stored, photo] = await Promise.all([getJson(ball.dataset.maps), loadImage(ball.dataset.photo)]);
    for (const { method, stage, shape, values } of /** @type {Stored[]} */ (stored.maps)) {
      maps[`${method}.${stage}`] = grid(shape[0], shape[1], Float32Array.from(values));
    }
    spotlight = new Spotlight(canvas);
    spotlight.take(photo);
    draw();
    showWords();
  } catch {
    loading = null; // the next move tries again; meanwhile there is the picture
  }
}

/** @param {string} method @param {string} stage */
function mapOf(method, stage) {
  const grids = () => STAGES.slice(0, 3).map((one) => maps[`${method}.${one}`]);
  return (maps[`${method}.${stage}`] ??= combine(grids(), SIDE, SIDE));
}

/** @param {string} method @param {string} stage */
function fieldOf(method, stage) {
  const map = mapOf(method, stage);
  // The level of an even mask is dark: it would light nothing. Evidence and combined maps start at 0.
  const low = method === "attention" && stage !== "combined" ? 1 / map.data.length : 0;
  const factor = map.max > low ? 255 / (map.max - low) : 0;
  return (fields[`${method}.${stage}`] ??= sample(map, canvas.width, canvas.height, true)
    .map((value) => Math.min(255, Math.max(0, (value - low) * factor))));
}

/** @param {string} method @returns {import("../lib/spotlight.js").Field} the stages' maps, by their weights */
function mixed(method) {
  const steps = new Float32Array(canvas.width * canvas.height);
  STAGES.forEach((stage, index) => {
    if (weights[index] > 0) fieldOf(method, stage).forEach((step, at) => (steps[at] += weights[index] * step));
  });
  return { rows: canvas.height, cols: canvas.width, steps: Uint8ClampedArray.from(steps), smooth: true };
}

/** @returns {number[]} where the weights are going */
function goal() {
  if (pointer === null) return STAGES.map((stage) => Number(stage === choice().stage));
  const at = pointer;
  return STAGES.map((_, index) => (index < 3 ? Math.max(0, 1 - Math.abs(at - index)) : 0));
}

const draw = batched((now) => {
  if (!spotlight) return;
  const done = pointer !== null || still.matches ? 1 : Math.min(1, Math.max(0, (now - began) / FADE_MS));
  const end = goal();
  weights = end.map((weight, index) => start[index] + (weight - start[index]) * done);
  spotlight.light(mixed(choice().method), isDark());
  canvas.hidden = false;
  if (done < 1) draw();
});

function fade() {
  [start, began] = [weights, performance.now()];
  draw();
}

/** @returns {string} what is on show */
function words() {
  const { stage, method } = choice();
  const [what, why] = method === "attention"
    ? ["learnt mask", "it looked"] : ["Grad-CAM", "something counts for this answer"];
  const colour = `where there is colour, ${why}.`;
  if (stage === "combined") return `Its ${what} of all three stages, combined: ${colour}`;
  const { rows, cols } = mapOf(method, stage);
  return `Its ${what} of the ${stage} stage, ${rows} × ${cols} values: ${colour}`;
}

function showWords() {
  part("ball-words").textContent = words();
}

/** @param {PointerEvent} event */
function follow(event) {
  const { left, width } = ball.getBoundingClientRect();
  const x = Math.min(1, Math.max(0, (event.clientX - left) / width));
  pointer = 2 * Math.min(1, Math.max(0, (x - 0.1) / 0.8)); // the edges belong to early and late
  scrub.hidden = false;
  scrub.style.setProperty("--at", String(pointer / 2));
  form.elements.stage.value = STAGES[Math.round(pointer)];
  load();
  if (spotlight) showWords();
  draw();
}

function leave() {
  pointer = null;
  scrub.hidden = true;
  fade();
}

ball.addEventListener("pointermove", follow);
ball.addEventListener("pointerdown", follow);
for (const end of ["pointerleave", "pointercancel"]) ball.addEventListener(end, leave);
form.addEventListener("focusin", load);
form.addEventListener("change", async () => {
  await load();
  if (!spotlight) return;
  fade();
  showWords();
  const { stage, method } = choice();
  part("ball-said").textContent = `${words()} It is ${peakWords(mapOf(method, stage))}.`;
});
document.addEventListener("themechange", () => (spotlight ? draw() : load()));
night.addEventListener("change", draw);
if (isDark() !== night.matches) load(); // the picture is for the system's theme
