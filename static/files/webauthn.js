// WebAuthn ceremonies: read the options from the page and send the answer to the URL of the button.
// The server responds {"next": path} or {"problem": sentence}. With "reload" true the page must load new options.
"use strict";

const bytes = (s) => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0)).buffer;
const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const attempt = (f, otherwise) => { try { return f(); } catch { return otherwise; } };

// parse and answer convert by hand. Older browsers have no functions for it, and some password managers replace the
// browser's by ones that throw.
function parse(json) {
  const o = { ...json, challenge: bytes(json.challenge) };
  if (o.user) o.user = { ...o.user, id: bytes(o.user.id) };
  for (const list of ["excludeCredentials", "allowCredentials"]) {
    if (o[list]) o[list] = o[list].map((c) => ({ ...c, id: bytes(c.id) }));
  }
  return o;
}

function answer(c) {
  const r = {}, from = c.response, id = text(c.rawId);
  for (const k of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (from[k]) r[k] = text(from[k]);
  }
  r.transports = attempt(() => from.getTransports());
  return { id, rawId: id, type: c.type, response: r, clientExtensionResults: attempt(() => c.getClientExtensionResults(), {}),
    authenticatorAttachment: c.authenticatorAttachment || undefined };
}

// The messages for the errors of the browser. Any other error comes from a script between the page and the key.
const causes = {
  NotAllowedError: "cancelled", AbortError: "cancelled", TimeoutError: "cancelled", InvalidStateError: "known",
  NotSupportedError: "unfit", ConstraintError: "unfit", NotReadableError: "unreadable", UnknownError: "unreadable",
  SecurityError: "address",
};

for (const b of document.querySelectorAll("[data-key]")) {
  const status = document.querySelector("[data-key-status]"), words = b.dataset;
  if (!window.PublicKeyCredential) {
    status.textContent = words.unsupported;
    continue;
  }
  const raw = JSON.parse(document.getElementById("key-options").textContent);
  const name = document.getElementById("f-name");
  const run = async () => {
    if (name && !name.reportValidity()) return;
    b.disabled = true;
    status.textContent = words.waiting;
    const stop = (message) => { status.textContent = words[message] || message; b.disabled = false; };
    const body = { name: name ? name.value : undefined, next: words.next };
    let res, said;
    try {
      body.answer = answer(await navigator.credentials[words.key]({ publicKey: parse(raw.publicKey || raw) }));
    } catch (e) { return stop(causes[e && e.name] || "blocked"); }
    try {
      const headers = { "Content-Type": "application/json", "Barillet-Subject": document.body.dataset.subject || "" };
      res = await fetch(words.post, { method: "POST", headers, body: JSON.stringify(body) });
      said = await res.json();
    } catch (e) { return stop(e.name === "SyntaxError" ? "service" : "failed"); }
    if (said.next) return location.assign(said.next);
    stop(said.problem || "service");
    if (said.reload) b.disabled = true, setTimeout(() => location.reload(), 4000);
  };
  b.hidden = false;
  b.addEventListener("click", run);
  const form = b.closest("form");
  if (form) form.addEventListener("submit", (e) => { e.preventDefault(); run(); });
}
