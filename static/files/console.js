// Improvements of the pages of the console: keys, search while typing, and parts that stay up to date.
// Each page works without this script.
"use strict";
const typing = (e) => e.matches("input:not([type=radio], [type=checkbox]), textarea, select") || e.isContentEditable;

// A key presses the link or button that names it. "/" goes to the search; j and k go down and up a list.
addEventListener("keydown", (e) => {
  if (e.key === "Enter" && (e.ctrlKey || e.metaKey) && e.target.form) return e.target.form.requestSubmit();
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
  if (typing(e.target)) {
    if (e.key === "Escape") e.target.blur();
    return;
  }
  if (e.key === "j" || e.key === "k") {
    const rows = [...document.querySelectorAll("[data-row]")], at = rows.indexOf(document.activeElement);
    const next = rows[e.key === "j" ? at + 1 : Math.max(at - 1, 0)];
    if (next) next.focus();
    return;
  }
  const target = e.key === "/" ? document.querySelector("[type=search]") : document.querySelector(`[data-key="${CSS.escape(e.key)}"]`);
  if (!target) return;
  e.preventDefault();
  if (target.matches("a, button, summary")) target.click(); else target.focus();
});

// focused returns a selector of the link or button with the focus, to find it again after its part was replaced.
const focused = (e) => e.dataset.key ? `[data-key="${CSS.escape(e.dataset.key)}"]` : e.matches("a[href]") ? `a[href="${CSS.escape(e.getAttribute("href"))}"]` : "";

// renew replaces the element with an id by that of the page at a path. It leaves the page as it is if the answer is another, or if a
// search went to another path meanwhile.
async function renew(id, path) {
  const answer = await fetch(path, { headers: { Accept: "text/html" }, redirect: "error" });
  if (!answer.ok) return;
  const text = await answer.text();
  if (path !== location.href) return;
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(id), old = document.getElementById(id);
  if (!fresh || !old || same(fresh, old)) return;
  const held = old.contains(document.activeElement) ? focused(document.activeElement) : "";
  old.replaceWith(document.adoptNode(fresh));
  const again = held && document.querySelector(held);
  if (again) again.focus();
}

// same reports whether two parts differ only in the names of their forms.
const same = (a, b) => [a, b].map((x) => x.outerHTML.replace(/name="once" value="[^"]*"/g, "")).reduce((x, y) => x === y);

// A search form shows its results while the user types. The latest text wins.
for (const form of document.querySelectorAll("form[data-search]")) {
  let timer, turn = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const mine = ++turn, path = form.getAttribute("action") + "?" + new URLSearchParams(new FormData(form));
      const answer = await fetch(path, { headers: { Accept: "text/html" }, redirect: "error" }).catch(() => null);
      if (!answer || !answer.ok || mine !== turn) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(form.dataset.search);
      if (!fresh || mine !== turn) return;
      document.getElementById(form.dataset.search).replaceWith(document.adoptNode(fresh));
      history.replaceState(null, "", path);
    }, 200);
  });
}

// A part with data-live is read again after so many seconds, while the page is visible and nothing is typed in it. It ends ten
// minutes after the last key or touch, so that a page that was left does not keep the session alive.
let used = Date.now();
for (const kind of ["keydown", "pointerdown", "pointermove", "focus"]) addEventListener(kind, () => { used = Date.now(); }, { passive: true });
for (const part of document.querySelectorAll("[data-live]")) {
  const id = part.id, wait = Number(part.dataset.live) * 1000;
  const again = async () => {
    const now = document.getElementById(id), held = document.activeElement;
    if (now && document.visibilityState === "visible" && Date.now() - used < 600000 && !(now.contains(held) && typing(held))) await renew(id, location.href).catch(() => {});
    setTimeout(again, wait);
  };
  setTimeout(again, wait);
}

// A form with data-continue is sent again by its button outside the form, until an answer has no such form.
for (const form of document.querySelectorAll("form[data-continue]")) {
  const next = document.querySelector(`button[form="${CSS.escape(form.id)}"]`);
  if (next) setTimeout(() => form.requestSubmit(next), 500);
}
