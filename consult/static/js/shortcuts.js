// Keys for the list marked data-shortcuts: j and k move between its data-shortcut-item parts, a letter presses the
// button with that data-key in the current one, ? opens the help. Never in a field, and not when they are turned off.

function press(event) {
  const list = document.querySelector("[data-shortcuts]");
  if (!list || event.ctrlKey || event.altKey || event.metaKey || document.documentElement.dataset.keys === "off") return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select")) return;
  const items = [...list.querySelectorAll("[data-shortcut-item]")];
  const now = items.findIndex((item) => item.contains(event.target));
  const step = { j: 1, k: -1 }[event.key];
  const next = step && items[Math.min(Math.max(now + step, 0), items.length - 1)];
  const button = event.key === "?" ? document.querySelector("[data-keys-help] > summary")
    : /^[a-z]$/.test(event.key) && items[now]?.querySelector(`[data-key="${event.key}"]`);
  if (!next && !button) return;
  event.preventDefault();
  if (next) return next.focus();
  button.click();
  if (!button.matches("summary")) return;
  (button.parentElement.open && button.parentElement.querySelector("select, textarea, input:not([type=hidden])") || button).focus();
}

export function start(root) {
  for (const item of root.querySelectorAll("[data-shortcut-item]")) item.tabIndex = -1;
  // Added once, however often.
  document.addEventListener("keydown", press);
}
