// What every page has: relative times that go on, and a key to the search.

const units = [[60, 1, "s"], [3600, 60, "min"], [172800, 3600, "h"], [Infinity, 86400, "d"]];

/** How far a time is from now, in the words of the server (Shown.Relative). */
export function relative(time, now) {
  const distance = Math.abs(now - time) / 1000;
  if (distance < 1) return "now";
  const [, size, name] = units.find(([limit]) => distance < limit);
  const words = `${Math.floor(distance / size)} ${name}`;
  return time > now ? `in ${words}` : `${words} ago`;
}

export function tellTimes(root = document) {
  const now = Date.now();
  for (const element of root.querySelectorAll("time[data-relative]")) {
    const words = relative(Date.parse(element.dateTime), now);
    if (element.textContent !== words) element.textContent = words;
  }
}

setInterval(() => tellTimes(), 5000);
document.addEventListener("fresh", () => tellTimes());

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
  const field = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (field) {
    event.preventDefault();
    if (field.matches("a[href], button")) field.click();
    else field.focus();
  }
});
