// What the models said of the whole photo, beside what they say of it made small.
import { inWords, percent } from "../lib/format.js";
import { peakPoint } from "../lib/maps.js";
import { isLearnt } from "../lib/scale.js";
import { brief } from "../answer/sentence.js";
import { holds } from "./place.js";

/** @param {any} prediction @returns {string} */
const first = ({ top: [best] }) => `${inWords(best.name)} ${percent(best.probability)}`;

/** In the head of a row. @param {any} now or null @param {any} before or null @returns {string} */
export function rowWords(now, before) {
  const nearest = now?.abstained ? `nearest: ${first(now)}` : "";
  const was = before ? `before: ${first(before)}` : "";
  return [nearest, was].filter(Boolean).join("; ");
}

/**
 * On a chip, in place of whether it agrees with the others.
 * @param {any} now @param {any} before @returns {[string, string]} sign and words
 */
export function chipWords(now, before) {
  const [is, was] = [now.top[0], before.top[0]];
  const share = brief(was.probability);
  if (now.abstained) return ["–", `abstains; was ${inWords(was.name)} ${share}`];
  return is.name === was.name ? ["=", `as before: was ${share}`] : ["≠", `was ${inWords(was.name)} ${share}`];
}

/** @param {{now: any, before: any}[]} pairs of the models on show @returns {string} */
export function countWords(pairs) {
  const known = pairs.filter(({ now, before }) => now && before);
  if (known.length === 0) return "";
  const same = known.filter(({ now, before }) => now.top[0].name === before.top[0].name).length;
  const abstaining = known.filter(({ now }) => now.abstained).length;
  const abstain = abstaining ? `; ${abstaining} of ${known.length} ${abstaining === 1 ? "abstains" : "abstain"}` : "";
  return `${same} of ${known.length} models put the same class first as for the whole photo${abstain}.`;
}

/**
 * How many maps are highest on the photo.
 * @param {{method: string, entry: any}[]} maps of one stage @param {import("./place.js").Box} box @param {string} stage
 * @returns {string}
 */
export function foundWords(maps, box, stage) {
  const ready = maps.filter(({ entry }) => entry?.grid && entry.grid.max > entry.grid.min);
  const counts = [true, false].flatMap((learnt) => {
    const kind = ready.filter((one) => isLearnt(one) === learnt);
    if (kind.length === 0) return [];
    const found = kind.filter(({ entry }) => holds(box, peakPoint(entry.grid))).length;
    return [`${found} of ${kind.length} ${learnt ? "masks" : "evidence maps"}`];
  });
  const where = stage === "combined" ? "All stages combined" : `At the ${stage} stage`;
  return counts.length ? `${where}, the maximum lies on the photo in ${counts.join(" and ")}.` : "";
}
