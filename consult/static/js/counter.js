// Counts down to the length limit of a field; the words around the number stand in the page.

function watch(field, page) {
  const box = document.getElementById(`${field.id}-counter`);
  if (!box) return;
  const limit = Number(field.dataset.counter);
  const number = box.querySelector("[data-counter-number]");
  const show = () => {
    // Code points, as the server counts them, not UTF-16 units.
    const left = limit - [...field.value].length;
    box.querySelector("[data-counter-rest]").hidden = true;
    box.querySelector("[data-counter-left]").hidden = left < 0;
    box.querySelector("[data-counter-over]").hidden = left >= 0;
    number.textContent = Math.abs(left).toLocaleString(document.documentElement.lang);
    box.classList.toggle("over", left < 0);
  };
  let timer;
  field.addEventListener("input", () => {
    show();
    clearTimeout(timer);
    // Spoken only near the end and only in a pause, otherwise it would talk over the typing.
    if (limit - field.value.length < 100) timer = setTimeout(() => page.announce(box.innerText), 1000);
  });
  show();
}

export function start(root, page) {
  for (const field of root.querySelectorAll("[data-counter]:not([data-counted])")) {
    field.dataset.counted = "";
    watch(field, page);
  }
}
