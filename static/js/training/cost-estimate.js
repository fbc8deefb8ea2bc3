// What the study will cost: at once what the form says, and measured on request.
import { data, make, part, showProblem, tell } from "../lib/dom.js";
import { bytes, duration, setText } from "../lib/format.js";
import { asked, trial } from "./trial.js";
import { plural, whole } from "./words.js";

const LEAST_STEPS = 8; // an epoch should have, where the batch size is automatic; as in app/training/cost.py

/**
 * @typedef {object} Form
 * @property {() => any} request
 * @property {() => boolean} check
 * @property {(error: unknown) => void} refuse
 * @property {() => string[]} mechanisms
 * @property {() => number[] | null} seeds
 * @property {() => any} dataset
 * @property {import("./fields.js").Fields} fields
 */

export class CostEstimate {
  /** @param {Form} form */
  constructor(form) {
    this.form = form;
    /** @type {Map<string, any>} what was measured, by mechanism and settings */
    this.measured = new Map();
    this.busy = false;
    part("cost").addEventListener("click", () => this.measure());
  }

  /** @param {string} mechanism @returns {string} what the measurement depends on */
  #key(mechanism) {
    const request = this.form.request();
    return JSON.stringify(asked({ ...request, seeds: undefined }, "cost", mechanism));
  }

  /** @param {any} mechanism @param {string} name @returns {any} touched, the recipe's own, or the default */
  #value(mechanism, name) {
    const setting = this.form.fields.find(name);
    const instead = (this.form.fields.value("start") === "scratch" ? data.form.scratch : mechanism.recipe) ?? {};
    return setting && !setting.touched && name in instead ? instead[name] : this.form.fields.value(name);
  }

  /** @param {any} mechanism @returns {number} steps of one run; 0 where the batch is not known */
  #steps(mechanism) {
    const images = this.form.dataset()?.train_images ?? 0;
    const kind = this.form.dataset()?.kind;
    const chosen = this.#value(mechanism, "batch_size");
    let batch = chosen || data.form.automatic_batch?.[kind] || 0;
    while (!chosen && kind === "images" && batch > 2 && images / batch < LEAST_STEPS) batch = Math.floor(batch / 2);
    return batch > 0 ? Math.max(1, Math.floor(images / batch)) * this.#value(mechanism, "epochs") : 0;
  }

  /** Show what is known now. */
  estimate() {
    const chosen = this.form.mechanisms();
    const mechanisms = data.form.mechanisms.filter((/** @type {any} */ one) => chosen.includes(one.name));
    const seeds = this.form.seeds()?.length ?? 1;
    const runs = mechanisms.length * seeds;
    const costs = mechanisms.map((/** @type {any} */ one) => this.measured.get(this.#key(one.name)));
    const all = costs.length > 0 && costs.every(Boolean);
    const sum = (/** @type {string} */ name) => seeds * costs.reduce((/** @type {number} */ total, /** @type {any} */ cost) => total + (cost?.[name] ?? 0), 0);
    const steps = mechanisms.map((/** @type {any} */ one) => this.#steps(one));
    const known = steps.every((/** @type {number} */ one) => one > 0);
    const total = seeds * steps.reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b, 0);
    this.#show([
      ["Runs", plural(runs, "run")],
      ["Steps", all ? whole(sum("steps")) : known ? `about ${whole(total)}` : "not measured"],
      ["Time", all ? `about ${duration(sum("seconds"))}` : "not measured"],
      ["Disk", all ? bytes(sum("disk_bytes")) : "not measured"],
    ]);
    part("cost").disabled = !this.form.dataset() || runs === 0;
    if (!this.busy) this.#words(all, mechanisms, costs);
  }

  /** @param {boolean} all @param {any[]} mechanisms @param {any[]} costs */
  #words(all, mechanisms, costs) {
    const each = mechanisms.map((one, index) => `${one.title} ${costs[index] && duration(costs[index].seconds)}`);
    const device = costs[0]?.batch_size ? `, batches of ${[...new Set(costs.map((cost) => cost?.batch_size))].join(" and ")}` : "";
    setText(part("estimate-words"), all ? `Measured on this server${device}. A run each: ${each.join(", ")}.` : "Time and disk are measured by training each network for a few seconds.");
  }

  /** @param {[string, string][]} lines */
  #show(lines) {
    const list = part("estimate");
    if (list.children.length !== lines.length) {
      list.replaceChildren(...lines.map(([name]) => make("div", {}, make("dt", { text: name }), make("dd"))));
    }
    lines.forEach(([, words], index) => setText(list.children[index].lastElementChild, words));
  }

  async measure() {
    if (this.busy || !this.form.check()) return;
    this.busy = true;
    part("cost").setAttribute("aria-busy", "true");
    const chosen = this.form.mechanisms();
    try {
      for (const [index, name] of chosen.entries()) {
        const key = this.#key(name);
        if (this.measured.has(key)) continue;
        const { title } = data.form.mechanisms.find((/** @type {any} */ one) => one.name === name);
        const words = (/** @type {any} */ now) => setText(part("estimate-words"), `${index + 1} of ${chosen.length}: ${title}, ${now.state === "queued" ? "waiting for a worker" : "measuring"}…`);
        this.measured.set(key, await trial(asked(this.form.request(), "cost", name), words));
      }
      showProblem();
      tell("The cost was measured.");
    } catch (error) {
      this.form.refuse(error);
    }
    this.busy = false;
    part("cost").removeAttribute("aria-busy");
    this.estimate();
  }
}
