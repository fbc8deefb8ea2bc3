// A trial: a short piece of work before a launch, asked for until it has ended.
import { getJson, persist, postJson, sleep } from "../lib/api.js";
import { API } from "../lib/dom.js";
import { isOver } from "./words.js";

const EVERY_MS = 400;

/**
 * @param {Record<string, any>} body @param {(trial: any) => void} onChange
 * @returns {Promise<any>} its result; throws its sentence
 */
export async function trial(body, onChange) {
  let now = await postJson(`${API}/trials`, body);
  while (!isOver(now)) {
    onChange(now);
    await sleep(EVERY_MS);
    const { id } = now;
    now = await persist(() => getJson(`${API}/trials/${id}`));
  }
  if (now.state !== "succeeded") throw new Error(now.detail ?? "The trial did not end well.");
  onChange(now);
  return now.result;
}

/** What a trial is asked of a launch's request. @param {any} request @param {string} kind @param {string} mechanism */
export const asked = (request, kind, mechanism) => ({
  kind, mechanism, dataset_id: request.dataset_id, config: request.config ?? {}, parameters: request.parameters?.[mechanism] ?? {},
  ...(request.start_run && { start_run: request.start_run }),
});
