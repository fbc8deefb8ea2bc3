// The log of all runs, newest last; it stays at its end while one looks at the end.
import { getJson } from "../lib/api.js";
import { API, make, part } from "../lib/dom.js";
import { runName } from "./words.js";

const MOST = 2000; // lines that are kept on the page

export class Log {
  /** @param {import("./watch.js").Watch} watch */
  constructor(watch) {
    this.watch = watch;
    this.list = part("log");
    this.chosen = part("log-run");
    /** @type {Set<number>} */
    this.known = new Set();
    this.chosen.addEventListener("change", () => this.#filter());
  }

  /** May be repeated. */
  async start() {
    const { runs, seeds } = this.watch;
    const all = this.chosen.options[0];
    this.chosen.replaceChildren(all, ...runs.map((run) => new Option(runName(run, seeds), run.id)));
    await Promise.all(runs.map(async (run) => this.add(run.id, (await getJson(`${API}/training-runs/${run.id}/log`)).items)));
    if (!this.list.children.length) this.list.append(make("li.muted", { "data-none": true, text: "Nothing yet." }));
  }

  /** @param {string} id of the run @param {any[]} lines */
  add(id, lines) {
    const run = this.watch.runs.find((one) => one.id === id);
    const fresh = lines.filter((line) => !this.known.has(line.id));
    if (!run || fresh.length === 0) return;
    this.list.querySelector("[data-none]")?.remove();
    const atEnd = this.list.scrollTop + this.list.clientHeight >= this.list.scrollHeight - 20;
    for (const line of fresh) this.#insert(run, line);
    while (this.list.children.length > MOST) this.list.firstElementChild?.remove();
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  /** @param {any} run @param {any} line */
  #insert(run, line) {
    this.known.add(line.id);
    const time = new Date(line.at);
    const element = make("li", { "data-of": run.id, "data-id": line.id, hidden: this.chosen.value !== "" && this.chosen.value !== run.id },
      make("time.muted.num", { datetime: line.at, title: time.toLocaleString(), text: time.toLocaleTimeString("en-GB") }),
      make("span.log-run", { text: runName(run, this.watch.seeds) }), make("span.log-text", { text: line.text }));
    let before = this.list.lastElementChild; // nearly always the newest
    while (before && Number(before.dataset.id) > line.id) before = before.previousElementSibling;
    if (before) before.after(element);
    else this.list.prepend(element);
  }

  #filter() {
    for (const line of this.list.children) {
      line.hidden = this.chosen.value !== "" && line.dataset.of !== this.chosen.value;
    }
    this.list.scrollTop = this.list.scrollHeight;
  }
}
