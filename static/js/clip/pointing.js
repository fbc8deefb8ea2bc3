// Pointer and keyboard on the timeline: the ruler scrubs, the lanes take a click or a range.

const DRAG_PX = 5;

/**
 * @param {import("./timeline.js").Timeline} timeline
 * @param {{go: (t: number) => void, range: (range: [number, number] | null) => void, commit: () => void}} on
 */
export function bindPointer(timeline, on) {
  const { plot } = timeline;
  /** @type {{x: number, from: number, scrub: boolean, dragged: boolean} | null} */
  let held = null;
  const timeAt = (/** @type {PointerEvent} */ event) => {
    const box = plot.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * timeline.duration;
  };
  plot.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    const scrub = event.clientY < timeline.ruler.getBoundingClientRect().bottom;
    held = { x: event.clientX, from: timeAt(event), scrub, dragged: false };
    plot.setPointerCapture(event.pointerId);
    if (scrub) on.go(held.from);
  });
  plot.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (!held) return;
    const now = timeAt(event);
    if (held.scrub) return on.go(now);
    held.dragged ||= Math.abs(event.clientX - held.x) > DRAG_PX;
    if (held.dragged) on.range([Math.min(held.from, now), Math.max(held.from, now)]);
  });
  plot.addEventListener("pointerup", (/** @type {PointerEvent} */ event) => {
    if (held && !held.scrub && !held.dragged) on.go(timeAt(event));
    if (held) on.commit();
    held = null;
  });
  plot.addEventListener("pointercancel", () => (held = null));
}

/**
 * What single keys do to the clock. Table keys come first: the grid stops what it takes.
 * @param {{clock: () => import("./clock.js").Clock, times: () => number[], toggle: () => void,
 *   go: (t: number) => void, step: (way: 1 | -1) => void, faster: (by: 1 | -1) => void, mark: (end: 0 | 1) => void}} of
 * @returns {Record<string, () => void>}
 */
export function clockKeys({ clock, times, toggle, go, step, faster, mark }) {
  const move = (/** @type {number} */ by) => () => go(clock().head + by);
  const snippet = (/** @type {1 | -1} */ way) => () => {
    const now = clock().head;
    const found = way > 0 ? times().find((time) => time > now + 0.02) : times().findLast((time) => time < now - 0.02);
    if (found !== undefined) go(found);
  };
  return {
    " ": toggle, k: toggle, j: move(-1), l: move(1), arrowleft: move(-0.5), arrowright: move(0.5),
    ",": () => step(-1), ".": () => step(1), pagedown: snippet(1), pageup: snippet(-1),
    home: () => go(0), end: () => go(clock().duration), "<": () => faster(-1), ">": () => faster(1),
    i: () => mark(0), o: () => mark(1),
  };
}
