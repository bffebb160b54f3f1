// On a pause in writing: what others said alike.

export function start(root, { announce }) {
  for (const box of root.querySelectorAll("[data-similar]")) {
    const { elements } = box.closest("form");
    let timer, last;
    const ask = async () => {
      const body = new URLSearchParams(["text", "lang", "csrf_token"].map((name) => [name, elements[name].value]));
      const part = await fetch(box.dataset.similar, { method: "POST", body }).catch(String);
      if (!part.ok) return;
      box.innerHTML = await part.text();
      const found = box.querySelector("[data-found]")?.dataset.found;
      if (found !== last) announce(last = found);
    };
    elements.similar.hidden = true;
    elements.text.oninput = () => { clearTimeout(timer); timer = setTimeout(ask, 999); };
  }
}
