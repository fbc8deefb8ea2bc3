// The only place that asks the server. What may be repeated is, with growing waits; a server or network
// that is away is said in words, and all goes on by itself when it is back.

const WAITS = [300, 600, 1200, 2400]; // ms between tries; some quarter more or less, so that not all come at once
const PROBES = [1000, 2000, 4000, 8000]; // ms between looks for the server, the last again and again
const REPEATABLE = new Set(["GET", "HEAD", "PUT", "DELETE"]);
const PASSING = new Set([502, 503, 504]); // statuses of a server that is starting, stopping or busy
const ABSENT = new Set([502, 504]); // of these, those of a proxy before a server that does not answer
const LONGEST = 10_000; // ms that a server may ask to wait
const OFFLINE = "You are offline. This page goes on by itself when the network is back.";
const AWAY = "The server cannot be reached. This page goes on by itself when it answers.";

/** An answer that says no, or none at all (status 0); `message` is a sentence for people. */
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

/** @param {unknown} error @returns {boolean} whether no answer came at all */
export const isUnreachable = (error) => error instanceof ApiError && error.status === 0;

/** @param {number} ms @returns {Promise<void>} */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Fetch and read an answer; a refusal throws its sentence. What breaks off is asked for again, if
 * asking twice does no harm.
 * @param {string} url @param {RequestInit} [options]
 * @param {"json" | "text" | "blob" | "arrayBuffer"} [kind] how it is read; JSON is null where there is none
 * @param {number} [tries] after the first
 * @returns {Promise<any>}
 */
export async function load(url, options = {}, kind = "json", tries = WAITS.length) {
  const method = options.method ?? "GET";
  const most = REPEATABLE.has(method) ? tries : 0;
  for (let failed = 0; ; failed += 1) {
    let asked = 0; // ms that the server wants to be left alone
    try {
      const response = await fetch(url, options);
      if (response.ok) return await read(response, kind);
      if (method === "DELETE" && response.status === 404 && failed > 0) return null; // the try before has done it
      const error = refusal(response.status, await response.json().catch(() => null));
      if (ABSENT.has(response.status) && failed >= most) throw new TypeError(error.message);
      if (!PASSING.has(response.status) || failed >= most) throw error;
      asked = 1000 * Number(response.headers.get("Retry-After"));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // fetch's own, of a network that broke off
      if (failed >= most) {
        leave();
        throw new ApiError(0, "offline", "The server cannot be reached. Is it running?");
      }
    }
    await pause(Math.max(Math.min(asked, LONGEST), WAITS[Math.min(failed, WAITS.length - 1)]));
  }
}

/** @param {Response} response @param {"json" | "text" | "blob" | "arrayBuffer"} kind */
async function read(response, kind) {
  if (kind !== "json") return response[kind]();
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {number} ms @returns {Promise<void>} or less, where the server is back before */
function pause(ms) {
  return new Promise((resolve) => {
    const over = new AbortController();
    const done = () => (over.abort(), resolve());
    setTimeout(done, ms * (0.75 + Math.random() / 2));
    document.addEventListener("serverback", done, { signal: over.signal });
  });
}

/** @returns {Promise<void>} when the server answers again */
const back = () => new Promise((resolve) => document.addEventListener("serverback", () => resolve(), { once: true }));

/**
 * Do something without which the page cannot go on: as often as it takes, once the server is back.
 * @template T @param {() => Promise<T>} work that may be repeated @returns {Promise<T>}
 */
export async function persist(work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      await back();
    }
  }
}

/** @param {string} address @param {number} [tries] @returns {Promise<HTMLImageElement>} that has been decoded */
export async function loadImage(address, tries = WAITS.length) {
  for (let failed = 0; ; failed += 1) {
    const image = new Image();
    image.src = address;
    try {
      await image.decode();
      return image;
    } catch (error) {
      if (failed >= tries) throw error;
    }
    await pause(WAITS[failed]);
  }
}

/** Events of the server. Whatever ends the connection, it is opened again, until `close`. */
export class Stream {
  /**
   * @param {() => string} address where to go on: asked for each connection
   * @param {Record<string, (body: any) => void>} on what is done with each event's JSON
   * @param {() => Promise<void>} catchUp called after a connection that the browser does not open again
   */
  constructor(address, on, catchUp) {
    this.address = address;
    this.on = on;
    this.catchUp = catchUp;
    this.failed = 0;
    this.closed = false;
    this.#open();
  }

  #open() {
    const source = new EventSource(this.address());
    this.source = source;
    for (const [name, act] of Object.entries(this.on)) {
      source.addEventListener(name, (event) => {
        this.failed = 0;
        act(JSON.parse(event.data));
      });
    }
    let errors = 0; // since it was open
    source.addEventListener("open", () => (errors = 0));
    source.addEventListener("error", async () => {
      errors += 1;
      if (source.readyState === EventSource.CLOSED) this.#again();
      else if (errors > 1) check(); // the browser opens it again by itself
    });
  }

  async #again() {
    await pause(WAITS[Math.min(this.failed, WAITS.length - 1)]);
    this.failed += 1;
    if (!this.closed) await persist(this.catchUp).catch(() => this.close());
    if (!this.closed) this.#open();
  }

  close() {
    this.closed = true;
    this.source?.close();
  }
}

let isAway = false;

/** Something has not come. If the server does not answer at all, say so; try again once it does, or later. */
async function leave() {
  if (isAway) return;
  isAway = true;
  if (await answers()) await sleep(PROBES[PROBES.length - 1]);
  else await untilItAnswers();
  isAway = false;
  document.dispatchEvent(new Event("serverback"));
}

async function untilItAnswers() {
  const notice = document.createElement("p");
  notice.className = "notice away";
  notice.setAttribute("role", "status");
  document.body.append(notice);
  for (let tries = 0; !(await answers()); tries += 1) {
    notice.textContent = navigator.onLine ? AWAY : OFFLINE;
    const wait = PROBES[Math.min(tries, PROBES.length - 1)];
    await Promise.race([sleep(wait), new Promise((resolve) => addEventListener("online", resolve, { once: true }))]);
  }
  notice.remove();
}

/** @returns {Promise<boolean>} whether the server does */
const answers = () => fetch("/healthz", { cache: "no-store" }).then(({ ok }) => ok, () => false);

async function check() {
  if (!isAway && !(await answers())) leave();
}

// The browser knows it first. A server on this machine may answer all the same: then nothing is said.
addEventListener("offline", check);
