// A page's changeable state that lives in the address: a link shows what its sender saw.

/**
 * What an address may say. A key is read by the type of its default: "1" or "0", a number, a text.
 * @typedef {object} Rules
 * @property {Record<string, string>} [names]  keys that are called otherwise in the address
 * @property {Record<string, (string | number)[]>} [choices]  the only values that a key takes
 * @property {Record<string, [number, number]>} [limits]  of numbers; 0 to 100 if not given
 */

/** Everybody reads `now`; `set` notifies everybody. @template {Record<string, any>} T */
export class AddressState {
  /** @param {T} defaults @param {Rules} [rules] */
  constructor(defaults, rules = {}) {
    this.defaults = defaults;
    this.rules = rules;
    this.now = this.parse(location.search);
    /** @type {((now: T, changed: Set<string>) => void)[]} */
    this.listeners = [];
    this.timer = 0;
  }

  /** @param {string} search @returns {T} values that a key cannot take fall back to the default */
  parse(search) {
    const query = new URLSearchParams(search);
    const { names = {}, choices = {}, limits = {} } = this.rules;
    /** @type {any} */
    const values = { ...this.defaults };
    for (const [key, standard] of Object.entries(this.defaults)) {
      const text = query.get(names[key] ?? key);
      if (text === null) continue;
      /** @type {any} */
      let value = text;
      if (typeof standard === "boolean") value = text === "1";
      else if (typeof standard === "number") value = between(Number(text), standard, limits[key]);
      if (!(key in choices) || choices[key].includes(value)) values[key] = value;
    }
    return values;
  }

  /** @returns {string} the query of the address: only what differs from the defaults */
  serialise() {
    const query = new URLSearchParams();
    for (const [key, standard] of Object.entries(this.defaults)) {
      const value = this.now[key];
      if (value === standard) continue;
      query.set(this.rules.names?.[key] ?? key, typeof value === "boolean" ? (value ? "1" : "0") : String(value));
    }
    const text = query.toString();
    return text ? `?${text}` : "";
  }

  /** @param {(now: T, changed: Set<string>) => void} listener */
  listen(listener) {
    this.listeners.push(listener);
  }

  /** @param {Partial<T>} changes */
  set(changes) {
    const changed = new Set(Object.keys(changes).filter((key) => this.now[key] !== changes[key]));
    if (changed.size === 0) return;
    this.now = { ...this.now, ...changes };
    for (const listener of this.listeners) listener(this.now, changed);
    clearTimeout(this.timer); // browsers refuse many address changes in a row
    this.timer = setTimeout(() => this.remember(), 150);
  }

  remember() {
    history.replaceState(null, "", location.pathname + this.serialise());
  }
}

/** @param {number} value @param {number} otherwise @param {[number, number]} [limits] @returns {number} */
function between(value, otherwise, [low, high] = [0, 100]) {
  return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : otherwise;
}
