// Keys for a list marked data-shortcuts: j and k move between its data-shortcut-item parts, a letter presses the
// button with that data-key in the current one. They work only while the focus is inside the list and not in a field,
// so that they never get in the way of a screen reader or of typing.

function press(list, event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, textarea, select")) return;
  const items = [...list.querySelectorAll("[data-shortcut-item]")];
  const now = items.findIndex((item) => item.contains(event.target));
  const step = { j: 1, k: -1 }[event.key];
  if (step) {
    const next = items[Math.min(Math.max(now + step, 0), items.length - 1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: "nearest" });
    return;
  }
  if (!/^[a-z]$/.test(event.key)) return;
  const button = items[now]?.querySelector(`[data-key="${event.key}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
}

export function start(root) {
  const lists = root.matches?.("[data-shortcuts]") ? [root] : root.querySelectorAll("[data-shortcuts]");
  for (const list of lists) {
    for (const item of list.querySelectorAll("[data-shortcut-item]")) item.tabIndex = -1;
    if (list.dataset.keys !== undefined) continue;
    list.dataset.keys = "";
    list.addEventListener("keydown", (event) => press(list, event));
  }
}
