// Everything that talks to the server: JSON, uploads with progress, maps, events.
import { decodeNpy } from "./npy.js";

/** An answer that says no; `message` is the server's own sentence. */
export class ApiError extends Error {
  /** @param {number} status @param {string} name @param {string} detail */
  constructor(status, name, detail) {
    super(detail);
    this.status = status;
    this.code = name;
  }
}

/** @param {number} status @param {unknown} body @returns {ApiError} */
export function refusal(status, body) {
  const { error = "http", detail } = /** @type {{error?: string, detail?: string}} */ (body ?? {});
  return new ApiError(status, error, detail ?? `The server answered ${status}. Try again.`);
}

/**
 * Fetch anything; an error answer throws its sentence.
 * @param {string} url @param {RequestInit} [options] @returns {Promise<Response>}
 */
export async function get(url, options) {
  const response = await fetch(url, options).catch(() => {
    throw new ApiError(0, "offline", "The server cannot be reached. Is it running?");
  });
  if (!response.ok) throw refusal(response.status, await response.json().catch(() => null));
  return response;
}

/** @param {string} url @param {RequestInit} [options] @returns {Promise<any>} null if there is no JSON */
export const getJson = async (url, options) => (await get(url, options)).json().catch(() => null);

/** @param {string} url @param {unknown} [body] @returns {Promise<any>} */
export function postJson(url, body) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" } };
  return getJson(url, body === undefined ? options : { ...options, body: JSON.stringify(body) });
}

/** @param {string} url @returns {Promise<import("./npy.js").NdArray>} */
export const getArray = async (url) => decodeNpy(await (await get(url)).arrayBuffer());

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

/** @param {number} ms @returns {Promise<void>} */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const FINAL = new Set(["succeeded", "failed", "cancelled"]);

/** @param {{state: string}} analysis @returns {boolean} */
export const isFinal = (analysis) => FINAL.has(analysis.state);

/**
 * Follow an analysis, or whatever has a job, until its end; the browser reconnects by itself and
 * resumes by event id.
 * @param {{links: {events: string}}} analysis @param {(analysis: any) => void} onChange
 * @param {string} [name] of the events @returns {() => void} stop
 */
export function follow(analysis, onChange, name = "analysis") {
  const source = new EventSource(analysis.links.events);
  source.addEventListener(name, (event) => {
    const now = JSON.parse(event.data);
    if (isFinal(now)) source.close();
    onChange(now);
  });
  return () => source.close();
}
