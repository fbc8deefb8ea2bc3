// Several files at once: sent one after another, each with a row that tells its answer or its failure.
import { getJson, isFinal, sleep } from "../lib/api.js";
import { make, part } from "../lib/dom.js";
import { inWords, percent } from "../lib/format.js";
import { ask, sendPatiently } from "./asking.js";

/** @typedef {import("./zip.js").Item} Item */
/** @typedef {{item: Item, root: HTMLElement, analysis: any, state: "waiting" | "sent" | "answered" | "failed"}} Row */

const LOOK_MS = 1000;
const WATCHED = 6; // open analyses that are asked for at a time: a worker takes them in this order

export class Sheet {
  /** @type {Row[]} */
  #rows = [];
  #hidden = 0;
  #sending = false;
  #controller = new AbortController();
  #watching = false;

  /** @param {(busy: boolean) => void} onBusy called when sending begins and ends */
  constructor(onBusy) {
    this.onBusy = onBusy;
    part("batch-stop").addEventListener("click", () => this.#controller.abort());
    addEventListener("beforeunload", (event) => this.#sending && event.preventDefault());
  }

  get isOpen() {
    return !part("batch").hidden;
  }

  /** @param {import("./gather.js").Found} found are put at the end */
  add({ items, hidden }) {
    this.#hidden += hidden;
    for (const item of items) this.#rows.push({ item, root: rowOf(item.name), analysis: null, state: "waiting" });
    part("batch-rows").append(...this.#rows.slice(-items.length || Infinity).map(({ root }) => root));
    const opens = !this.isOpen;
    part("batch").hidden = false;
    if (opens) part("batch-title").focus({ preventScroll: true });
    if (opens) part("batch").scrollIntoView({ block: "nearest" });
    if (this.#sending) this.#show();
    else this.#send();
  }

  async #send() {
    this.#sending = true;
    this.#controller = new AbortController();
    this.onBusy(true);
    this.#show();
    for (let row; (row = this.#rows.find(({ state }) => state === "waiting")); this.#show()) {
      if (this.#controller.signal.aborted) this.#fail(row, "Stopped before it was sent.");
      else await this.#sendOne(row).catch((error) => this.#fail(row, this.#controller.signal.aborted ? "Stopped before it was sent." : error.message));
    }
    this.#sending = false;
    this.onBusy(false);
    this.#show();
  }

  /** @param {Row} row */
  async #sendOne(row) {
    const { signal } = this.#controller;
    const say = (/** @type {string} */ words) => tell(row, words);
    say("Sending");
    const file = await row.item.open();
    const media = await sendPatiently(file, (done) => say(done < 1 ? `Sending, ${Math.round(100 * done)} %` : "Being read"), signal);
    row.root.querySelector(".batch-image")?.append(make("img", { src: `${media.links.view}?size=224`, alt: "" }));
    if (media.note) row.root.append(make("p.batch-note.small", { text: media.note }));
    row.analysis = await ask(media, signal, say);
    row.state = "sent";
    const link = /** @type {HTMLAnchorElement} */ (row.root.querySelector("a"));
    link.href = row.analysis.links.page;
    link.append(make("span.sr", { text: " (opens in a new tab)" }));
    say("Waits for its turn");
    this.#look(row, row.analysis);
    this.#watch();
  }

  async #watch() {
    if (this.#watching) return;
    this.#watching = true;
    for (let open; (open = this.#rows.filter(({ state }) => state === "sent")).length > 0 || this.#sending; ) {
      for (const row of open.slice(0, WATCHED)) {
        const now = await getJson(row.analysis.links.self).catch((error) => (error.status === 404 ? { state: "cancelled" } : null));
        if (now) this.#look(row, now);
      }
      await sleep(LOOK_MS);
    }
    this.#watching = false;
  }

  /** @param {Row} row @param {any} analysis as it is now */
  #look(row, analysis) {
    const first = analysis.predictions?.[analysis.request.models[0]];
    if (first) {
      row.state = "answered";
      const { name, probability } = first.top[0];
      const answer = first.abstained ? ["none of what it knows"] : [make("span", { text: inWords(name) }), " ", make("span.muted", { text: percent(probability) })];
      tell(row, ...answer);
    } else if (isFinal(analysis)) {
      this.#fail(row, analysis.detail ?? "It was deleted or cancelled before there was an answer.");
    } else if (analysis.state === "running") tell(row, "The models look at it");
    row.root.dataset.state = row.state;
    this.#show();
  }

  /** @param {Row} row @param {string} sentence */
  #fail(row, sentence) {
    row.state = "failed";
    row.root.dataset.state = "failed";
    tell(row, sentence);
  }

  #show() {
    const count = (/** @type {string} */ state) => this.#rows.filter((row) => row.state === state).length;
    const [all, answered, failed] = [this.#rows.length, count("answered"), count("failed")];
    /** @type {HTMLProgressElement} */ (part("batch-progress")).value = all ? (answered + failed) / all : 1;
    const words = [`${answered} of ${all} answered`];
    if (failed > 0) words.push(`${failed} not`);
    if (part("batch-count").textContent !== words.join(", ")) part("batch-count").textContent = words.join(", ");
    part("batch-stop").hidden = !this.#sending;
    part("batch-hidden").hidden = this.#hidden === 0;
    part("batch-hidden").textContent = `Left out: ${this.#hidden} hidden ${this.#hidden === 1 ? "file" : "files"} of the system.`;
  }
}

/** @param {string} name @returns {HTMLElement} */
function rowOf(name) {
  return make(
    "li.batch-row", { "data-state": "waiting" },
    make("span.batch-image"),
    make("a.batch-name", { text: name, title: name, target: "_blank", rel: "noopener" }),
    make("span.batch-says.num", { text: "Waits to be sent" }),
  );
}

/** @param {Row} row @param {...(string | Node)} words */
const tell = (row, ...words) => row.root.querySelector(".batch-says")?.replaceChildren(...words);
