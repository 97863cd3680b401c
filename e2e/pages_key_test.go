package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestKey_PasswordManagerThatBreaksToJSON enrols a key and steps up with it. In its browser an extension answers with
// credentials whose toJSON throws, and the browser's own readers of options throw too.
func TestKey_PasswordManagerThatBreaksToJSON(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	key := p.Plug()
	p.inject(`const fails = () => { throw new TypeError("Illegal invocation") };
PublicKeyCredential.prototype.toJSON = fails;
PublicKeyCredential.parseCreationOptionsFromJSON = fails;
PublicKeyCredential.parseRequestOptionsFromJSON = fails;
PublicKeyCredential.prototype.getClientExtensionResults = fails;
AuthenticatorAttestationResponse.prototype.getTransports = fails;`)
	p.give()
	p.enter(m.Phone.Next())
	p.addKey(m.Phone, "Clé bleue")
	h.Clock.Advance(10 * time.Minute) // the step-up is stale
	p.Open("/account/prove?method=key&next=/account/add")
	p.Click(`[data-key="get"]`)
	p.Wait("#own")
	key.Unplug()
}

// TestKey_MessageNamesTheCause breaks one part of a ceremony at a time, and reads what the page says about it.
func TestKey_MessageNamesTheCause(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	key := p.Plug()
	p.give()
	p.enter(m.Phone.Next())
	p.addKey(m.Phone, "Clé bleue")
	rejects := func(name string) string {
		return `navigator.credentials.get = navigator.credentials.create = async () => { throw new DOMException("x", "` + name + `") };`
	}
	const network, extension = "Vérifiez la connexion au réseau", "gestionnaire de mots de passe"
	const start = "/account/prove?method=key&next=/account/add"
	p.Open(start)
	for script, want := range map[string]string{
		rejects("NotAllowedError"):   "La clé n’a pas répondu",
		rejects("AbortError"):        "La clé n’a pas répondu",
		rejects("TimeoutError"):      "La clé n’a pas répondu",
		rejects("NotSupportedError"): "ne peut pas faire ce qui est demandé",
		rejects("ConstraintError"):   "ne peut pas faire ce qui est demandé",
		rejects("SecurityError"):     "à l’adresse de cette page",
		rejects("NotReadableError"):  "n’a pas pu être lue",
		rejects("UnknownError"):      "n’a pas pu être lue",
		rejects("DataError"):         extension,
		`navigator.credentials.get = async () => { throw undefined };`: extension,
		`navigator.credentials.get = async () => null;`:                extension,
		`navigator.credentials.get = async () => ({ id: "x" });`:       extension,
	} {
		p.evaluate(script)
		p.Click(`[data-key="get"]`)
		p.settles(want)
	}
	p.Open(start)
	for script, want := range map[string]string{
		`fetch = async () => { throw new TypeError("Failed to fetch") };`:                          network,
		`fetch = async () => ({ json: async () => { throw new TypeError("network error") } });`:    network,
		`fetch = async () => new Response("<h1>Bad gateway</h1>", { status: 502 });`:               "Le service n’a pas pu vérifier la clé",
		`fetch = async () => new Response("{}", { status: 500 });`:                                 "Le service n’a pas pu vérifier la clé",
		`fetch = async () => Response.json({ problem: "Attendez un instant." }, { status: 429 });`: "Attendez un instant.",
	} {
		p.evaluate(script)
		p.Click(`[data-key="get"]`)
		p.settles(want)
	}
	p.Expect("401")
	p.Open(start)
	p.evaluate(`const f = fetch; fetch = (u, o) => f(u, { ...o, body: o.body.replace("clientData", "no") });`)
	p.Click(`[data-key="get"]`)
	p.settles("n’a pas été reconnue")
	h.Clock.Advance(time.Minute)
	p.Open("/account/add")
	p.prove(m.Phone)
	p.Submit(`button[name="kind"][value="webauthn"]`)
	p.Fill("#f-name", "Another")
	p.Expect("422")
	p.evaluate(`const f = fetch; fetch = (u, o) => f(u, { ...o, body: o.body.replace("attestationObject", "no") });`)
	key.Unplug()
	p.Plug()
	p.Click(`[data-key="create"]`)
	p.settles("n’a pas pu être inscrite")
}

// settles waits until the page says this about the key.
func (p *Person) settles(want string) {
	p.tb.Helper()
	run(p.Browser, chromedp.Poll[chromedp.Void](`document.querySelector("[data-key-status]").textContent !== document.querySelector("[data-key]").dataset.waiting`))
	if got := p.Text("[data-key-status]"); !strings.Contains(plain(got), plain(want)) {
		p.tb.Errorf("the page says %q, want %q", got, want)
	}
}

// inject runs a script before those of each page.
func (p *Person) inject(script string) {
	p.tb.Helper()
	call(p.Browser, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}
