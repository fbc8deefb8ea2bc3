// The keyboard: arrows between cells (one tab stop for the whole table), and the shortcuts.

/** @typedef {{element: HTMLElement, row: string}} Cell as the photo's and the clip's tables have it */

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Only cells on show can be reached. @template {Cell} T @param {T[]} cells @returns {T[][]} by row */
export function visibleRows(cells) {
  /** @type {Map<string, T[]>} */
  const rows = new Map();
  for (const cell of cells) {
    if (cell.element.offsetParent === null) continue;
    rows.set(cell.row, [...(rows.get(cell.row) ?? []), cell]);
  }
  return [...rows.values()];
}

/**
 * The neighbour of a cell, or the cell itself at an edge.
 * @template {Cell} T @param {T[]} cells @param {T} from @param {number} right @param {number} down
 * @returns {T}
 */
export function neighbour(cells, from, right, down) {
  const rows = visibleRows(cells);
  const y = rows.findIndex((row) => row.includes(from));
  if (y < 0) return rows[0]?.[0] ?? from;
  const row = rows[Math.min(rows.length - 1, Math.max(0, y + down))];
  const x = rows[y].indexOf(from) + right;
  return row[Math.min(row.length - 1, Math.max(0, x))];
}

/**
 * Roving tab stop and arrow keys.
 * @template {Cell} T @param {HTMLElement} grid @param {T[]} cells
 * @param {{open: (cell: T) => void, nudge?: (cell: T, right: number, down: number) => void}} on
 */
export function gridKeys(grid, cells, on) {
  const cellOf = (/** @type {EventTarget | null} */ target) =>
    cells.find((cell) => cell.element === /** @type {Element} */ (target).closest(".cell"));
  const makeStop = (/** @type {T} */ stop) => {
    for (const cell of cells) cell.element.tabIndex = cell === stop ? 0 : -1;
  };
  makeStop(visibleRows(cells)[0]?.[0] ?? cells[0]);
  grid.addEventListener("focusin", (event) => {
    const cell = cellOf(event.target);
    if (cell) makeStop(cell);
  });
  grid.addEventListener("keydown", (event) => {
    const cell = event.target instanceof HTMLInputElement ? undefined : cellOf(event.target);
    if (!cell) return;
    const step = STEPS[event.key];
    if (step && event.shiftKey) on.nudge?.(cell, step[0], step[1]);
    else if (step) neighbour(cells, cell, step[0], step[1]).element.focus();
    else if (event.key === "Enter" || event.key === " ") on.open(cell);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  grid.addEventListener("click", (event) => {
    const cell = cellOf(event.target);
    if (cell) on.open(cell);
  });
}

/** @param {string} key @returns {[number, number] | undefined} */
export const arrowStep = (key) => STEPS[key];

/**
 * Single keys, where the visitor is not typing.
 * @param {Record<string, () => void>} actions by key, in lower case
 */
export function shortcuts(actions) {
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.matches("input:not([type=range], [type=radio], [type=checkbox]), select, textarea");
    if (event.ctrlKey || event.metaKey || event.altKey || (typing && event.key !== "Escape")) return;
    const action = actions[event.key.toLowerCase()];
    if (!action || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    action();
  });
}
