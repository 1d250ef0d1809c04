// Every htmx request carries the page's token: what changes something needs it, and a page of one tenant gets nothing of
// another that was switched to since.
document.addEventListener("htmx:config:request", (event) => {
  event.detail.ctx.request.headers["X-CSRF-Token"] = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
});
