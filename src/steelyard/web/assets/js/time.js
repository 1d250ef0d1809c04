// Relative times that stay true while a page is open. The words are those of steelyard/web/filters.py.
const STEPS = [
  [60, 1, "second"],
  [3600, 60, "minute"],
  [86400, 3600, "hour"],
  [30 * 86400, 86400, "day"],
  [365 * 86400, 30 * 86400, "month"],
  [Infinity, 365 * 86400, "year"],
];

function relative(then, now) {
  const seconds = Math.floor((now - then) / 1000);
  const past = seconds >= 0;
  const length = Math.abs(seconds);
  if (length < 10) return "just now";
  // What is to come to the nearest: 30 days, two minutes after they were set, are not 29.
  const counted = (unit) => (past ? Math.floor(length / unit) : Math.floor(length / unit + 0.5));
  const [, unit, name] = STEPS.find(([limit, each]) => (past ? length < limit : counted(each) * each <= limit));
  const count = counted(unit);
  const words = `${count} ${name}${count === 1 ? "" : "s"}`;
  return past ? `${words} ago` : `in ${words}`;
}

function refresh(root) {
  const now = Date.now();
  for (const time of root.querySelectorAll("time[data-relative]")) {
    const words = relative(Date.parse(time.dateTime), now);
    if (time.textContent !== words) time.textContent = words;
  }
}

refresh(document);
setInterval(() => document.hidden || refresh(document), 10_000);
document.addEventListener("visibilitychange", () => document.hidden || refresh(document));
document.addEventListener("htmx:after:swap", () => refresh(document));
