// The player's four panes: the clip, its motion, and both streams' maps over it, in step.
import { showWords } from "../analysis/cells.js";
import { insteadOfMap } from "../analysis/drawing.js";
import { setText } from "../lib/format.js";
import { methodTitle } from "../lib/titles.js";
import { drawWheel } from "./flow.js";
import { moment } from "./moments.js";
import { Base, Picture } from "./picture.js";
import { wordsAt } from "./tracks.js";

/** @typedef {import("./tracks.js").Track} Track */
/** @typedef {import("../analysis/drawing.js").Look} Look */

export class Panes {
  /** @param {HTMLElement} root @param {() => void} onSeen it has come into sight, or left it */
  constructor(root, onSeen) {
    this.root = root;
    this.base = new Base();
    /** @type {Record<string, {figure: HTMLElement, picture: Picture, words: Element}>} */
    this.panes = {};
    for (const figure of root.querySelectorAll("[data-pane]")) {
      const element = /** @type {HTMLElement} */ (figure);
      this.panes[element.dataset.pane ?? ""] = {
        figure: element,
        picture: new Picture(/** @type {HTMLElement} */ (element.querySelector(".frame"))),
        words: /** @type {Element} */ (element.querySelector("[data-pane-words]")),
      };
    }
    this.video = /** @type {HTMLVideoElement} */ (root.querySelector("video"));
    this.poster = /** @type {HTMLImageElement} */ (root.querySelector("[data-pane=clip] img"));
    this.waiting = /** @type {HTMLElement} */ (root.querySelector("[data-waiting]"));
    /** @type {import("./flow.js").Flow | null} */
    this.flow = null;
    this.seen = true;
    /** @type {Record<string, string>} what a stream says at any time */
    this.instead = { rgb: "", flow: "" };
    new IntersectionObserver(([{ isIntersecting }]) => {
      this.seen = isIntersecting;
      onSeen();
    }).observe(root);
    drawWheel(/** @type {HTMLCanvasElement} */ (root.querySelector("[data-wheel]")));
    this.fit();
  }

  /** @returns {boolean} whether any pane changed its size */
  fit() {
    const changed = Object.values(this.panes).filter(({ picture }) => picture.fit()).length > 0;
    const sizes = Object.values(this.panes).map(({ picture }) => picture.canvas);
    const width = Math.max(...sizes.map((one) => one.width));
    return this.base.fit(width, Math.max(...sizes.map((one) => one.height))) || changed;
  }

  /** Show the video itself, or the snippets' frames in its place. @param {boolean} on */
  showVideo(on) {
    this.video.hidden = !on;
    this.panes.clip.picture.canvas.hidden = on;
  }

  /** @param {string} words or "" */
  wait(words) {
    this.waiting.hidden = !words;
    setText(this.waiting, words);
  }

  /** A frame of the clip has come. @param {CanvasImageSource | null} source */
  take(source) {
    this.base.draw(source);
    const { canvas, context } = this.panes.clip.picture;
    if (!canvas.hidden && source) context.drawImage(source, 0, 0, canvas.width, canvas.height);
  }

  /**
   * @param {{rgb: Track | null, flow: Track | null}} layers @param {Look} look @param {number} t
   */
  draw(layers, look, t) {
    const { base, flow, panes } = this;
    if (!base.ready || !this.seen) return;
    const moving = flow ? flow.draw(moment(flow.times, t, look.view.raw)) : null;
    const { picture } = panes.motion;
    picture.ground(base, moving);
    if (flow && look.view.arrows) flow.arrows(picture.context, picture.canvas.width, picture.canvas.height);
    for (const stream of ["rgb", "flow"]) {
      const track = layers[stream];
      panes[stream].picture.ground(base, stream === "flow" && look.view.under === "flow" ? moving : null);
      if (track?.data) panes[stream].picture.map(track, look, t);
    }
  }

  /**
   * @param {{rgb: Track | null, flow: Track | null}} layers
   * @param {{title: string, stage: string, method: string, card: any}} of
   * @param {import("./view.js").View} view
   */
  name(layers, { title, stage, method, card }, view) {
    const fastest = this.flow ? `up to ${this.flow.fastest.toPrecision(2)} px a frame` : "";
    setText(this.panes.motion.words, fastest);
    for (const stream of ["rgb", "flow"]) {
      const { figure, picture, words } = this.panes[stream];
      const absent = !streamsOf(card).includes(stream);
      figure.classList.toggle("absent", absent);
      const what = `${stage} · ${methodTitle(method)}`;
      setText(words, absent ? "" : what);
      picture.canvas.setAttribute("aria-label", `${stream === "rgb" ? "RGB" : "Flow"} stream: ${title}, ${what}`);
      const track = layers[stream];
      this.instead[stream] = track ? insteadOfMap(track, view) : missingWords(method, stream, card);
      showWords(picture.frame, this.instead[stream]);
    }
  }

  /** What a stream has nothing to show of now is said in words. @param {{rgb: Track | null, flow: Track | null}} layers @param {import("./view.js").View} view @param {number} t */
  read(layers, view, t) {
    for (const stream of ["rgb", "flow"]) {
      showWords(this.panes[stream].picture.frame, this.instead[stream] || wordsAt(layers[stream], view, t));
    }
  }
}

/** @param {any} card @returns {string[]} */
const streamsOf = (card) => card.streams ?? ["rgb", "flow"];

/** @param {string} method @param {string} stream @param {any} card */
function missingWords(method, stream, card) {
  if (!streamsOf(card).includes(stream)) {
    return stream === "flow" ? "This model has no flow stream: it sees the frames only." : "This model has no RGB stream: it sees the motion only.";
  }
  if (method === "attention" && !card.methods.includes("attention")) return "This model learns no mask";
  return "Not ready yet";
}
