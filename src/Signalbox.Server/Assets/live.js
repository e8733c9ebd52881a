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
  let wait = 0;
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
      wait = patience;
    }
  } catch {
    wait = patience; // the stream's end tells the reader
  } finally {
    fetched = Date.now();
    isFetching = false;
    if (wait) setTimeout(want, wait);
    else if (isWanted) want(); // it went on while the page was fetched
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

  const isTheirs = name => name === "open" && from.nodeName === "DETAILS"; // whoever reads opens and closes it
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !isTheirs(name)) from.removeAttribute(name);
  }

  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !isTheirs(name)) from.setAttribute(name, value);
  }

  patchChildren(from, to);
}

/** What tells an element from others of its kind: what was said about one must not become what is said about another. */
const nameOf = node => node.id || node.getAttribute?.("aria-labelledby") || node.getAttribute?.("aria-label") || "";
const isAlike = (one, other) => one.nodeName === other.nodeName && nameOf(one) === nameOf(other);

/** How well two nodes go together: not at all, as two states of one element, or the very same. Texts count least: most are the blanks between elements. */
const likeness = (one, other) => (!isAlike(one, other) ? 0 : one.nodeType !== Node.ELEMENT_NODE ? 1 : one.isEqualNode(other) ? 6 : 2);

/** Pairs the nodes of both lists, in their order, so that as much as possible stays. */
function pairs(olds, news) {
  const width = news.length + 1;
  const best = new Int32Array((olds.length + 1) * width);
  const like = new Int8Array(olds.length * width);
  for (let i = olds.length - 1; i >= 0; i--) {
    for (let j = news.length - 1; j >= 0; j--) {
      const own = (like[i * width + j] = likeness(olds[i], news[j]));
      best[i * width + j] = Math.max(best[(i + 1) * width + j], best[i * width + j + 1], own && own + best[(i + 1) * width + j + 1]);
    }
  }

  const found = new Map();
  for (let i = 0, j = 0; i < olds.length && j < news.length; ) {
    const own = like[i * width + j];
    if (own && best[i * width + j] === own + best[(i + 1) * width + j + 1]) found.set(news[j++], olds[i++]);
    else if (best[i * width + j] === best[(i + 1) * width + j]) i++;
    else j++;
  }
  return found;
}

function patchChildren(from, to) {
  const olds = [...from.childNodes].filter(node => !isKept(node));
  const news = [...to.childNodes].filter(node => !isKept(node));

  // What has changed lies mostly in the middle or at the end: what is equal around it needs no comparing.
  let start = 0;
  while (start < olds.length && start < news.length && olds[start].isEqualNode(news[start])) start++;
  let end = 0;
  while (end < olds.length - start && end < news.length - start && olds.at(-1 - end).isEqualNode(news.at(-1 - end))) end++;
  const [before, after] = [olds.slice(start, olds.length - end), news.slice(start, news.length - end)];
  const stays = pairs(before, after);
  const kept = new Set(stays.values());
  const next = olds[olds.length - end] ?? null;
  before.filter(node => !kept.has(node)).forEach(node => node.remove());
  let at = before.find(node => kept.has(node)) ?? next;
  for (const node of after) {
    const known = stays.get(node);
    if (!known) {
      from.insertBefore(document.importNode(node, true), at);
      continue;
    }
    at = before[before.indexOf(known) + 1] ?? next;
    while (at && at !== next && !kept.has(at)) at = before[before.indexOf(at) + 1] ?? next;
    patch(known, node);
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
