// The one clock of the page. A video where it can be played, else the snippets' own frames.
// Both have: time (of the frame shown), head (of the playhead), playing, source(), play, pause,
// seek. `onFrame` is called whenever another frame is to be drawn.
import { loadImage } from "../lib/api.js";

/** @typedef {VideoClock | FrameClock} Clock */

const EDGE = 0.001; // seconds: containers round the times of frames

export class VideoClock {
  /** @param {HTMLVideoElement} video @param {number} fps @param {() => void} onFrame @param {() => void} onState */
  constructor(video, fps, onFrame, onState) {
    this.video = video;
    this.frame = 1 / (fps || 25);
    this.onFrame = onFrame;
    this.time = video.currentTime;
    /** Where it was left: what was asked for, which may lie within the frame shown. */
    this.at = this.time;
    /** @type {number | null} where a seek under way leads */
    this.wanted = null;
    /** @type {number | null} where the video was last sent */
    this.under = null;
    for (const name of ["play", "pause", "ended"]) video.addEventListener(name, onState);
    video.addEventListener("ended", () => {
      if (this.wanted === null) this.at = this.duration;
    });
    video.addEventListener("seeked", () => this.#arrived());
    if ("requestVideoFrameCallback" in video) this.#listen();
    else this.#poll();
  }

  #listen() {
    this.video.requestVideoFrameCallback((_, { mediaTime }) => {
      this.time = mediaTime;
      this.onFrame();
      this.#listen();
    });
  }

  /** Browsers that do not say which frame is shown: the time is all there is. */
  #poll() {
    const { video } = /** @type {any} */ (this);
    if (video.currentTime !== this.time) {
      this.time = video.currentTime;
      this.onFrame();
    }
    requestAnimationFrame(() => this.#poll());
  }

  get duration() {
    return this.video.duration || 0;
  }

  get playing() {
    return !this.video.paused && !this.video.ended;
  }

  /** Smooth while playing, at once while seeking. */
  get head() {
    return this.wanted ?? (this.playing ? this.video.currentTime : this.at);
  }

  get rate() {
    return this.video.playbackRate;
  }

  set rate(value) {
    this.video.playbackRate = value;
    this.video.defaultPlaybackRate = value;
  }

  source() {
    return this.video.readyState >= 2 ? this.video : null;
  }

  play() {
    if (this.head >= this.duration - this.frame / 2) this.wanted = 0;
    if (this.wanted !== null) this.#go(); // now: not from where an older seek ends
    this.video.play().catch(() => {}); // a pause right after it
  }

  pause() {
    if (this.playing) this.at = this.video.currentTime;
    this.video.pause();
  }

  /** One seek at a time; of those asked for meanwhile, only the last is made. @param {number} t */
  seek(t) {
    const free = this.wanted === null;
    this.wanted = this.at = Math.min(Math.max(0, t), this.duration);
    if (free) this.#go();
  }

  #go() {
    this.under = this.wanted;
    this.video.currentTime = (this.wanted ?? 0) + EDGE;
  }

  #arrived() {
    if (this.video.seeking) return; // an older seek's event
    if (this.wanted !== null && this.wanted !== this.under) {
      this.#go();
      return;
    }
    this.wanted = null;
    if (!("requestVideoFrameCallback" in this.video)) this.time = /** @type {any} */ (this.video).currentTime;
    this.onFrame();
  }
}

/**
 * Where the frame before or after the one at the playhead begins, whose rate may vary.
 * @param {Clock} clock @param {number[]} times of the frames, ascending, or none yet @param {1 | -1} way
 */
export function frameBeside(clock, times, way) {
  if (times.length === 0) return clock.head + way * clock.frame;
  const on = times.findLastIndex((time) => time <= clock.head + EDGE);
  return times[Math.min(times.length - 1, Math.max(0, on + way))];
}

/** A clock without a video: time runs by itself and the nearest snippet's frame stands for it. */
export class FrameClock {
  /**
   * @param {HTMLImageElement} poster @param {number} duration @param {number} fps
   * @param {() => void} onFrame @param {() => void} onState
   */
  constructor(poster, duration, fps, onFrame, onState) {
    this.poster = poster;
    this.duration = duration;
    this.frame = 1 / (fps || 25);
    this.onFrame = onFrame;
    this.onState = onState;
    this.time = 0;
    this.rate = 1;
    this.playing = false;
    /** @type {{times: number[], images: HTMLImageElement[]}} */
    this.snippets = { times: [], images: [] };
    poster.addEventListener("load", onFrame, { once: true });
  }

  /** @param {number[]} times @param {(k: number) => string} address of a snippet's frame */
  load(times, address) {
    const images = times.map(() => new Image());
    this.snippets = { times, images };
    times.forEach((_, k) => loadImage(address(k)).then((image) => {
      images[k] = image;
      this.onFrame();
    }, () => {})); // the poster, or the frame beside it, is shown instead
  }

  get head() {
    return this.time;
  }

  source() {
    const { times, images } = this.snippets;
    let best = 0;
    times.forEach((time, k) => {
      if (Math.abs(time - this.time) < Math.abs(times[best] - this.time)) best = k;
    });
    const image = images[best]?.naturalWidth ? images[best] : this.poster;
    return image.naturalWidth ? image : null;
  }

  play() {
    if (this.time >= this.duration) this.time = 0;
    this.playing = true;
    this.onState();
    let last = performance.now();
    const run = (/** @type {number} */ now) => {
      if (!this.playing) return;
      this.time = Math.min(this.duration, this.time + ((now - last) / 1000) * this.rate);
      last = now;
      this.onFrame();
      if (this.time >= this.duration) this.pause();
      else requestAnimationFrame(run);
    };
    requestAnimationFrame(run);
  }

  pause() {
    this.playing = false;
    this.onState();
  }

  /** @param {number} t */
  seek(t) {
    this.time = Math.min(Math.max(0, t), this.duration);
    this.onFrame();
  }
}
