// Adds to the table of runs: how many are selected, ranges with Shift, keys for rows and for selecting.

const form = document.querySelector("form[data-selection]");
const boxes = form ? [...form.querySelectorAll("input[name=run]")] : [];

if (form) {
  const said = form.querySelector("[data-selected]");
  let last = null;
  const tell = () => {
    const count = boxes.filter((box) => box.checked).length;
    said.textContent = count ? `${count} ${form.dataset.selection}` : "";
    for (const box of boxes) box.closest("tr").classList.toggle("chosen", box.checked);
  };
  form.addEventListener("click", (event) => {
    const index = boxes.indexOf(event.target);
    if (index < 0) return;
    if (event.shiftKey && last !== null) {
      const [from, to] = [Math.min(last, index), Math.max(last, index)];
      for (const box of boxes.slice(from, to + 1)) box.checked = event.target.checked;
    }
    last = index;
    tell();
  });
  form.addEventListener("change", tell);
  // A browser that goes back keeps the boxes.
  addEventListener("pageshow", tell);
  tell();
}

document.addEventListener("keydown", (event) => {
  const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "checkbox";
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !boxes.length) return;
  const rows = boxes.map((box) => box.closest("tr"));
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const steps = { j: 1, k: -1 };
  if (event.key in steps) {
    const next = Math.min(rows.length - 1, Math.max(0, at + steps[event.key]));
    rows[next].querySelector("th a").focus();
    event.preventDefault();
  } else if (event.key === "x" && at >= 0) {
    boxes[at].checked = !boxes[at].checked;
    boxes[at].dispatchEvent(new Event("change", { bubbles: true }));
  } else if (event.key === "c" && boxes.filter((box) => box.checked).length > 1) {
    form.querySelector("button[value=compare]").click();
  }
});
