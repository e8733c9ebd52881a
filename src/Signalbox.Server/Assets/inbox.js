// Questions and hits by keyboard, and news of questions. No key answers anything: it only leads to a field, a button or a page.

const typing = event => event.target.closest("input, textarea, select, [contenteditable]");

function step(by) {
  const ask = document.querySelector(".ask");
  const address = ask?.dataset[by > 0 ? "next" : "previous"];
  if (ask) {
    if (address) location.assign(address);
    return;
  }
  const items = [...document.querySelectorAll("[data-item]")];
  const at = items.indexOf(document.activeElement);
  items[Math.max(0, Math.min(items.length - 1, at < 0 ? 0 : at + by))]?.focus();
}

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && event.key === "?" || typing(event)) return;
  if (event.key === "j" || event.key === "k") {
    event.preventDefault();
    step(event.key === "j" ? 1 : -1);
  } else if (event.key === "?") {
    const help = document.querySelector("[data-help]");
    if (help) help.open = !help.open;
  } else {
    const control = document.querySelector(`[data-focus-key="${CSS.escape(event.key)}"]`);
    if (control) {
      event.preventDefault();
      control.focus();
    }
  }
});

// A form is sent once: a second press would be on record as an answer that came too late.
document.addEventListener("submit", event => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(form => delete form.dataset.sent));

// ---- news: what has changed is told, and nothing that is being read is touched ----------------------------------------

const news = document.querySelector("[data-news]");
const patience = 5000; // ms until a stream that was refused is asked for again, and until a look that failed is repeated
const kinds = new Set(["approval.requested", "approval.answered", "approval.expired", "approval.withdrawn"]);
let source;
let timer = 0;

const keys = page => [...page.querySelectorAll("[data-question]")].map(element => element.dataset.question.split(" "));

function tell(words, isGone) {
  if (news.dataset.told === words) return;
  news.dataset.told = words;
  const link = document.createElement("a");
  link.href = location.pathname + location.search;
  link.textContent = isGone ? "Look again" : "Show them";
  news.replaceChildren(words + " ", link);
}

/** Looks at the page as it is now, beside the one that is shown. */
async function look() {
  timer = 0;
  try {
    const answer = await fetch(location.pathname + location.search, { cache: "no-store", signal: AbortSignal.timeout(30000) });
    if (answer.redirected) return tell("You are not logged in any more.", true);
    if (!answer.ok && answer.status !== 404) throw new Error(answer.statusText);
    const [then, now] = [keys(document), keys(new DOMParser().parseFromString(await answer.text(), "text/html"))];
    const isIn = (key, all) => all.some(other => other[0] === key[0] && other[1] === key[1]);
    const came = now.filter(key => !isIn(key, then)).length;
    const went = then.filter(key => !isIn(key, now)).length;
    const heard = now.filter(key => isIn(key, then) && !then.some(other => other.join() === key.join())).length;
    if (news.dataset.run && came + went) tell("This question has changed: it was answered, withdrawn, or asked anew.", true);
    else if (came) tell(came === 1 ? "A new question has come in." : `${came} new questions have come in.`, false);
    else if (went) tell(went === 1 ? "A question on this page is not open any more." : `${went} questions on this page are not open any more.`, true);
    else if (heard) tell("Somebody has answered meanwhile; more people are needed.", true);
  } catch {
    want(patience);
  }
}

function want(after) {
  timer ||= setTimeout(look, after);
}

function follow() {
  const run = news.dataset.run;
  source = new EventSource(document.body.dataset.events + (run ? `?run=${encodeURIComponent(run)}` : ""));
  source.onopen = () => want(300); // what happened between this page, or the stream before, and now
  source.addEventListener("entry", event => {
    if (kinds.has(JSON.parse(event.data).kind)) want(700);
  });
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, patience);
  };
}

if (news) {
  follow();
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", event => event.persisted && follow());
}
