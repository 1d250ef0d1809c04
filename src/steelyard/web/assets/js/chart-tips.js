// Shows what a chart's mark says on hover and focus, and moves among marks by arrow keys. Without this script the
// browser shows each mark's <title>, and one mark a chart can be reached by Tab.

const MARK = ".chart-hit";
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

let tip = null;
let shown = null;

function words(mark) {
  const title = mark.querySelector("title");
  if (title) {
    // The browser would show its own tip over ours.
    mark.setAttribute("aria-label", title.textContent);
    title.remove();
  }
  return mark.getAttribute("aria-label");
}

function show(mark) {
  const said = words(mark);
  if (!said) return;
  if (!tip || !tip.isConnected) {
    tip = document.createElement("div");
    tip.className = "chart-tip";
    // The mark's own label is read out already.
    tip.setAttribute("aria-hidden", "true");
    document.body.append(tip);
  }
  shown = mark;
  tip.textContent = said;
  tip.hidden = false;
  place(mark);
}

function place(mark) {
  const at = mark.getBoundingClientRect();
  const box = tip.getBoundingClientRect();
  const width = document.documentElement.clientWidth;
  const left = Math.min(Math.max(8, at.left + at.width / 2 - box.width / 2), width - box.width - 8);
  const above = at.top - box.height - 8;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${above >= 8 ? above : Math.min(at.bottom + 8, innerHeight - box.height - 8)}px`;
}

function hide() {
  if (tip) tip.hidden = true;
  shown = null;
}

function markOf(event) {
  return event.target instanceof Element ? event.target.closest(MARK) : null;
}

function goTo(marks, mark) {
  for (const other of marks) other.setAttribute("tabindex", other === mark ? "0" : "-1");
  mark.focus();
}

document.addEventListener("pointerover", (event) => {
  const mark = markOf(event);
  if (mark) show(mark);
  else if (shown && shown !== document.activeElement) hide();
});

document.addEventListener("focusin", (event) => {
  const mark = markOf(event);
  if (mark) show(mark);
  else hide();
});

document.addEventListener("focusout", (event) => {
  if (markOf(event)) hide();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown) return hide();
  const mark = markOf(event);
  if (!mark || event.ctrlKey || event.metaKey || event.altKey) return;
  const marks = [...mark.closest("svg").querySelectorAll(MARK)];
  const at = marks.indexOf(mark);
  let next = null;
  if (event.key in STEPS) next = marks[at + STEPS[event.key]];
  else if (event.key === "Home") next = marks[0];
  else if (event.key === "End") next = marks[marks.length - 1];
  else return;
  event.preventDefault();
  if (next) goTo(marks, next);
});

// A tip has no place once its mark has moved away or was swapped out.
addEventListener("scroll", hide, { capture: true, passive: true });
addEventListener("resize", hide);
document.addEventListener("htmx:after:swap", () => {
  if (shown && !shown.isConnected) hide();
});
