// A chart on canvases: one for the lines, one above it for the crosshair; zoom, pointer, keys.
import { batched, make } from "../dom.js";
import { CanvasBackend } from "./draw-backend.js";
import { drawFigure, frame } from "./figure.js";

/** @typedef {import("./figure.js").Line} Line */
/** @typedef {import("./figure.js").Look} Look */

/** @param {HTMLCanvasElement} canvas @param {number} width @param {number} height @returns {CanvasRenderingContext2D} */
function fit(canvas, width, height) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** @param {string} name @returns {string} a token of base.css as a plain colour */
export function colour(name) {
  const probe = make("i", { hidden: true });
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export const palette = () =>
  Object.fromEntries(["ink", "muted", "line", "accent", "paper"].map((name) => [name, colour(name)]));

export class Plot {
  /**
   * @param {HTMLElement} box @param {Look} look
   * @param {{hover?: (x: number | null, plot: Plot, event?: PointerEvent) => void,
   *   zoom?: (view: [number, number] | null) => void, pick?: (x: number) => void}} [act]
   */
  constructor(box, look, act = {}) {
    this.box = box;
    this.look = look;
    this.act = act;
    /** @type {Line[]} */
    this.lines = [];
    /** @type {number | null} */
    this.cross = null;
    /** @type {number | null} */
    this.mark = null;
    /** @type {[number, number] | null} what is being dragged over, px */
    this.drag = null;
    this.family = getComputedStyle(document.body).fontFamily;
    this.under = make("canvas", { "aria-hidden": "true" });
    this.over = make("canvas", { role: "img", tabindex: 0, "aria-label": look.title });
    box.append(this.under, this.over);
    this.draw = batched(() => this.#draw());
    this.drawOver = batched(() => this.#drawOver());
    /** @type {import("./figure.js").Frame} */
    this.place = frame([], look, box.clientWidth, box.clientHeight);
    new ResizeObserver(() => this.draw()).observe(box);
    this.#bindPointer();
    this.over.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (width === 0) return;
    this.place = frame(this.lines, this.look, width, height);
    drawFigure(new CanvasBackend(fit(this.under, width, height), this.family), this.lines, this.look, this.place);
    this.#drawOver();
  }

  #drawOver() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (width === 0) return;
    const { x, left, top, width: inner, height: tall } = this.place;
    const backend = new CanvasBackend(fit(this.over, width, height), this.family);
    const { accent, muted } = this.look.colours;
    const upright = (/** @type {number} */ at, /** @type {import("./draw-backend.js").Stroke} */ stroke) => {
      const px = Math.round(x.to(at)) + 0.5;
      if (px >= left - 1 && px <= left + inner + 1) backend.path([px, top, px, top + tall], stroke);
    };
    if (this.mark !== null) upright(this.mark, { colour: accent, width: 1.5, dash: [4, 3] });
    if (this.cross !== null) upright(this.cross, { colour: muted });
    if (this.drag) {
      const [a, b] = this.drag;
      backend.area([a, top, b, top, b, top + tall, a, top + tall], accent, 0.16);
    }
  }

  /** @param {PointerEvent} event @returns {number} px, inside the axes */
  #px(event) {
    const { left, width } = this.place;
    return Math.min(left + width, Math.max(left, event.clientX - this.box.getBoundingClientRect().left));
  }

  /** @param {number} x @returns {number} where it can be read: inside the axis, at a whole number if so counted */
  #at(x) {
    const { low, high } = this.place.x;
    if (!this.look.whole) return Math.min(high, Math.max(low, x));
    return Math.min(Math.floor(high), Math.max(Math.ceil(low), Math.round(x)));
  }

  #bindPointer() {
    const { over, act } = this;
    over.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      if (event.button !== 0) return;
      if (event.pointerType !== "touch") over.setPointerCapture(event.pointerId);
      this.drag = [this.#px(event), this.#px(event)];
    });
    over.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (this.drag && event.pointerType !== "touch" && act.zoom) this.drag[1] = this.#px(event);
      act.hover?.(this.#at(this.place.x.from(this.#px(event))), this, event);
      this.drawOver();
    });
    over.addEventListener("pointerup", () => this.#release());
    over.addEventListener("pointercancel", () => (this.drag = null));
    over.addEventListener("pointerleave", () => act.hover?.(null, this));
    over.addEventListener("dblclick", () => act.zoom?.(null));
    over.addEventListener("blur", () => act.hover?.(null, this));
  }

  #release() {
    if (!this.drag) return;
    const [a, b] = this.drag.map((px) => this.place.x.from(px));
    const moved = Math.abs(this.drag[0] - this.drag[1]);
    this.drag = null;
    if (moved > 5) this.act.zoom?.([Math.min(a, b), Math.max(a, b)]);
    else this.act.pick?.(a);
    this.drawOver();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { low, high } = this.place.x;
    const part = (high - low) / (event.shiftKey ? 10 : 60);
    const step = this.look.whole ? Math.max(1, Math.round(part)) : part;
    const at = this.cross ?? (low + high) / 2;
    const read = (/** @type {number} */ x) => this.act.hover?.(this.#at(x), this);
    const zoomed = (/** @type {number} */ by) => this.act.zoom?.([Math.max(0, at - (at - low) * by), at + (high - at) * by]);
    const moves = {
      ArrowLeft: () => read(at - step), ArrowRight: () => read(at + step), Home: () => read(low), End: () => read(high),
      "+": () => zoomed(0.6), "=": () => zoomed(0.6), "-": () => this.act.zoom?.(null),
      Escape: () => this.act.zoom?.(null), Enter: () => this.act.pick?.(at),
    };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    moves[event.key]();
  }
}
