// The timeline in numbers, for people who do not see it.
import { make } from "../lib/dom.js";
import { number, percent } from "../lib/format.js";
import { seconds } from "./moments.js";
import { signed } from "./shares.js";

const NAMES = { rgb: "RGB", flow: "flow" };

/**
 * @param {HTMLTableElement} table
 * @param {{times: number[], bounds: number[][], scores: import("./timeline.js").Score[],
 *   energies: import("./timeline.js").Energy[], shares: Record<string, number[]>, target: string}} of
 */
export function numbersTable(table, { times, bounds, scores, energies, shares, target }) {
  const known = energies.filter(({ values }) => values);
  const titles = [
    "Segment", "Snippet at", ...scores.map(({ name }) => name),
    ...Object.keys(shares).map((stream) => `${NAMES[stream] ?? stream} adds to ${target}`),
    ...known.map(({ stream, stage }) => `attention, ${NAMES[stream]} ${stage}`),
  ];
  const rows = times.map((time, k) => make("tr", {},
    make("th", { scope: "row", text: `${k + 1}: ${seconds(bounds[k][0])} to ${seconds(bounds[k][1])}` }),
    ...[
      seconds(time), ...scores.map(({ values }) => percent(values[k])),
      ...Object.values(shares).map((values) => signed(values[k])),
      ...known.map(({ values }) => number(/** @type {number[]} */ (values)[k])),
    ].map((text) => make("td", { text }))));
  const head = make("tr", {}, ...titles.map((text) => make("th", { scope: "col", text })));
  table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
}
