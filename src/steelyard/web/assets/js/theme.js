// The theme buttons without a reload; the cookie lets the server draw the next page in the right one at once.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".theme-switch button");
  if (!button) return;
  event.preventDefault();
  const theme = button.value;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `steelyard_theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  document.documentElement.classList.remove("light", "dark");
  if (theme !== "system") document.documentElement.classList.add(theme);
  for (const other of document.querySelectorAll(".theme-switch button")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
});
