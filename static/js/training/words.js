// States, rates and runs in words.
import { raised } from "../lib/format.js";

export const STATES = {
  queued: "waiting", running: "running", paused: "paused", succeeded: "finished", failed: "failed",
  cancelled: "cancelled",
};

/** @param {{state: string}} run */
export const isOver = (run) => ["succeeded", "failed", "cancelled"].includes(run.state);
/** @param {{state: string}} run */
export const isActive = (run) => ["queued", "running"].includes(run.state);


/** @param {number} count @param {string} one @param {string} [many] */
export const plural = (count, one, many = `${one}s`) => `${whole(count)} ${count === 1 ? one : many}`;

/** @param {number} value @returns {string} 12,345 */
export const whole = (value) => value.toLocaleString("en");

/** @param {number} lr @returns {string} 1.5e-4 as 1.5 × 10⁻⁴, larger ones plainly */
export function rate(lr) {
  if (!Number.isFinite(lr)) return "–";
  if (lr === 0 || lr >= 0.01) return String(Number(lr.toPrecision(3)));
  const [digits, power] = lr.toExponential(2).split("e-");
  return `${Number(digits)} × 10⁻${raised(power)}`;
}

/** @param {any[]} runs @returns {boolean} whether a mechanism was trained with several seeds */
export const hasSeeds = (runs) => new Set(runs.map((run) => run.mechanism)).size < runs.length;

/** @param {any} run @param {boolean} seeds @returns {string} its name within the study */
export const runName = (run, seeds) => (seeds ? `${run.title}, seed ${run.seed}` : run.title);

/**
 * A study's runs by state: "2 finished, 1 running, 3 waiting".
 * @param {any[]} runs @returns {string}
 */
export function summary(runs) {
  const order = ["succeeded", "running", "paused", "queued", "failed", "cancelled"];
  const counts = order.map((state) => [runs.filter((run) => run.state === state).length, STATES[state]]);
  const said = counts.filter(([count]) => count).map(([count, word]) => `${count} ${word}`);
  if (said.length === 1 && runs.length > 1) return `all ${runs.length} ${counts.find(([count]) => count)?.[1]}`;
  return said.join(", ") || "no runs";
}
