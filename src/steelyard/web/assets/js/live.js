// Says on a page that is being updated that the server cannot be reached, until it can be again.
function say(event, lost) {
  const note = event.target.closest?.(".live")?.querySelector(".live-lost");
  if (note) note.hidden = !lost;
}

document.addEventListener("htmx:sse:error", (event) => say(event, true));
document.addEventListener("htmx:sse:after:connection", (event) => say(event, false));
