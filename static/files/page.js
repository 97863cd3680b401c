// Improvements of every page: show a password, accept a pasted code, count down a wait, copy, print and save.
// Each page works without this script.
"use strict";
for (const e of document.querySelectorAll("[data-with-script]")) e.hidden = false;
for (const e of document.querySelectorAll("[data-without-script]")) e.hidden = true;

// A page of a user is not kept for Back: it is hidden when it is left, and loaded again when the browser brings it back.
// The page after a sign-out makes the other tabs load theirs again.
const page = document.body.dataset, signOuts = window.BroadcastChannel && new BroadcastChannel("sign-out");
if (page.subject) {
  const load = () => location.replace(page.path);
  addEventListener("pagehide", () => { document.documentElement.hidden = true; });
  addEventListener("pageshow", (e) => { if (e.persisted) load(); });
  if (signOuts) signOuts.onmessage = load;
} else if (signOuts && document.querySelector("[data-signed-out]")) signOuts.postMessage("");

const problem = document.getElementById("problem");
if (problem) problem.focus();

for (const b of document.querySelectorAll("[data-show]")) {
  const input = document.getElementById(b.dataset.show), label = b.textContent;
  b.hidden = false;
  b.addEventListener("click", () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    b.textContent = shown ? label : b.dataset.hide;
    b.setAttribute("aria-pressed", String(!shown));
    input.focus();
  });
  input.form.addEventListener("submit", () => { input.type = "password"; });
}

// How strong a new password is, in words, from its length and its different characters. The service decides at the submit.
for (const p of document.querySelectorAll("[data-strength]")) {
  const input = document.getElementById(p.dataset.strength), words = p.dataset, blank = "\u00a0";
  p.textContent = blank;
  input.addEventListener("input", () => {
    const typed = [...input.value.normalize("NFC")], size = Math.min(typed.length, 2 * new Set(typed).size);
    const word = typed.length === 0 ? blank : typed.length < words.min ? words.short : size < 12 ? words.weak : size < 16 ? words.fair : words.strong;
    if (p.textContent !== word) p.textContent = word;
  });
}

// A form is submitted once, even after a double tap. It opens again if the navigation is stopped, or if Back shows the
// page. A browser that does not report a stopped navigation opens it after ten seconds.
const submitted = new Set(), reopen = () => submitted.clear();
addEventListener("pageshow", reopen);
if (window.navigation) navigation.addEventListener("navigateerror", reopen);
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (e) => {
    if (submitted.has(form)) return e.preventDefault();
    submitted.add(form);
    if (!window.navigation) setTimeout(reopen, 10000);
  });
}

// A pasted code may contain spaces. The sixth digit submits the form, if the form is valid.
for (const input of document.querySelectorAll("[data-digits]")) {
  const size = Number(input.dataset.digits);
  input.addEventListener("input", () => {
    const digits = input.value.replace(/[\s.\-]/g, "");
    if (digits !== input.value) input.value = digits;
    if (/^[0-9]+$/.test(digits) && digits.length === size && input.form.checkValidity()) input.form.requestSubmit();
  });
}

for (const p of document.querySelectorAll("[data-countdown]")) {
  const end = performance.now() + Number(p.dataset.countdown) * 1000;
  const clock = document.createElement("span");
  clock.className = "clock";
  clock.setAttribute("aria-hidden", "true");
  p.append(clock);
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) {
      p.setAttribute("role", "status");
      p.textContent = p.dataset.done;
      return;
    }
    clock.textContent = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
    setTimeout(tick, 250);
  };
  tick();
}

function lines(id) {
  return Array.from(document.getElementById(id).children, (e) => e.textContent.trim()).join("\n") + "\n";
}

for (const b of document.querySelectorAll("[data-copy], [data-copy-from]")) {
  if (!navigator.clipboard) continue; // absent in insecure contexts
  b.hidden = false;
  b.setAttribute("aria-live", "polite");
  b.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(b.dataset.copy || lines(b.dataset.copyFrom));
      b.lastChild.textContent = b.dataset.copied;
    } catch { b.disabled = true; }
  });
}

for (const b of document.querySelectorAll("[data-print]")) b.addEventListener("click", () => print());

for (const b of document.querySelectorAll("[data-save]")) {
  b.addEventListener("click", () => {
    const a = document.createElement("a");
    a.href = URL.createObjectURL(new Blob([b.dataset.head + "\n\n" + lines(b.dataset.save)], { type: "text/plain" }));
    a.download = b.dataset.file;
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 10000);
  });
}
