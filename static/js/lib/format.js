// Numbers and times as people read them.

/**
 * Three significant digits: 0.0312, 12.4, 1.2 × 10⁻⁵; a true minus.
 * @param {number} value @returns {string}
 */
export function number(value) {
  if (!Number.isFinite(value)) return "not a number";
  const size = Math.abs(value);
  let text;
  if (size === 0) text = "0";
  else if (size < 1e-4) text = value.toExponential(1).replace("e", "\u202f×10^");
  else text = size < 1000 ? Number(value.toPrecision(3)).toString() : Math.round(value).toString();
  return text.replace("-", "\u2212").replace(/\^(.*)$/, (_, power) => raised(power));
}

const DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** @param {string} power @returns {string} */
export function raised(power) {
  return power.replace(/[-\u2212]/, "⁻").replace("+", "").replace(/\d/g, (d) => DIGITS[Number(d)]);
}

/** @param {number} probability @returns {string} */
export function percent(probability) {
  const value = 100 * probability;
  if (value > 0 && value < 0.1) return "<\u202f0.1\u202f%";
  if (value >= 99.95 && value < 100) return ">\u202f99.9\u202f%";
  return `${value.toFixed(1)}\u202f%`;
}

const WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split(" ");

/** What a model says that does not know such pictures. @param {number} classes @returns {string} */
export function abstention(classes) {
  const count = WORDS[classes] ?? String(classes);
  return classes < 1000 ? `knows ${count} things; this seems to be none of them` : `knows ${count} things and is sure of none here`;
}

/** @param {Date} then @returns {string} */
export function ago(then) {
  const minutes = (Date.now() - then.getTime()) / 60000;
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (minutes < 1) return "just now";
  if (minutes < 60) return words.format(-Math.round(minutes), "minute");
  if (minutes < 60 * 24) return words.format(-Math.round(minutes / 60), "hour");
  return words.format(-Math.round(minutes / 60 / 24), "day");
}

/** @param {number} seconds @returns {string} 48 s, 12 min, 3 h 20 min, 2 days 4 h */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "some time";
  const s = Math.max(0, Math.round(seconds));
  if (s < 90) return `${s} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days ${hours % 24} h`;
}

/** @param {number} count @returns {string} 12 kB, 4.1 MB */
export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${value < 10 && unit > 1 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** @param {string} text @returns {string} the same with a capital first letter */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A class as people read it: `no_fight` is a folder's name. @param {string} name @returns {string} */
export const inWords = (name) => name.replaceAll("_", " ");

/** Writing the same text again would cost a layout. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
