// The timeline in numbers, for people who do not see it.
import { number, percent } from "../lib/format.js";
import { seconds } from "./moments.js";
import { signed } from "./shares.js";

/** @param {string} tag @param {string} text @param {string} [scope] */
function cell(tag, text, scope = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (scope) element.setAttribute("scope", scope);
  return element;
}

const NAMES = { rgb: "RGB", flow: "flow" };

/**
 * @param {HTMLTableElement} table
 * @param {{times: number[], bounds: number[][], scores: import("./timeline.js").Score[],
 *   energies: import("./timeline.js").Energy[], shares: Record<string, number[]>, target: string}} of
 */
export function numbersTable(table, { times, bounds, scores, energies, shares, target }) {
  const known = energies.filter(({ values }) => values);
  const head = document.createElement("tr");
  const titles = [
    "Segment", "Snippet at", ...scores.map(({ name }) => name),
    ...Object.keys(shares).map((stream) => `${NAMES[stream] ?? stream} adds to ${target}`),
    ...known.map(({ stream, stage }) => `attention, ${NAMES[stream]} ${stage}`),
  ];
  head.append(...titles.map((title) => cell("th", title, "col")));
  const rows = times.map((time, k) => {
    const row = document.createElement("tr");
    row.append(
      cell("th", `${k + 1}: ${seconds(bounds[k][0])} to ${seconds(bounds[k][1])}`, "row"),
      cell("td", seconds(time)),
      ...scores.map(({ values }) => cell("td", percent(values[k]))),
      ...Object.values(shares).map((values) => cell("td", signed(values[k]))),
      ...known.map(({ values }) => cell("td", number(/** @type {number[]} */ (values)[k]))),
    );
    return row;
  });
  const [top, body] = [document.createElement("thead"), document.createElement("tbody")];
  top.append(head);
  body.append(...rows);
  table.replaceChildren(top, body);
}
