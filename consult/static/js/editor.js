// Beside a text that is being written: who else has it open, parts of the page renewed in place, words taken over.

const PING = 30000;

/** Says every half minute that the form is open, and shows who else has it open. */
function watchPresence(box, { announce, parse }) {
  const token = document.querySelector("form.form [name=csrf_token]");
  if (!token) return;
  const body = (more) => new URLSearchParams({ csrf_token: token.value, ...more });
  const said = () => box.textContent.trim().replace(/\s+/g, " ");
  const ping = async () => {
    if (document.visibilityState !== "visible") return;
    const answer = await fetch(box.dataset.presence, { method: "POST", body: body() }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const before = said();
    box.replaceChildren(...(await parse(answer)).body.childNodes);
    if (said() && said() !== before) announce(said());
  };
  ping();
  setInterval(ping, PING);
  document.addEventListener("visibilitychange", ping);
  addEventListener("pageshow", (event) => { if (event.persisted) ping(); });
  addEventListener("pagehide", () => navigator.sendBeacon(box.dataset.presence, body({ left: "1" })));
}

/** Asks for the page this button leads to and renews only the part it names; whatever goes wrong, the button does. */
async function renew(event, { announce, enhance, sent, parse }) {
  const button = event.currentTarget;
  if (button.dataset.plain !== undefined) return;
  event.preventDefault();
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  const part = document.getElementById(button.dataset.part);
  try {
    const answer = await fetch(button.form.action, sent(button.form, button));
    const fresh = (await parse(answer)).getElementById(part.id);
    if (!answer.ok || !fresh) throw new Error(answer.status);
    part.replaceWith(fresh);
    await enhance(fresh);
    fresh.focus();
    fresh.scrollIntoView({ block: "nearest" });
    announce(fresh.querySelector("[data-said]")?.textContent);
    button.removeAttribute("aria-busy");
  } catch {
    button.dataset.plain = "";
    button.click();
  }
}

/** Puts the words selected in the text into the field of a source. */
function takeWords(button, { announce }) {
  const area = button.form.querySelector("textarea");
  const words = area.value.slice(area.selectionStart, area.selectionEnd).trim().replace(/\s+/g, " ");
  if (words) {
    const field = document.getElementById(button.dataset.takeWords);
    field.value = words;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  } else area.focus();
  announce(words ? button.dataset.done : button.dataset.none);
}

export function start(root, page) {
  for (const box of root.querySelectorAll("[data-presence]")) watchPresence(box, page);
  for (const button of root.querySelectorAll("button[data-part]")) {
    button.addEventListener("click", (event) => renew(event, page));
  }
  for (const button of root.querySelectorAll("button[data-take-words]")) {
    button.hidden = false;
    button.addEventListener("click", () => takeWords(button, page));
  }
}
