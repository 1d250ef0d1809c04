// The rating page by keyboard: 1 to 9 and 0 for 10 rate, s skips, u takes the last one back; a click on a number rates.
const SCORES = { 1: "1", 2: "2", 3: "3", 4: "4", 5: "5", 6: "6", 7: "7", 8: "8", 9: "9", 0: "10" };
const BUTTONS = { s: "skip", u: "undo" };
let sent = null;

// One key is one rating, also when it is held down or the answer takes its time.
function send(form, name) {
  const button = form.querySelector(`button[name=do][value=${name}]`);
  if (!button || sent === form) return;
  sent = form;
  form.requestSubmit(button);
}

document.addEventListener("keydown", (event) => {
  const form = document.querySelector("form[data-rate]");
  if (!form || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const at = event.target instanceof Element ? event.target : null;
  if (at?.closest("textarea, select, [contenteditable], input:not([type=radio])")) return;
  const score = form.querySelector(`input[name=score][value="${SCORES[event.key]}"]`);
  if (score) {
    event.preventDefault();
    score.checked = true;
    send(form, "rate");
  } else if (BUTTONS[event.key]) {
    event.preventDefault();
    send(form, BUTTONS[event.key]);
  }
});

// By mouse or finger alone: arrow keys move through the numbers and click each.
document.addEventListener("click", (event) => {
  const label = event.target instanceof Element ? event.target.closest("form[data-rate] .rate-scores label") : null;
  if (!label || !event.pointerType) return;
  label.control.checked = true;
  send(label.control.form, "rate");
});

// A page that the browser kept is sent anew.
addEventListener("pageshow", () => {
  sent = null;
});
