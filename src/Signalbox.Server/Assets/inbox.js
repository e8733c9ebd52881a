// Questions and hits by keyboard, and news of questions. No key answers anything: it only leads to a field, a button or a page.

const typing = event => event.target.closest("input, textarea, select, [contenteditable]");
const root = document.body.dataset.root;

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
  }
});

// A form is sent once: a second press would be on record as an answer that came too late.
document.addEventListener("submit", event => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(form => delete form.dataset.sent));
