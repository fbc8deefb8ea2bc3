// The answer first: the photo (or the clip) large under one map, a sentence, the models' chips, the stages.
import { insteadOfMap, litSpan, spanOf } from "../analysis/drawing.js";
import { showWords } from "../analysis/cells.js";
import { part } from "../lib/dom.js";
import { inWords, setText } from "../lib/format.js";
import { grid } from "../lib/maps.js";
import { Scrub } from "../lib/scrub.js";
import { isDark, Spotlight } from "../lib/spotlight.js";
import { methodTitle } from "../lib/titles.js";
import { Chips } from "./chips.js";
import { fieldOf, meanMap } from "./field.js";
import { Fold } from "./fold.js";
import { placeWords } from "./places.js";
import { answerWords, declines, declineWords, whereWords } from "./sentence.js";

/** @typedef {import("../analysis/store.js").Entry} Entry */
/**
 * @typedef {object} Shown  what the page shows large
 * @property {string} model
 * @property {string[]} models  of the chips, in their order
 * @property {string} stage
 * @property {"light" | "heat"} drawn
 * @property {import("../analysis/drawing.js").Look} look
 * @property {(model: string) => any} predictionOf
 * @property {(model: string) => any} [before] what it said of the photo that is made small now
 * @property {(stage: string) => Entry | null} entryOf  the model's map
 * @property {import("../clip/moments.js").Moment} at
 * @property {string} waiting  what is said while there is no answer
 */

export const DRAWN = ["light", "heat"];

/** What the large view shows. @param {string} title of the model @param {Entry} entry @param {string} drawn */
function mapWords(title, { method, stage, record }, drawn) {
  const found = record.target ? `found “${inWords(record.target)}”` : "paid attention";
  const stages = stage === "combined" ? "all stages combined" : `${stage} stage`;
  const sign = drawn === "light" ? "Light falls" : "Colours lie";
  return `${sign} where ${title} ${found} (${methodTitle(method)}, ${stages}).`;
}

export class Lead {
  /**
   * @param {any[]} cards one a row @param {string[]} stages
   * @param {{model: (id: string) => void, stage: (name: string) => void, drawn: (how: string) => void, seen?: () => void}} choose
   *   seen: it has come into sight, or left it
   */
  constructor(cards, stages, choose) {
    this.element = /** @type {HTMLElement} */ (part("lead"));
    this.cards = cards;
    this.stages = stages;
    this.frame = /** @type {HTMLElement} */ (this.element.querySelector(".frame"));
    this.spotlight = new Spotlight(part("lead-canvas"));
    this.chips = new Chips(part("chips"), cards, choose.model);
    this.scrub = new Scrub(part("scrub"), { move: () => this.paint(), rest: (stop) => choose.stage(stages[stop]) });
    this.fold = new Fold(this.element);
    /** @type {Shown | null} */
    this.shown = null;
    /** @type {CanvasImageSource | null} */
    this.carried = null;
    this.bare = false; // without a map the canvas shows the photo, not the image below it
    part("drawn").addEventListener("input", (/** @type {any} */ { target }) => choose.drawn(target.value));
    this.seen = true;
    new IntersectionObserver(([{ isIntersecting }]) => {
      this.seen = isIntersecting;
      this.paint();
      choose.seen?.();
    }).observe(this.frame);
    const again = () => this.paint();
    document.addEventListener("themechange", again);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  }

  /** A photo: it is taken once it is there. @param {HTMLImageElement} image */
  async takePhoto(image) {
    await image.decode().catch(() => new Promise((resolve) => image.addEventListener("load", resolve, { once: true }))); // it is asked for again
    this.spotlight.take(image);
    this.paint();
  }

  /**
   * A frame of a clip, and the map of its moment.
   * @param {CanvasImageSource | null} source @param {CanvasImageSource} inGrey @param {import("../clip/moments.js").Moment} at
   * @param {boolean} playing
   */
  takeFrame(source, inGrey, at, playing) {
    this.element.classList.toggle("playing", playing);
    if (!this.shown || !source || !this.seen) return;
    this.shown.at = at;
    this.spotlight.take(source, inGrey);
    this.paint();
  }

  /** The picture has another shape. @param {{width: number, height: number}} shape only width by height counts */
  reshape({ width, height }) {
    const canvas = part("lead-canvas");
    const scale = Math.max(canvas.width, canvas.height) / Math.max(width, height);
    [canvas.width, canvas.height] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
    this.spotlight = new Spotlight(canvas);
  }

  /** The photo is on its way to another place: no map belongs to it. @param {CanvasImageSource} source */
  carry(source) {
    this.carried = source;
    this.paint();
  }

  /** It lies there; until its maps come it is shown without. @param {CanvasImageSource | null} source else the page's photo */
  rest(source) {
    this.carried = null;
    this.bare = source !== null;
    if (source) this.spotlight.take(source);
    this.paint();
  }

  /** @param {Shown} shown */
  show(shown) {
    const first = !this.shown;
    this.shown = shown;
    const { model, models, stage, drawn, predictionOf, before } = shown;
    this.scrub.go(this.stages.indexOf(stage), !first);
    for (const radio of part("drawn").querySelectorAll("input")) radio.checked = radio.value === drawn;
    this.chips.order(models);
    this.chips.show(model, predictionOf, before);
    this.#say(shown);
    this.paint();
  }

  /** @param {Shown} shown */
  #say({ model, models, stage, drawn, look, predictionOf, entryOf, waiting }) {
    const card = this.cards.find(({ id }) => id === model);
    const prediction = predictionOf(model);
    const entry = entryOf(stage);
    const count = card.classes.length;
    const target = entry?.record.target ?? "";
    const place = entry?.data ? placeWords(grid(entry.rows, entry.cols, meanMap(entry)), litSpan(entry, look)) : "";
    const others = this.cards.filter(({ id }) => id !== model && models.includes(id))
      .map(({ id, classes }) => ({ prediction: predictionOf(id), classes }));
    const answer = prediction ? answerWords(prediction, card.classes, others) : waiting;
    const where = prediction && place ? whereWords(place, prediction, target) : "";
    setText(part("lead-says"), answer);
    setText(part("lead-where"), where);
    setText(part("lead-strip-words"), `${answer} ${where}`);
    part("lead-strip-words").title = `${answer} ${where}`;
    const lacking = entry?.record.lacking && `${card.title} ${entry.missing}.`;
    const map = lacking || (entry ? mapWords(card.title, entry, drawn) : card.title);
    setText(part("lead-note"), prediction && declines(prediction, count) ? declineWords(prediction, count) : map);
    part("lead-canvas").setAttribute("aria-label", map);
    showWords(this.frame, entry?.data || lacking ? insteadOfMap(entry, look.view) : "");
    if (prediction) this.#toldOnce();
  }

  /** A screen reader says the first answer by itself, later ones with the chip that is chosen. */
  #toldOnce() {
    const heading = part("lead-sentence");
    if (heading.hasAttribute("aria-live")) setTimeout(() => heading.removeAttribute("aria-live"), 2000);
  }

  /** Draw the map at the scrub's place, between two stages or on one. */
  paint() {
    const { shown, spotlight } = this;
    if (!shown || !this.seen) return;
    const layers = this.carried ? [] : this.#layers(shown);
    const ready = spotlight.ready && layers.length > 0;
    const bare = this.carried !== null || (this.bare && !ready);
    this.frame.classList.toggle("lit", ready || bare);
    if (bare) return spotlight.bare(this.carried ?? undefined);
    if (!ready) return;
    const field = fieldOf(layers, shown.at, shown.look.view.smooth);
    const { opacity, threshold } = shown.look.view;
    if (shown.drawn === "heat") return spotlight.heat(field, shown.look.lookup, opacity / 100);
    if (threshold) field.steps.forEach((step, at) => step < 2.55 * threshold && (field.steps[at] = 0));
    spotlight.light(field, isDark());
  }

  /** @param {Shown} shown */
  #layers({ drawn, look, entryOf }) {
    const { position } = this.scrub;
    const low = Math.floor(position);
    const parts = [{ stop: low, weight: 1 - position + low }, { stop: low + 1, weight: position - low }];
    const found = parts.filter(({ weight }) => weight > 0).flatMap(({ stop, weight }) => {
      const entry = entryOf(this.stages[stop]);
      if (!entry?.data || insteadOfMap(entry, look.view)) return [];
      const range = drawn === "light" ? litSpan(entry, look) : spanOf(entry, look);
      return [{ entry, weight, range }];
    });
    return found.length === 1 ? [{ ...found[0], weight: 1 }] : found; // its neighbour has nothing to show
  }
}
