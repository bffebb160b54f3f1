// Signing out: lists of guests leave the device; what is not sent yet is pointed out first.
import { forget, meetings, unsent } from "./kept.js";

const note = document.querySelector("[data-unsent-check-ins]");
if (note && unsent().length) note.hidden = false;
for (const form of document.querySelectorAll("main form")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await Promise.all([...meetings()].map(forget));
    form.submit();
  });
}
