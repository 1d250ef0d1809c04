// A link that names keys in data-keys is followed when one of them is pressed, never while something is being typed.
const TYPING = "input, textarea, select, [contenteditable]";
// What arrow keys scroll or move through by themselves.
const ARROWS = "[role=region], [role=group], .chart-hit, summary";

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.repeat) return;
  const at = event.target instanceof Element ? event.target : null;
  if (at?.closest(TYPING) || (event.key.startsWith("Arrow") && at?.closest(ARROWS))) return;
  for (const link of document.querySelectorAll("a[data-keys]")) {
    if (link.dataset.keys.split(" ").includes(event.key)) {
      event.preventDefault();
      return link.click();
    }
  }
});
