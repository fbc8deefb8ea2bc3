// Everything that talks to the server: JSON, uploads with progress, maps, events.
import { ApiError, load, refusal, Stream } from "./net.js";
import { decodeNpy } from "./npy.js";

export { ApiError, load, loadImage, persist, sleep } from "./net.js";

/** @param {string} url @param {RequestInit} [options] @returns {Promise<any>} null if there is no JSON */
export const getJson = (url, options) => load(url, options);

/** @param {string} url @param {unknown} [body] @returns {Promise<any>} */
export function postJson(url, body) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" } };
  return getJson(url, body === undefined ? options : { ...options, body: JSON.stringify(body) });
}

/** @param {string} url @returns {Promise<import("./npy.js").NdArray>} */
export const getArray = async (url) => decodeNpy(await load(url, {}, "arrayBuffer"));

/**
 * Upload one photo or clip.
 * @param {File} file @param {(fraction: number) => void} onProgress @param {AbortSignal} signal
 * @returns {Promise<any>} the Media JSON
 */
export function upload(file, onProgress, signal) {
  const form = new FormData();
  form.append("file", file, file.name || "pasted");
  return sendForm("/api/v1/media", form, onProgress, signal);
}

/**
 * Send a form with files. fetch() cannot report upload progress, XMLHttpRequest can.
 * @param {string} url @param {FormData} form @param {(fraction: number) => void} onProgress
 * @param {AbortSignal} signal @returns {Promise<any>} the answer's JSON
 */
export function sendForm(url, form, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.responseType = "json";
    request.upload.onprogress = (event) => onProgress(event.loaded / Math.max(1, event.total));
    request.onload = () => {
      if (request.status < 300) resolve(request.response);
      else reject(refusal(request.status, request.response));
    };
    request.onerror = () =>
      reject(new ApiError(0, "offline", "The upload broke off before the end. Try again."));
    request.onabort = () => reject(new DOMException("Cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

const FINAL = new Set(["succeeded", "failed", "cancelled"]);

/** @param {{state: string}} analysis @returns {boolean} */
export const isFinal = (analysis) => FINAL.has(analysis.state);

/**
 * Follow an analysis, or whatever has a job, until its end; after a connection that was lost it catches up.
 * @param {{links: {events: string, self: string}}} analysis @param {(analysis: any) => void} onChange
 * @param {string} [name] of the events @returns {() => void} stop
 */
export function follow({ links }, onChange, name = "analysis") {
  const take = (/** @type {any} */ now) => {
    if (isFinal(now)) stream.close();
    onChange(now);
  };
  const on = { [name]: take, gone: () => stream.close() };
  const stream = new Stream(() => links.events, on, async () => take(await getJson(links.self)));
  return () => stream.close();
}
