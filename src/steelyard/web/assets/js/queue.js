// The queue by keyboard: j and k go down and up, a and e do what they stand for on the item, r goes to its reason, x ticks.
const QUEUE_TYPING = "textarea, select, [contenteditable], input:not([type=checkbox])";
let decided = false;

function current() {
  return document.activeElement?.closest?.("[data-queue-item]") ?? null;
}

function go(step) {
  const items = [...document.querySelectorAll("[data-queue-item]")];
  const at = items.indexOf(current());
  const next = items[at < 0 ? 0 : Math.min(items.length - 1, Math.max(0, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (!document.querySelector("[data-queue-item]")) return;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const at = event.target instanceof Element ? event.target : null;
  if (at?.closest(QUEUE_TYPING)) {
    if (event.key === "Escape") current()?.focus();
    return;
  }
  const item = current();
  if (event.key === "j" || event.key === "k") {
    event.preventDefault();
    go(event.key === "j" ? 1 : -1);
  } else if (item && event.key === "r") {
    event.preventDefault();
    item.querySelector("input[name=why]")?.focus();
  } else if (item && event.key === "x") {
    event.preventDefault();
    item.querySelector("input[name=item]")?.click();
  } else if (item && (event.key === "a" || event.key === "e") && !event.repeat && !decided) {
    const button = item.querySelector(`[data-queue=${event.key}]`);
    if (!button) return;
    event.preventDefault();
    decided = true;
    button.click();
  }
});

// After a decision the address names what comes next.
function focusNamed() {
  decided = false;
  const named = location.hash.startsWith("#i-") ? document.getElementById(location.hash.slice(1)) : null;
  if (named?.matches("[data-queue-item]")) named.focus();
}

addEventListener("pageshow", focusNamed);
