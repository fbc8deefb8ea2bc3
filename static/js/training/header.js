// The head of a study: what it is, how far it is, what can be done with all of it.
import { getJson } from "../lib/api.js";
import { attempt, part, tell } from "../lib/dom.js";
import { ago, duration, setText } from "../lib/format.js";
import { sure } from "../lib/sure.js";
import { deed } from "./runs.js";
import { isActive, isOver, plural, runName, STATES, summary } from "./words.js";

const WHICH = {
  pause: (/** @type {any} */ run) => isActive(run), resume: (/** @type {any} */ run) => run.state === "paused",
  retry: (/** @type {any} */ run) => run.state === "failed", cancel: (/** @type {any} */ run) => !isOver(run),
};

/** @param {any} run @returns {number} seconds that it still takes, as far as it is known */
const left = (run) => (run.state === "running" ? run.status.seconds_left ?? 0 : 0);

/** @param {any} run @returns {number} seconds from its first to its last step; 0 while nobody knows */
function whole(run) {
  if (run.summary) return run.summary.seconds;
  if (run.state !== "running" || run.progress < 0.02 || run.progress > 0.98) return 0;
  return left(run) / (1 - run.progress);
}

export class Header {
  /** @param {import("./watch.js").Watch} watch */
  constructor(watch) {
    this.watch = watch;
    for (const button of document.querySelectorAll("[data-all]")) {
      button.addEventListener("click", () => this.#all(/** @type {HTMLElement} */ (button)));
    }
    part("delete")?.addEventListener("click", () => this.#delete());
  }

  /** @param {any} study @param {any} before */
  show(study, before) {
    const { runs } = study;
    setText(part("name"), study.name);
    setText(part("facts"), `${study.dataset.name} · ${plural(runs.length, "run")} · ${study.created_by}, ${ago(new Date(study.created_at))}`);
    setText(part("state"), this.#words(runs));
    part("progress").value = runs.reduce((/** @type {number} */ sum, /** @type {any} */ run) => sum + (run.state === "succeeded" ? 1 : run.progress), 0) / Math.max(1, runs.length);
    for (const [name, fits] of Object.entries(WHICH)) {
      const button = document.querySelector(`[data-all="${name}"]`);
      if (button instanceof HTMLElement) button.hidden = runs.filter(fits).length < (name === "retry" ? 2 : 1);
    }
    const remove = part("delete");
    if (remove) remove.hidden = !runs.every(isOver) || runs.some((/** @type {any} */ run) => run.model_id);
    if (before) this.#changes(runs, before.runs);
  }

  /** @param {any[]} runs */
  #words(runs) {
    const going = runs.filter((run) => run.state === "running");
    const seconds = Math.max(0, ...going.map(left));
    const waiting = runs.filter((run) => run.state === "queued").length;
    // Runs that wait take about as long as those before them, on the same images.
    const lengths = runs.map(whole).filter((one) => one > 0);
    const mean = lengths.reduce((sum, one) => sum + one, 0) / Math.max(1, lengths.length);
    const total = seconds + waiting * mean;
    return total > 0 && going.every((run) => run.progress > 0.02) ? `${summary(runs)}, about ${duration(total)} left` : summary(runs);
  }

  /** Screen readers hear of a run's end and of its failure, not of every step. @param {any[]} runs @param {any[]} before */
  #changes(runs, before) {
    const was = new Map(before.map((run) => [run.id, run.state]));
    const changed = runs.filter((run) => was.get(run.id) !== run.state && run.state !== "queued");
    if (changed.length) tell(changed.map((run) => `${runName(run, this.watch.seeds)}: ${STATES[run.state]}`).join(". "));
  }

  /** @param {HTMLElement} button */
  async #all(button) {
    const name = button.dataset.all ?? "";
    const runs = this.watch.runs.filter(WHICH[name]);
    const question = { title: `Cancel ${plural(runs.length, "run")}?`, text: "What is trained so far is kept; each can be resumed.", deed: "Cancel all", keep: "Go on" };
    if (name === "cancel" && !(await sure(question))) return;
    // Those that wait first, so that none of them starts while the others are being stopped.
    const order = [...runs].sort((a, b) => Number(a.state === "running") - Number(b.state === "running"));
    await attempt(button, async () => {
      for (const run of order) await deed(run, name);
    });
    await getJson(this.watch.address).then((study) => this.watch.take(study), () => {});
  }

  async #delete() {
    const text = "Its runs, curves, masks and networks are removed from the server’s disk.";
    if (!(await sure({ title: `Delete “${this.watch.study.name}”?`, text, deed: "Delete" }))) return;
    const gone = await attempt(part("delete"), () => getJson(this.watch.address, { method: "DELETE" }));
    if (gone) location.assign("/training");
  }
}
