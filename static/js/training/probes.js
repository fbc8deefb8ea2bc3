// The probe images: picked from the thumbnails of the validation split, class by class.
import { API, make, part } from "../lib/dom.js";
import { setText } from "../lib/format.js";

const AT_ONCE = 24; // thumbnails
const MOST = 64; // probes

export class Probes {
  constructor() {
    /** @type {number[]} validation indices, in the order of choosing */
    this.chosen = [];
    /** @type {any} */
    this.dataset = null;
    this.list = part("probes");
    this.shown = 0;
    part("probe-class").addEventListener("change", () => this.#restart());
    part("probe-more").addEventListener("click", () => this.#more());
    part("probe-clear").addEventListener("click", () => this.#clear());
    this.list.addEventListener("change", (/** @type {Event} */ event) => this.#toggle(/** @type {HTMLInputElement} */ (event.target)));
  }

  /** @param {any} dataset */
  open(dataset) {
    if (this.dataset?.id === dataset.id) return;
    this.dataset = dataset;
    this.chosen = [];
    const select = part("probe-class");
    select.hidden = false;
    select.replaceChildren(new Option("one of each class", ""), ...dataset.classes.map((/** @type {any} */ one, /** @type {number} */ index) => new Option(`${one.name} (${one.val})`, String(index))));
    this.#restart();
  }

  #clear() {
    this.chosen = [];
    for (const input of this.list.querySelectorAll("input")) input.checked = false;
    this.#say();
  }

  #restart() {
    this.list.replaceChildren();
    this.shown = 0;
    this.#more();
    this.#say();
  }

  /** Validation indices on offer: images stand class by class. @returns {{index: number, name: string}[]} */
  #offer() {
    const { classes } = this.dataset;
    const chosen = part("probe-class").value;
    let start = 0;
    const out = [];
    for (const [number, { name, val }] of classes.entries()) {
      const count = chosen === "" ? Math.min(1, val) : Number(chosen) === number ? val : 0;
      for (let n = 0; n < count; n += 1) out.push({ index: start + n, name });
      start += val;
    }
    return out;
  }

  #more() {
    const offer = this.#offer();
    const next = offer.slice(this.shown, this.shown + AT_ONCE);
    this.list.append(...next.map(({ index, name }) => this.#thumb(index, name)));
    this.shown += next.length;
    part("probe-more").hidden = this.shown >= offer.length;
  }

  /** @param {number} index @param {string} name */
  #thumb(index, name) {
    const source = `${API}/datasets/${this.dataset.id}/images/val/${index}?size=96`;
    const input = make("input", { type: "checkbox", value: index });
    input.checked = this.chosen.includes(index);
    return make("li", {}, make("label.thumb", {}, input, make("img", { src: source, width: 96, height: 96, alt: `${name}, number ${index}`, loading: "lazy" }), make("span.label", { text: name, "aria-hidden": "true" })));
  }

  /** @param {HTMLInputElement} input */
  #toggle(input) {
    const index = Number(input.value);
    this.chosen = this.chosen.filter((one) => one !== index);
    if (input.checked && this.chosen.length < MOST) this.chosen.push(index);
    else input.checked = false;
    this.#say();
  }

  #say() {
    const full = this.chosen.length >= MOST ? " That is as many as there can be." : "";
    setText(part("probe-count"), this.chosen.length ? `${this.chosen.length} chosen.${full}` : "None chosen: one of each class.");
    part("probe-clear").hidden = this.chosen.length === 0;
  }
}
