// A slider over named stops: dragging moves between them, and it comes to rest on one. Without
// motion (as the system asks) it goes from stop to stop.

const GLIDE_MS = 260;
const BACK = new Set(["ArrowLeft", "ArrowDown"]);
const ON = new Set(["ArrowRight", "ArrowUp"]);
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Scrub {
  /**
   * @param {HTMLElement} element with a range input from 0 to the last stop, and a [data-stop] for each stop
   * @param {{move: (position: number) => void, rest: (stop: number) => void}} on
   *   move: between two stops or on one; rest: the visitor has chosen a stop
   */
  constructor(element, on) {
    this.input = /** @type {HTMLInputElement} */ (element.querySelector("input"));
    this.stops = [...element.querySelectorAll("[data-stop]")];
    this.on = on;
    this.position = Number(this.input.value);
    this.stop = this.position;
    this.gliding = 0;
    this.input.addEventListener("input", () => this.#move(this.#near(Number(this.input.value))));
    this.input.addEventListener("change", () => this.choose(Math.round(this.position)));
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.stops.forEach((stop, index) => stop.addEventListener("click", () => this.choose(index)));
    this.#say();
  }

  /** Go to a stop. @param {number} stop @param {boolean} [glide] through what lies between */
  go(stop, glide = true) {
    this.stop = stop;
    this.#say();
    cancelAnimationFrame(this.gliding);
    const [from, start] = [this.position, performance.now()];
    if (from === stop) return;
    if (!glide || still.matches) return this.#move(stop);
    const step = (/** @type {number} */ now) => {
      const part = Math.min(1, Math.max(0, (now - start) / GLIDE_MS));
      this.#move(part === 1 ? stop : from + (stop - from) * (1 - (1 - part) ** 3));
      if (part < 1) this.gliding = requestAnimationFrame(step);
    };
    this.gliding = requestAnimationFrame(step);
  }

  /** @param {number} stop */
  choose(stop) {
    const within = Math.min(this.stops.length - 1, Math.max(0, stop));
    this.go(within);
    this.on.rest(within);
  }

  /** @param {number} position */
  #near(position) {
    cancelAnimationFrame(this.gliding);
    return still.matches ? Math.round(position) : position;
  }

  /** @param {number} position */
  #move(position) {
    this.position = position;
    this.input.value = String(position);
    this.on.move(position);
  }

  #say() {
    this.input.setAttribute("aria-valuetext", this.stops[this.stop].textContent ?? "");
    this.stops.forEach((one, index) => one.classList.toggle("on", index === this.stop));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { key } = event;
    const to = BACK.has(key) ? this.stop - 1 : ON.has(key) ? this.stop + 1 : { Home: 0, End: this.stops.length - 1 }[key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation(); // the page's own arrows
    this.choose(to);
  }
}
