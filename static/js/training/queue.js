// What runs and what waits: moved by arrows or by dragging a handle, removed by its cross.
import { postJson } from "../lib/api.js";
import { API, attempt, icon, iconButton, make, part, tell } from "../lib/dom.js";
import { duration, setText } from "../lib/format.js";
import { sure } from "../lib/sure.js";
import { STATES } from "./words.js";

/** Jobs run in the server's order: those that run first, then by rank; `items` come so. */
export class Queue {
  /** @param {boolean} may change the order @param {() => Promise<void>} reload */
  constructor(may, reload) {
    this.may = may;
    this.reload = reload;
    this.list = /** @type {HTMLOListElement} */ (part("queue-list"));
    this.key = "";
    /** @type {any[]} */
    this.runs = [];
    this.dragged = "";
    if (may) this.#bindPointer();
  }

  /** @param {any[]} runs running first, then waiting in their order; each with `study` (its name) */
  show(runs) {
    part("queue").hidden = runs.length === 0;
    this.runs = runs;
    if (this.dragged) return; // not under the pointer
    const waiting = this.#waiting();
    part("queue-help").hidden = !this.may || waiting.length < 2;
    const key = runs.map((run) => run.id + run.state).join();
    if (key !== this.key) this.#build();
    this.key = key;
    for (const run of runs) this.#update(run);
  }

  #waiting() {
    return this.runs.filter((run) => run.state === "queued");
  }

  #build() {
    const focused = document.activeElement?.closest("[data-run]")?.getAttribute("data-run");
    const action = document.activeElement?.getAttribute("data-action");
    const waiting = this.#waiting();
    this.list.replaceChildren(...this.runs.map((run) => this.#row(run, waiting.indexOf(run), waiting.length)));
    if (focused && action) this.#focus(focused, action);
  }

  /** @param {any} run @param {number} place among the waiting, -1 @param {number} count */
  #row(run, place, count) {
    const waits = place >= 0;
    const name = `${run.title}, ${run.study}`;
    const buttons = this.may && waits && [
      iconButton("up", `Move ${name} up`, () => this.move(run, place - 1, "up"), { "data-action": "up", disabled: place === 0 }),
      iconButton("down", `Move ${name} down`, () => this.move(run, place + 1, "down"), { "data-action": "down", disabled: place === count - 1 }),
      iconButton("close", `Remove ${name}`, (event) => this.remove(run, event), { "data-action": "remove" }),
    ];
    return make(
      "li.queue-row", { "data-run": run.id, class: `queue-row ${run.state}` },
      make("span.grip", { "data-grip": waits && this.may && count > 1, "aria-hidden": "true" }, waits && this.may && count > 1 ? icon("grip") : ""),
      make("span.queue-name", {}, make("strong", { text: run.title }), ` `, make("a.muted", { href: `/training/${run.study_id}`, text: run.study })),
      make("span.queue-state.small.num.muted"),
      make("progress", { max: 1, value: run.progress, "aria-label": `Progress of ${name}`, hidden: waits }),
      make("span.queue-do", {}, ...(buttons || [])),
    );
  }

  /** @param {any} run */
  #update(run) {
    const row = this.list.querySelector(`[data-run="${run.id}"]`);
    if (!row) return;
    const left = run.status?.seconds_left;
    const running = run.state === "running";
    const words = running && left ? `${run.epoch} of ${run.epochs} epochs, ${duration(left)} left` : STATES[run.state];
    setText(/** @type {Element} */ (row.querySelector(".queue-state")), words);
    /** @type {any} */ (row.querySelector("progress")).value = run.progress;
  }

  /** @param {string} id @param {string} action */
  #focus(id, action) {
    const row = this.list.querySelector(`[data-run="${id}"]`);
    const wanted = /** @type {HTMLButtonElement | null} */ (row?.querySelector(`[data-action="${action}"]:not(:disabled)`));
    (wanted ?? /** @type {HTMLButtonElement | null} */ (row?.querySelector("button:not(:disabled)")))?.focus();
  }

  /**
   * @param {any} run @param {number} place where it goes among the waiting @param {string} [action]
   */
  async move(run, place, action) {
    const others = this.#waiting().filter((one) => one !== run);
    const before = others[place]?.id ?? null;
    const moved = await attempt(null, () => postJson(`${API}/training-runs/${run.id}/move`, { before }));
    await this.reload();
    if (moved) tell(`${run.title} is now ${place + 1} of ${others.length + 1} waiting.`);
    if (action) this.#focus(run.id, action);
  }

  /** @param {any} run @param {Event} event */
  async remove(run, event) {
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    const text = `It will not be trained. “Retry” on the page of ${run.study} puts it last in the queue again.`;
    if (!(await sure({ title: `Remove ${run.title} from the queue?`, text, deed: "Remove" }))) return;
    const removed = await attempt(button, () => postJson(`${API}/training-runs/${run.id}/cancel`));
    await this.reload();
    if (removed) tell(`${run.title} was removed from the queue.`);
  }

  /** Dragging: the row follows the pointer by taking its place among the waiting rows. */
  #bindPointer() {
    this.list.addEventListener("pointerdown", (event) => {
      const grip = /** @type {HTMLElement} */ (event.target).closest("[data-grip]");
      const row = /** @type {HTMLElement | null} */ (grip?.closest("[data-run]"));
      if (!grip || !row) return;
      event.preventDefault();
      this.dragged = row.dataset.run ?? "";
      row.classList.add("dragged");
      this.list.setPointerCapture(event.pointerId);
    });
    this.list.addEventListener("pointermove", (event) => {
      const row = this.dragged && this.list.querySelector(`[data-run="${this.dragged}"]`);
      if (!row) return;
      const rows = [...this.list.querySelectorAll(".queue-row.queued")].filter((one) => one !== row);
      const next = rows.find((one) => event.clientY < one.getBoundingClientRect().top + one.clientHeight / 2);
      if (next) next.before(row);
      else rows.at(-1)?.after(row);
    });
    const drop = () => {
      const row = this.dragged && this.list.querySelector(`[data-run="${this.dragged}"]`);
      const run = this.runs.find((one) => one.id === this.dragged);
      this.dragged = "";
      if (!row || !run) return;
      row.classList.remove("dragged");
      const place = [...this.list.querySelectorAll(".queue-row.queued")].indexOf(row);
      this.key = "";
      if (place !== this.#waiting().indexOf(run)) this.move(run, place);
    };
    this.list.addEventListener("pointerup", drop);
    this.list.addEventListener("pointercancel", drop);
  }
}
