// Sends forms marked data-inplace="#id" without leaving the page and renews only that part from the answer.
// The answer is the page that a browser without scripts would show. Whatever goes wrong ends in an ordinary POST.
// Links marked so open that part of the page they lead to where they stand, and close it again; with rel they add to it.

async function send(form, submitter, { announce, enhance, sent, parse }) {
  const target = document.querySelector(form.dataset.inplace);
  if (!target) return false;
  const response = await fetch(form.action, sent(form, submitter));
  if (!response.ok) return false;
  const answer = await parse(response);
  const fresh = answer.getElementById(target.id);
  if (!fresh) { location.assign(response.url); return true; }
  const position = [...target.querySelectorAll("[data-shortcut-item]")].findIndex((item) => item.contains(form));
  target.replaceWith(fresh);
  await enhance(fresh);
  const items = fresh.querySelectorAll("[data-shortcut-item]");
  const next = items[Math.min(Math.max(position, 0), items.length - 1)] ?? fresh;
  next.tabIndex = -1;
  next.focus({ preventScroll: next === fresh });
  announce(answer.querySelector("[data-flash]")?.textContent);
  return true;
}

async function submit(event, page) {
  const form = event.target;
  event.preventDefault();
  if (form.dataset.busy !== undefined) return;
  form.dataset.busy = "";
  event.submitter?.setAttribute("aria-busy", "true");
  let done;
  try { done = await send(form, event.submitter, page); } catch { }
  // The one-time form_id makes a second sending harmless.
  if (!done) form.submit();
}

async function unfold(event, { enhance, parse }) {
  const link = event.currentTarget;
  const place = document.querySelector(link.dataset.inplace);
  if (!place || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.rel || !place.childElementCount) {
    try {
      const page = await parse(await fetch(link.href));
      if (link.rel) {
        const fresh = [...page.querySelector(link.dataset.inplace).children];
        place.append(...fresh);
        link.parentNode.replaceWith(...page.querySelectorAll(".pager"));
        enhance(place.parentNode);
        return fresh[0].querySelector("a").focus();
      }
      place.replaceChildren(...page.querySelector("[data-unfold]").childNodes);
    } catch { return location.assign(link.href); }
  }
  place.hidden = !place.hidden;
  link.setAttribute("aria-expanded", String(!place.hidden));
}

export function start(root, page) {
  for (const link of root.querySelectorAll("a[data-inplace]")) link.onclick = (event) => unfold(event, page);
  for (const form of root.querySelectorAll("form[data-inplace]:not([data-ready])")) {
    form.dataset.ready = "";
    form.addEventListener("submit", (event) => submit(event, page));
  }
}
