// A page's changeable state that lives in the address: a link shows what its sender saw.

/** Everybody reads `now`; `set` tells everybody. @template {Record<string, any>} T */
export class AddressState {
  /**
   * @param {T} now
   * @param {(now: T) => string} serialise to the query of the address
   */
  constructor(now, serialise) {
    this.now = now;
    this.serialise = serialise;
    /** @type {((now: T, changed: Set<string>) => void)[]} */
    this.listeners = [];
    this.timer = 0;
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
    history.replaceState(null, "", location.pathname + this.serialise(this.now));
  }
}
