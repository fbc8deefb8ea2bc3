// "Make it small": the photo at another size and place on shuffled tiles, and what the models said before.
import { follow, isFinal, loadImage, postJson } from "../lib/api.js";
import { API, data, part } from "../lib/dom.js";
import { setText } from "../lib/format.js";
import { Held } from "./held.js";
import { boxOf, compose, LEAST } from "./place.js";
import { foundWords, rowWords } from "./words.js";

/** @typedef {import("./place.js").Place} Place */

/** @type {Place} */
const START = { share: 0.35, x: 0.8, y: 0.2 };
const SIDE = 896; // px of the preview, as of the server's picture

export class Small {
  /**
   * @param {import("../answer/lead.js").Lead} lead
   * @param {{ask: (place: Place | null) => void, draw: () => void, fail: (sentence: string) => void}} on
   */
  constructor(lead, on) {
    this.lead = lead;
    this.on = on;
    this.panel = /** @type {HTMLFormElement} */ (part("shrink"));
    this.held = new Held(part("held"), data.media, { move: (place) => this.#move(place), rest: (place) => this.#rest(place) });
    this.moving = false; // an answer that comes meanwhile is not of where it will lie
    this.canvas = document.createElement("canvas");
    this.canvas.width = this.canvas.height = SIDE;
    /** @type {Promise<[HTMLImageElement, HTMLImageElement]> | null} ground and photo */
    this.images = null;
    /** @type {any} the analysis of the photo as it is */
    this.original = null;
    /** @type {Promise<void> | null} */
    this.finding = null;
    part("make-small").addEventListener("click", () => this.#start());
    part("shrink-back").addEventListener("click", () => {
      on.ask(null);
      part("make-small").focus();
    });
    this.panel.addEventListener("submit", (event) => event.preventDefault());
    this.panel.addEventListener("input", ({ target }) => this.#resize(/** @type {any} */ (target), false));
    this.panel.addEventListener("change", ({ target }) => this.#resize(/** @type {any} */ (target), true));
  }

  /** @returns {Place | null} where the models see it now */
  get place() {
    return data.analysis.request.place ?? null;
  }

  #start() {
    if (this.place) return this.held.element.focus();
    this.on.ask(START);
  }

  /** What the page shows is of this analysis now. @param {boolean} [first] */
  async take(first = false) {
    const { place } = this;
    const opened = this.panel.hidden && place;
    this.panel.hidden = this.held.element.hidden = !place;
    part("make-small").hidden = Boolean(place);
    if (!place || this.moving) return;
    this.held.show(place);
    this.#showShare(place.share);
    if (opened && !first) this.held.element.focus();
    if (!first) await this.#preview(place);
    this.lead.rest(first ? null : this.canvas);
    this.finding ??= this.#find();
  }

  /** @param {Place} place */
  #move(place) {
    this.moving = true;
    this.#preview(place);
  }

  /** @param {Place} place */
  #rest(place) {
    this.moving = false;
    this.on.ask(place);
  }

  /** @param {Place} place */
  async #preview(place) {
    this.images ??= Promise.all([loadImage(this.panel.dataset.ground ?? ""), loadImage(data.media.links.view)]);
    try {
      compose(this.canvas, ...(await this.images), boxOf(place, data.media));
      this.lead.carry(this.canvas);
    } catch {
      this.images = null; // the next move tries again
    }
  }

  /** @param {HTMLInputElement} field @param {boolean} done not still sliding */
  #resize(field, done) {
    const place = { ...this.held.place, share: Number(field.value) / 100 };
    this.held.show(place);
    this.#showShare(place.share);
    if (done) this.#rest(place);
    else this.#move(place);
  }

  /** @param {number} share */
  #showShare(share) {
    const percent = Math.round(100 * share);
    part("shrink-share").value = String(Math.max(100 * LEAST, percent));
    setText(part("shrink-percent"), `${percent} %`);
    for (const radio of this.panel.querySelectorAll('[type="radio"]')) {
      const one = /** @type {HTMLInputElement} */ (radio);
      one.checked = Number(one.value) === percent;
    }
  }

  /** Keep what the models say of the photo as it is. @param {any} analysis that has become the page's */
  keep(analysis) {
    if (!analysis.request.place) this.original = analysis;
  }

  /** The photo as it is: a stored answer, or another one to wait for. */
  async #find() {
    if (this.original && isFinal(this.original)) return;
    const take = (/** @type {any} */ now) => {
      this.original = now;
      this.on.draw();
    };
    try {
      const analysis = await postJson(`${API}/analyses`, { ...data.analysis.request, place: null });
      take(analysis);
      if (!isFinal(analysis)) follow(analysis, take);
    } catch (error) {
      this.on.fail(/** @type {Error} */ (error).message);
    }
  }

  /** @param {string} model @returns {any} what it says of the photo as it is; null where that is on show */
  before(model) {
    return this.place ? (this.original?.predictions[model] ?? null) : null;
  }

  /**
   * @param {(model: string) => any} predictionOf
   * @param {{method: string, entry: any}[]} maps of the stage on show @param {string} stage
   */
  show(predictionOf, maps, stage) {
    for (const line of document.querySelectorAll("[data-before]")) {
      const model = /** @type {HTMLElement} */ (line).dataset.before ?? "";
      setText(line, this.place ? rowWords(predictionOf(model), this.before(model)) : "");
    }
    if (this.place) setText(part("shrink-found"), foundWords(maps, boxOf(this.place, data.media), stage));
  }
}
