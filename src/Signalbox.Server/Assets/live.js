// Follows the log, and brings what is marked data-fresh up to date: the page is fetched again, and only what differs is changed, so that focus, scrolling, open details and half-filled fields stay as they are.

const mark = document.getElementById("live");
const parts = [...document.querySelectorAll("[data-fresh]")];
const run = parts.map(part => part.dataset.run).find(Boolean);
const apart = 1000; // ms between two fetches, at least
const patience = 5000; // ms until a stream that was refused is asked for again
const silence = 45000; // ms without a beat (the server sends one every 15 s) after which a stream is given up

function tell(state, words) {
  if (!mark || mark.dataset.live === state) return;
  mark.hidden = false;
  mark.dataset.live = state;
  mark.textContent = words;
}

// ---- fetching -----------------------------------------------------------------------------------------------------

let timer = 0;
let fetched = 0;
let isFetching = false;
let isWanted = false;

function want() {
  isWanted = true;
  if (timer || isFetching || document.hidden) return;
  timer = setTimeout(refresh, Math.max(150, fetched + apart - Date.now()));
}

async function refresh() {
  timer = 0;
  isWanted = false;
  isFetching = true;
  try {
    const answer = await fetch(location.pathname + location.search, { cache: "no-store", signal: AbortSignal.timeout(30000) });
    if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
      tell("out", "logged out: load the page again");
      source?.close();
      return;
    }

    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts) {
        const next = page.getElementById(part.id);
        if (next) patch(part, next);
      }

      document.dispatchEvent(new Event("fresh"));
    } else if (answer.status === 429 || answer.status >= 500) {
      isWanted = true;
    }
  } catch {
    isWanted = true; // the stream's end tells the reader
  } finally {
    fetched = Date.now();
    isFetching = false;
    if (isWanted) setTimeout(want, patience);
  }
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && isWanted) want();
});

// ---- patching -----------------------------------------------------------------------------------------------------

const isKept = node => node.nodeType === Node.ELEMENT_NODE && "keep" in node.dataset;

function patch(from, to) {
  if (isKept(from) || from.isEqualNode(to)) return;
  if (from.nodeType !== Node.ELEMENT_NODE) {
    from.nodeValue = to.nodeValue;
    return;
  }

  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !(name === "open" && from.nodeName === "DETAILS")) from.removeAttribute(name);
  }

  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }

  patchChildren(from, to);
}

function patchChildren(from, to) {
  const byId = new Map([...from.children].filter(child => child.id).map(child => [child.id, child]));
  let at = from.firstChild;
  for (const next of [...to.childNodes]) {
    while (at && isKept(at)) at = at.nextSibling;
    const known = next.id && byId.get(next.id);
    if (known) {
      if (known === at) at = at.nextSibling;
      else if (!isKept(known)) from.insertBefore(known, at);
      patch(known, next);
    } else if (at && !next.id && !at.id && at.nodeName === next.nodeName) {
      const same = at;
      at = at.nextSibling;
      patch(same, next);
    } else {
      from.insertBefore(document.importNode(next, true), at);
    }
  }

  while (at) {
    const gone = at;
    at = at.nextSibling;
    if (!isKept(gone)) gone.remove();
  }
}

// ---- following ----------------------------------------------------------------------------------------------------

let source;
let watch = 0;

function hear(event) {
  alive();
  if (event.type === "beat") return;
  if (!run) return want();
  try {
    if (JSON.parse(event.data).run === run) want();
  } catch {
    want(); // better once too often
  }
}

/** A connection may be dead without anybody's being told. */
function alive() {
  clearTimeout(watch);
  watch = setTimeout(() => {
    source.close();
    lost();
    follow();
  }, silence);
}

function lost() {
  tell("reconnecting", "reconnecting …");
}

function follow() {
  source = new EventSource(document.body.dataset.events + (run ? `?run=${encodeURIComponent(run)}` : ""));
  source.onopen = () => {
    tell("live", "live");
    alive();
    want(); // what happened between this page, or the stream before, and now
  };
  source.addEventListener("entry", hear);
  source.addEventListener("beat", hear);
  source.onerror = () => {
    lost();
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
    clearTimeout(watch);
    setTimeout(follow, patience);
  };
}

if (parts.length > 0) follow();
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", event => {
  if (event.persisted) follow();
});
