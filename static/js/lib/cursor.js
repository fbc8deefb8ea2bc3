// The cursor: one place of the photo, marked in every cell. The mouse moves it, Shift + arrows too.

/** @typedef {{x: number, y: number}} Cursor fractions of the photo */

/** @param {string} text "x,y" in percent @returns {Cursor | null} */
export function parseCursor(text) {
  const parts = text.split(",").map(Number);
  if (text === "" || parts.length !== 2 || parts.some((part) => !(part >= 0 && part <= 100))) return null;
  return { x: parts[0] / 100, y: parts[1] / 100 };
}

/** @param {Cursor} cursor @returns {string} */
export const cursorText = ({ x, y }) => `${(100 * x).toFixed(1)},${(100 * y).toFixed(1)}`;

/** @param {Element} frame @param {PointerEvent | MouseEvent} event @returns {Cursor} */
function cursorOf(frame, event) {
  const box = frame.getBoundingClientRect();
  const clip = (/** @type {number} */ value) => Math.min(0.9999, Math.max(0, value));
  return {
    x: clip((event.clientX - box.left) / box.width),
    y: clip((event.clientY - box.top) / box.height),
  };
}

/**
 * Follow the pointer over every frame; at most one call per drawn picture.
 * @param {HTMLElement} root
 * @param {(cursor: Cursor | null, frame: HTMLElement | null) => void} onMove
 * @param {(cursor: Cursor, frame: HTMLElement) => void} onPin a click on the photo or the enlarged map
 */
export function followPointer(root, onMove, onPin) {
  let scheduled = 0;
  /** @type {[Cursor | null, HTMLElement | null]} */
  let next = [null, null];
  const later = () => {
    scheduled ||= requestAnimationFrame(() => {
      scheduled = 0;
      onMove(...next);
    });
  };
  root.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    const frame = frameOf(event);
    if (!frame && !next[0]) return;
    next = frame ? [cursorOf(frame, event), frame] : [null, null];
    later();
  });
  root.addEventListener("pointerleave", () => {
    next = [null, null];
    later();
  });
  root.addEventListener("click", (event) => {
    const frame = frameOf(event);
    if (frame?.dataset.frame) onPin(cursorOf(frame, event), frame);
  });
}

/** @param {Event} event @returns {HTMLElement | null} */
const frameOf = (event) => /** @type {Element} */ (event.target).closest(".frame");

/**
 * Mark a cursor in every frame below the root.
 * @param {HTMLElement} root @param {Cursor | null} cursor
 */
export function mark(root, cursor) {
  root.classList.toggle("has-cursor", cursor !== null);
  if (!cursor) return;
  root.style.setProperty("--x", String(cursor.x));
  root.style.setProperty("--y", String(cursor.y));
}
