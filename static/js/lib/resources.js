// Runs first: a picture, style sheet or script that got lost on the way is asked for again.
(() => {
  const MOST = 4; // times
  const WAIT = 400; // ms before the first, then twice as long each time
  const SLOWEST = 5; // doublings: a script is asked for until it comes, since without it there is no page
  const LACKING = "Parts of this page have not come yet. They are asked for again; if this stays, load the page anew.";
  /** @type {WeakMap<Element, number>} */
  const tries = new WeakMap();
  /** @type {Set<HTMLImageElement>} that have been given up, until the server is back */
  const lost = new Set();

  /** @param {number} count @param {() => void} work */
  const later = (count, work) => setTimeout(work, WAIT * 2 ** count * (0.75 + Math.random() / 2));

  /** @param {HTMLImageElement} image */
  const show = (image) => {
    const address = image.src;
    const count = tries.get(image) ?? 0;
    if (count >= MOST) return lost.add(image);
    tries.set(image, count + 1);
    later(count, () => image.src === address && (image.src = address)); // unless it shows another one by now
  };

  /** @param {HTMLLinkElement} link */
  const style = (link) => {
    const count = tries.get(link) ?? 0;
    const copy = /** @type {HTMLLinkElement} */ (link.cloneNode());
    tries.set(copy, count + 1);
    if (count < MOST) later(count, () => link.replaceWith(copy));
  };

  const notice = document.createElement("p");
  notice.className = "notice away";
  notice.setAttribute("role", "status");
  notice.textContent = LACKING;

  /** What of a module's imports has come is not asked for again. @param {HTMLScriptElement} script */
  const run = (script, count = 0) => {
    if (count > MOST) document.body.append(notice);
    later(Math.min(count, SLOWEST), () => {
      const done = () => {
        notice.remove();
        document.dispatchEvent(new Event("serverback")); // for the pictures that were given up
      };
      import(script.src).then(done, (error) => (error instanceof TypeError ? run(script, count + 1) : done()));
    });
  };

  addEventListener("error", ({ target }) => {
    if (target instanceof HTMLImageElement && target.src) show(target);
    if (target instanceof HTMLLinkElement && target.rel === "stylesheet") style(target);
    if (target instanceof HTMLScriptElement && target.src) run(target);
  }, { capture: true });
  document.addEventListener("serverback", () => {
    for (const image of lost) {
      tries.delete(image);
      show(image);
    }
    lost.clear();
  });
})();
