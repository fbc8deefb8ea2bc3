// The study as the page knows it: its JSON, the numbers of its runs, and the stream of changes.
import { getJson, persist } from "../lib/api.js";
import { API } from "../lib/dom.js";
import { Stream } from "../lib/net.js";
import { Series } from "./series.js";
import { hasSeeds } from "./words.js";

const FIRST_POINTS = 2000; // a run, thinned by the server: some two a pixel of the chart
const GAP = 50; // steps that may be missing without asking for them

/**
 * @typedef {object} Listeners
 * @property {(study: any, before: any) => void} study
 * @property {() => void} numbers    new steps or epochs
 * @property {(runId: string, lines: any[]) => void} notes
 * @property {(sentence: string) => void} problem
 */

export class Watch {
  /** @param {string} id of the study @param {Listeners} listeners */
  constructor(id, listeners) {
    this.address = `${API}/studies/${id}`;
    this.listeners = listeners;
    /** @type {any} */
    this.study = null;
    /** @type {Map<string, Series>} */
    this.series = new Map();
    /** @type {Set<string>} runs whose missing steps are on their way */
    this.fetching = new Set();
    /** @type {{name: string, train: number, val: number}[]} of the dataset */
    this.classes = [];
  }

  /** @returns {any[]} in the study's order */
  get runs() {
    return this.study?.runs ?? [];
  }

  /** @returns {boolean} whether a network is trained with several seeds */
  get seeds() {
    return hasSeeds(this.runs);
  }

  /** @returns {string} address of the dataset */
  get dataset() {
    return `${API}/datasets/${this.study.dataset.id}`;
  }

  /** @returns {string[]} of the classes */
  get names() {
    return this.classes.map((one) => one.name);
  }

  /** The class of a validation image: they stand class by class. @param {number} index @returns {string} */
  probeName(index) {
    let end = 0;
    return this.classes.find((one) => index < (end += one.val))?.name ?? "";
  }

  /** @param {string} id @returns {Series} */
  seriesOf(id) {
    let found = this.series.get(id);
    if (!found) this.series.set(id, (found = new Series()));
    return found;
  }

  /** @param {any} [known] the study's JSON where the page came with it */
  async start(known) {
    this.take(known ?? (await getJson(this.address)));
    const all = this.runs.map((run) => persist(() => this.catchUp(run.id, true))
      .then(() => this.listeners.numbers(), (error) => this.listeners.problem(error.message))); // of one run: the others go on
    this.#follow();
    await Promise.all(all);
    this.listeners.numbers();
    // On the browser's timeline: two pictures later the curves of all runs are drawn.
    requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("curves")));
  }

  /** @param {any} study */
  take(study) {
    const before = this.study;
    if (before?.runs.length === study.runs.length && study.revision < before.revision) return; // older news
    this.study = study;
    for (const run of study.runs) this.seriesOf(run.id).follow(run);
    this.listeners.study(study, before);
  }

  /** Fetch the steps of a run after those that are known. @param {string} id @param {boolean} [thin] */
  async catchUp(id, thin = false) {
    if (this.fetching.has(id)) return;
    this.fetching.add(id);
    try {
      const series = this.seriesOf(id);
      const after = series.last ? `after=${series.last}&` : "";
      const told = await getJson(`${API}/training-runs/${id}/metrics?${after}points=${thin ? FIRST_POINTS : FIRST_POINTS / 4}`);
      series.push(told.points);
      series.addEpochs(told.epochs);
    } finally {
      this.fetching.delete(id);
    }
  }

  #follow() {
    const address = () => `${this.address}/events${this.study.cursor ? `?after=${encodeURIComponent(this.study.cursor)}` : ""}`;
    const stream = new Stream(address, {
      study: (study) => this.take(study),
      points: (all) => this.#points(all),
      epochs: (all) => {
        for (const [id, epochs] of Object.entries(all)) this.seriesOf(id).addEpochs(epochs);
        this.listeners.numbers();
      },
      notes: (all) => {
        for (const [id, lines] of Object.entries(all)) this.listeners.notes(id, lines);
      },
      gone: () => {
        stream.close();
        this.listeners.problem("This study was deleted.");
      },
    }, async () => this.take(await getJson(this.address)));
  }

  /** @param {Record<string, any>} all */
  #points(all) {
    for (const [id, points] of Object.entries(all)) {
      const series = this.seriesOf(id);
      if (this.fetching.has(id)) continue; // these are in the answer that is on its way, or come next time
      if (points.step.length && points.step[0] > series.last + GAP && series.count) this.#mend(id);
      else series.push(points);
    }
    this.listeners.numbers();
  }

  /** A gap: the stream was away for longer than it remembers. @param {string} id */
  #mend(id) {
    this.catchUp(id).then(() => this.listeners.numbers(), () => {});
  }
}
