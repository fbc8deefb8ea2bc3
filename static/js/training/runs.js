// The table of runs: how far each is, what it uses, and what can be done with it.
import { getJson, postJson } from "../lib/api.js";
import { API, attempt, data, iconButton, make, part, tell } from "../lib/dom.js";
import { bytes, duration, setText } from "../lib/format.js";
import { askAndPublish, titleOf } from "../lib/publishing.js";
import { shareWords } from "../lib/shares.js";
import { sure } from "../lib/sure.js";
import { isOver, rate, runName, STATES } from "./words.js";

/** What may be done in which state; the queue's own order by up and down. */
const DEEDS = {
  up: { states: ["queued"], icon: "up", words: "Move up in the queue" },
  down: { states: ["queued"], icon: "down", words: "Move down in the queue" },
  pause: { states: ["queued", "running"], icon: "pause", words: "Pause" },
  resume: { states: ["paused"], icon: "play", words: "Resume" },
  retry: { states: ["failed", "cancelled"], icon: "again", words: "Retry" },
  cancel: { states: ["queued", "running", "paused"], icon: "stop", words: "Cancel" },
};
const CELLS = ["state", "epoch", "accuracy", "rate", "left", "lr", "device"];

/** @param {any} run @param {string} deed */
export const deed = (run, deed) => postJson(`${API}/training-runs/${run.id}/${deed === "retry" ? "resume" : deed}`);

/** @param {any} run @returns {import("../lib/sure.js").Question} */
const cancelling = (run) => ({
  title: `Cancel ${run.title}?`, deed: "Cancel it", keep: "Keep it",
  text: run.state === "queued" ? "It will not be trained." : "It stops now. “Retry” goes on where it was; “Pause” would keep its place.",
});

/** @param {any} run @param {number} judged images or clips that it is measured on @returns {Record<string, string>} */
function figures(run, judged) {
  const { status, summary } = run;
  const going = run.state === "running";
  const memory = [status.memory_bytes && `${bytes(status.memory_bytes)}`, status.gpu_memory_bytes && `GPU ${bytes(status.gpu_memory_bytes)}`].filter(Boolean).join(", ");
  const use = Number.isFinite(status.cpu_percent) ? `CPU ${Math.round(status.cpu_percent)} %` : "";
  return {
    state: STATES[run.state],
    epoch: run.epochs ? `${run.epoch} / ${run.epochs}` : "–",
    accuracy: shareWords(summary ? summary.val_accuracy : run.best, summary?.images ?? judged),
    rate: status.images_per_s ? String(Math.round(status.images_per_s)) : "–",
    left: going && Number.isFinite(status.seconds_left) ? duration(status.seconds_left) : summary?.seconds ? `took ${duration(summary.seconds)}` : "–",
    lr: going && Number.isFinite(status.lr) ? rate(status.lr) : "–",
    device: going ? [status.device, use, memory].filter(Boolean).join(" · ") || "–" : "–",
  };
}

export class Runs {
  /** @param {import("./watch.js").Watch} watch @param {(run: any) => HTMLElement} swatch */
  constructor(watch, swatch) {
    this.watch = watch;
    this.swatch = swatch;
    this.body = part("runs");
    /** @type {Map<string, {row: HTMLElement, below: HTMLElement, cells: Record<string, HTMLElement>, actions: HTMLElement, key: string}>} */
    this.rows = new Map();
  }

  show() {
    const { runs } = this.watch;
    if (runs.map((run) => run.id).join() !== [...this.rows.keys()].join()) this.#build(runs);
    for (const run of runs) this.#update(run);
  }

  /** @param {any[]} runs */
  #build(runs) {
    this.rows.clear();
    const seeds = this.watch.seeds;
    this.body.replaceChildren(...runs.flatMap((run) => {
      const cells = Object.fromEntries(CELLS.map((name) => [name, make(["state", "device"].includes(name) ? "td" : "td.n")]));
      const bar = make("progress", { max: 1, value: run.progress, "aria-label": `Progress of ${runName(run, seeds)}` });
      const actions = make("td.deeds");
      const row = make("tr", { "data-run": run.id }, make("th", { scope: "row" }, this.swatch(run), runName(run, seeds)), ...Object.values(cells), actions);
      cells.state.append(make("span.state"), bar);
      const below = make("tr.below", { hidden: true }, make("td", { colspan: 9 }));
      this.rows.set(run.id, { row, below, cells, actions, key: "" });
      return [row, below];
    }));
  }

  /** @param {any} run */
  #update(run) {
    const { cells, key, actions, below } = /** @type {any} */ (this.rows.get(run.id));
    const best = Math.max(...this.watch.seriesOf(run.id).epochs.map((one) => one.val_accuracy));
    const said = figures(Number.isFinite(best) ? { ...run, best } : run, this.watch.study.dataset.val_images);
    for (const name of CELLS) setText(name === "state" ? cells.state.firstChild : cells[name], said[name]);
    cells.state.firstChild.className = `state ${run.state}`;
    const bar = cells.state.lastChild;
    if (bar.value !== run.progress) bar.value = run.progress;
    bar.hidden = isOver(run) || run.state === "queued";
    const now = [run.state, run.model_id, run.detail, run.message, this.#place(run)].join();
    if (now === key) return;
    /** @type {any} */ (this.rows.get(run.id)).key = now;
    this.#deeds(run, actions);
    this.#below(run, below);
  }

  /** @param {any} run @returns {number[]} its place among those that wait, and how many these are */
  #place(run) {
    const waiting = this.watch.runs.filter((one) => one.state === "queued");
    return [waiting.indexOf(run), waiting.length];
  }

  /** @param {any} run @param {HTMLElement} cell */
  #deeds(run, cell) {
    const name = runName(run, this.watch.seeds);
    const [place, count] = this.#place(run);
    const had = cell.contains(document.activeElement) ? document.activeElement?.getAttribute("data-deed") : null;
    const fits = Object.entries(DEEDS).filter(([deedName, { states }]) => {
      if (!states.includes(run.state)) return false;
      return !(deedName === "up" && place < 1) && !(deedName === "down" && place > count - 2);
    });
    const buttons = fits.map(([id, { icon, words }]) =>
      iconButton(/** @type {any} */ (icon), `${words}: ${name}`, (event) => this.#do(run, id, event), { "data-deed": id }));
    const more = run.state === "succeeded" ? this.#publishing(run, name) : [];
    cell.replaceChildren(make("div.deed-row", {}, ...(data.may.train ? buttons : []), ...more));
    if (had) /** @type {HTMLElement | null} */ (cell.querySelector(`[data-deed="${had}"]`) ?? cell.querySelector("button"))?.focus();
  }

  /** @param {any} run @param {string} name */
  #publishing(run, name) {
    const parts = [];
    if (run.model_id) parts.push(make("a.small", { href: `/models/${run.model_id}`, "aria-label": `In the table as ${run.model_id}`, title: "In the table", text: run.model_id }));
    if (data.may.admin) {
      const word = run.model_id ? "Unpublish" : "Publish";
      parts.push(make("button.button.small-button", { type: "button", "data-deed": "publish", "aria-label": `${word} ${name}`, text: word, onclick: (/** @type {Event} */ event) => this.#publish(run, event) }));
    }
    const load = (/** @type {string} */ href, /** @type {string} */ word, /** @type {string} */ what) =>
      parts.push(make("a.button.small-button", { href, download: true, "aria-label": `${what} of ${name}`, title: what, text: word }));
    load(run.links.checkpoint, "Weights", "Checkpoint (safetensors)");
    load(run.links.card, "Card", "Model card (JSON)");
    return parts;
  }

  /** Failure in a sentence with what lies behind it folded; what a published run is called. @param {any} run @param {HTMLElement} below */
  #below(run, below) {
    const cell = /** @type {HTMLElement} */ (below.firstElementChild);
    const failed = run.state === "failed";
    const waits = run.state === "running" && run.step === 0 && run.message;
    below.hidden = !(failed || waits);
    if (failed) {
      cell.replaceChildren(make("p.failure", { text: run.detail ?? "The run failed inside the server." }),
        run.traceback ? make("details", {}, make("summary.label", { text: "What the program said" }), make("pre.traceback", { tabindex: 0, text: run.traceback })) : "");
    } else if (waits) cell.replaceChildren(make("p.label", { text: run.message }));
  }

  /** @param {any} run @param {string} id @param {Event} event */
  async #do(run, id, event) {
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    if (id === "cancel" && !(await sure(cancelling(run)))) return;
    const worked = await attempt(button, () => (id === "up" || id === "down" ? this.#move(run, id) : deed(run, id)));
    if (worked) await this.#again();
  }

  /** @param {any} run @param {string} way */
  async #move(run, way) {
    const { items } = await getJson(`${API}/training-runs?queue=true`);
    const waiting = items.filter((/** @type {any} */ one) => one.state === "queued");
    const at = waiting.findIndex((/** @type {any} */ one) => one.id === run.id);
    const others = waiting.filter((/** @type {any} */ one) => one.id !== run.id);
    const place = Math.max(0, at + (way === "up" ? -1 : 1));
    await postJson(`${API}/training-runs/${run.id}/move`, { before: others[place]?.id ?? null });
    tell(`${run.title} is now ${Math.min(place, others.length) + 1} of ${waiting.length} waiting.`);
  }

  /** @param {any} run @param {Event} event */
  async #publish(run, event) {
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    if (run.model_id) {
      const text = "New analyses cannot use it; stored ones keep its rows.";
      if (!(await sure({ title: `Unpublish ${run.title}?`, text, deed: "Unpublish" }))) return;
      const worked = await attempt(button, () => postJson(`${API}/training-runs/${run.id}/unpublish`));
      if (worked) tell(`${run.title} is no longer in the table.`);
    } else {
      const model = await askAndPublish(`${API}/training-runs/${run.id}`, titleOf(run.title, this.watch.study.dataset.name));
      if (model) tell(`Published as ${model.title}.`);
    }
    await this.#again();
  }

  async #again() {
    await getJson(this.watch.address).then((study) => this.watch.take(study), () => {});
  }
}
