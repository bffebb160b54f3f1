// Sends forms marked data-inplace="#id" without leaving the page and renews only that part from the answer.
// The answer is the ordinary page that a browser without scripts would show. Whatever goes wrong ends in an ordinary POST.
// Links marked so open that part of the page they lead to right where they stand, and close it again.

async function send(form, submitter, { announce, enhance }) {
  const target = document.querySelector(form.dataset.inplace);
  const data = new FormData(form, submitter);
  if (!target) return false;
  const response = await fetch(form.action, { method: "POST", body: data, headers: { Accept: "text/html" } });
  if (!response.ok) return false;
  const answer = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = answer.getElementById(target.id);
  if (!fresh) { window.location.assign(response.url); return true; }
  const position = [...target.querySelectorAll("[data-shortcut-item]")].findIndex((item) => item.contains(form));
  target.replaceWith(fresh);
  await enhance(fresh);
  const items = fresh.querySelectorAll("[data-shortcut-item]");
  const next = items[Math.min(Math.max(position, 0), items.length - 1)] ?? fresh;
  if (!next.hasAttribute("tabindex")) next.tabIndex = -1;
  next.focus({ preventScroll: next === fresh });
  announce(answer.querySelector("[data-flash]")?.textContent.trim().replace(/\s+/g, " ") ?? "");
  return true;
}

async function submit(event, page) {
  const form = event.target;
  event.preventDefault();
  if (form.dataset.busy !== undefined) return;
  form.dataset.busy = "";
  event.submitter?.setAttribute("aria-busy", "true");
  let done = false;
  try { done = await send(form, event.submitter, page); } catch { done = false; }
  // The one-time form_id makes the second sending harmless when the first one did arrive.
  if (!done) form.submit();
}

async function unfold(event) {
  const link = event.currentTarget;
  const place = document.querySelector(link.dataset.inplace);
  if (!place || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (!place.childElementCount) {
    try {
      const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.replaceChildren(...page.querySelector("[data-unfold]").childNodes);
    } catch { return location.assign(link.href); }
  }
  place.hidden = !place.hidden;
  link.setAttribute("aria-expanded", String(!place.hidden));
}

export function start(root, page) {
  for (const link of root.querySelectorAll("a[data-inplace]")) link.addEventListener("click", unfold);
  for (const form of root.querySelectorAll("form[data-inplace]:not([data-ready])")) {
    form.dataset.ready = "";
    form.addEventListener("submit", (event) => submit(event, page));
  }
}
