// The photo on its square, under the hand: the pointer drags it, the arrow keys move it.
import { arrowStep } from "../lib/keys.js";
import { boxOf, moved, placeText } from "./place.js";

/** @typedef {import("./place.js").Place} Place */

const STEP = 0.04; // of the side, an arrow key
const REST_MS = 450; // after the last key

export class Held {
  /**
   * @param {HTMLElement} element lies over the photo, in a frame @param {{width: number, height: number}} photo
   * @param {{move: (place: Place) => void, rest: (place: Place) => void}} on
   */
  constructor(element, photo, on) {
    this.element = element;
    this.photo = photo;
    this.on = on;
    /** @type {Place} */
    this.place = { share: 1, x: 0.5, y: 0.5 };
    this.resting = 0;
    element.addEventListener("pointerdown", (event) => this.#grip(event));
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("click", (event) => event.stopPropagation()); // it pins no cursor
  }

  /** @param {Place} place */
  show(place) {
    this.place = place;
    const box = boxOf(place, this.photo);
    for (const [name, value] of Object.entries(box)) this.element.style.setProperty(name, `${100 * value}%`);
    this.element.setAttribute("aria-valuenow", String(Math.round(100 * place.x)));
    this.element.setAttribute("aria-valuetext", placeText(place));
  }

  /** @param {PointerEvent} event */
  #grip(event) {
    if (event.button !== 0) return;
    const { element, place: start } = this;
    const { width: side } = /** @type {HTMLElement} */ (element.closest(".frame")).getBoundingClientRect();
    const end = new AbortController();
    const options = { signal: end.signal };
    element.setPointerCapture(event.pointerId);
    element.classList.add("gripped");
    element.addEventListener("pointermove", (now) => {
      this.#move(moved(start, (now.clientX - event.clientX) / side, (now.clientY - event.clientY) / side, this.photo));
    }, options);
    for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
      element.addEventListener(name, () => {
        end.abort();
        element.classList.remove("gripped");
        if (this.place !== start) this.on.rest(this.place);
      }, options);
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = arrowStep(event.key);
    if (!step) return;
    event.preventDefault();
    event.stopPropagation(); // the page's own arrows
    this.#move(moved(this.place, STEP * step[0], STEP * step[1], this.photo));
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.on.rest(this.place), REST_MS);
  }

  /** @param {Place} place */
  #move(place) {
    this.show(place);
    this.on.move(place);
  }
}
