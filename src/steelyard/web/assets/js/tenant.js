// Says on a page of one tenant that another was switched to in another tab, for as long as that one is open.
const OPEN = "steelyard_tenant";
let note = document.getElementById("other-tenant");

function say(told) {
  note.hidden = told.id === note.dataset.tenant;
  note.querySelector("[data-open]").textContent = told.name;
}

// A browser that keeps nothing for pages says nothing here; the server refuses what is sent all the same.
function read() {
  try {
    const told = JSON.parse(localStorage.getItem(OPEN));
    return typeof told?.id === "string" && typeof told.name === "string" ? told : null;
  } catch {
    return null;
  }
}

if (note) {
  try {
    localStorage.setItem(OPEN, JSON.stringify({ id: note.dataset.tenant, name: note.dataset.name }));
  } catch {
    note = null;
  }
}

function look() {
  const told = note && read();
  if (told) say(told);
}

addEventListener("storage", (event) => event.key === OPEN && look());
addEventListener("pageshow", look);
document.addEventListener("visibilitychange", () => document.hidden || look());
