// WebAuthn ceremonies: read the options from the page and send the answer to the URL of the button.
// The server responds {"next": path} or {"problem": sentence}. With "reload" true the page must load new options.
"use strict";

// Fallback for browsers without PublicKeyCredential.parse…FromJSON and toJSON.
const bytes = (s) => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0)).buffer;
const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function parse(kind, json) {
  const own = kind === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
  if (PublicKeyCredential[own]) return PublicKeyCredential[own](json);
  const o = { ...json, challenge: bytes(json.challenge) };
  if (o.user) o.user = { ...o.user, id: bytes(o.user.id) };
  for (const list of ["excludeCredentials", "allowCredentials"]) {
    if (o[list]) o[list] = o[list].map((c) => ({ ...c, id: bytes(c.id) }));
  }
  return o;
}

function answer(c) {
  if (c.toJSON) return c.toJSON();
  const r = {}, from = c.response;
  for (const k of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (from[k]) r[k] = text(from[k]);
  }
  if (from.getTransports) r.transports = from.getTransports();
  return { id: c.id, rawId: text(c.rawId), type: c.type, response: r, clientExtensionResults: c.getClientExtensionResults(),
    authenticatorAttachment: c.authenticatorAttachment || undefined };
}

for (const b of document.querySelectorAll("[data-key]")) {
  const status = document.querySelector("[data-key-status]"), words = b.dataset;
  if (!window.PublicKeyCredential) {
    status.textContent = words.unsupported;
    continue;
  }
  const raw = JSON.parse(document.getElementById("key-options").textContent);
  const name = document.getElementById("f-name");
  let done = ""; // the next page: a load that was stopped can be repeated
  const run = async () => {
    if (done) return location.assign(done);
    if (name && !name.reportValidity()) return;
    b.disabled = true;
    status.textContent = words.waiting;
    let credential;
    try {
      credential = await navigator.credentials[words.key]({ publicKey: parse(words.key, raw.publicKey || raw) });
    } catch (e) {
      status.textContent = e.name === "InvalidStateError" ? words.known : words.cancelled;
      b.disabled = false;
      return;
    }
    try {
      const body = { answer: answer(credential) };
      if (name) body.name = name.value;
      if (words.next) body.next = words.next;
      const res = await fetch(words.post, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
      const said = await res.json();
      if (said.next) {
        done = said.next;
        b.disabled = false;
        return location.assign(done);
      }
      status.textContent = said.problem || words.failed;
      if (said.reload) return setTimeout(() => { done = location.href; b.disabled = false; location.reload(); }, 4000);
    } catch { status.textContent = words.failed; }
    b.disabled = false;
  };
  b.hidden = false;
  b.addEventListener("click", run);
  const form = b.closest("form");
  if (form) form.addEventListener("submit", (e) => { e.preventDefault(); run(); });
}
