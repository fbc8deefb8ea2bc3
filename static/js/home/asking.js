// Asking the server about one file: send it, and have it explained by the models chosen last.
import { ApiError, postJson, sleep, upload } from "../lib/api.js";
import { remembered } from "../lib/chosen.js";
import { API } from "../lib/dom.js";

const TRIES = 60;
const WAIT_MS = 1000;

/**
 * Just after its start a server has no models yet, and of many photos only some may wait there: try again.
 * @param {any} media @param {AbortSignal} signal @param {(words: string) => void} say @returns {Promise<any>} the Analysis JSON
 */
export async function ask({ id: media_id, kind }, signal, say) {
  let { chosen } = remembered(kind);
  for (let tries = 0; ; tries += 1) {
    try {
      return await postJson(`${API}/analyses`, { media_id, ...(chosen.length > 0 && { models: chosen }) });
    } catch (error) {
      if (error instanceof ApiError && error.status === 422 && chosen.length > 0) {
        chosen = []; // one of them is gone
        continue;
      }
      const busy = error instanceof ApiError && [429, 503].includes(error.status) && tries < TRIES;
      if (!busy || signal.aborted) throw error;
      say(error.status === 429 ? "waiting for its turn" : "the models are loading");
      await sleep(WAIT_MS);
    }
  }
}

/**
 * Upload one of many: where the server asks to slow down, wait.
 * @param {File} file @param {(fraction: number) => void} onProgress @param {AbortSignal} signal @returns {Promise<any>} the Media JSON
 */
export async function sendPatiently(file, onProgress, signal) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await upload(file, onProgress, signal);
    } catch (error) {
      const isBusy = error instanceof ApiError && [429, 503].includes(error.status) && tries < TRIES;
      if (!isBusy || signal.aborted) throw error;
      await sleep(WAIT_MS);
    }
  }
}
