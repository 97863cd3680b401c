package e2e_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/skip2/go-qrcode"
)

const proofURI = "otpauth://totp/Barillet:zo%C3%A9%40garage.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Barillet"

// proofScript is what the page of the proofs runs: one WebAuthn registration
// and one sign-in, by buttons.
const proofScript = `
const bytes = n => crypto.getRandomValues(new Uint8Array(n));
let kept;
document.querySelector("#register")?.addEventListener("click", async () => {
	const made = await navigator.credentials.create({publicKey: {challenge: bytes(32), rp: {name: "Proof"},
		user: {id: bytes(16), name: "zoe", displayName: "Zoé"}, pubKeyCredParams: [{type: "public-key", alg: -7}, {type: "public-key", alg: -257}],
		authenticatorSelection: {residentKey: "discouraged", userVerification: "discouraged"}}});
	kept = made.rawId;
	document.querySelector("#made").textContent = made.type;
});
document.querySelector("#use")?.addEventListener("click", async () => {
	const id = kept ?? Uint8Array.from(atob(document.querySelector("#id").value), c => c.charCodeAt(0));
	const got = await navigator.credentials.get({publicKey: {challenge: bytes(32), userVerification: "discouraged",
		allowCredentials: [{type: "public-key", id}]}});
	document.querySelector("#used").textContent = "signed " + new DataView(got.response.authenticatorData).getUint32(33);
});
document.querySelector("#code")?.addEventListener("input", e => { if (e.target.value.length == 6) e.target.form.requestSubmit(); });
`

const proofPage = `<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>Proof</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"></head><body><main><h1>Proof</h1>
<noscript><p id="noscript">no script</p></noscript>
<form method="post" action="/form"><label>Name <input name="name" value="old"></label>
<label>Message <textarea name="message">before</textarea></label>
<label>Reason <select name="reason"><option value="a">A</option><option value="b">B</option></select></label>
<button id="send">Send</button></form>
<form method="post" action="/form"><label>Code <input id="code" name="name" inputmode="numeric"></label></form>
<img id="qr" src="/qr.png" alt="QR code">
<button id="register">Register</button><output id="made"></output>
<label>Id <input id="id"></label><button id="use">Use</button><output id="used"></output>
</main><script src="/script.js"></script></body></html>`

func proofSite(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	page := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
				"img-src 'self' data:; form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'")
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: r.Header.Get("Accept-Language"), HttpOnly: true})
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	mux.HandleFunc("GET /{$}", page(http.StatusOK, proofPage))
	mux.HandleFunc("GET /refused", page(http.StatusForbidden, "<!doctype html><link rel=icon href='data:,'><p id=why>no</p>"))
	mux.HandleFunc("GET /inline", page(http.StatusOK, "<!doctype html><link rel=icon href='data:,'><script>x=1</script>"))
	mux.HandleFunc("GET /throws", page(http.StatusOK, "<!doctype html><link rel=icon href='data:,'><script src=/throw.js></script>"))
	mux.HandleFunc("GET /lost", page(http.StatusOK, "<!doctype html><link rel=icon href='data:,'><img src=/nowhere.png>"))
	mux.HandleFunc("GET /nameless", page(http.StatusOK, "<!doctype html><html lang=fr><title>x</title><link rel=icon href='data:,'><main><h1>x</h1><input></main>"))
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		fmt.Fprint(w, "body{background:#fff;color:#000} @media (prefers-color-scheme: dark){body{background:#000;color:#fff}}")
	})
	mux.HandleFunc("GET /script.js", script(proofScript))
	mux.HandleFunc("GET /throw.js", script("throw new Error('boom')"))
	mux.HandleFunc("GET /qr.png", func(w http.ResponseWriter, _ *http.Request) {
		picture, err := qrcode.Encode(proofURI, qrcode.Medium, 256)
		if err != nil {
			t.Error(err)
		}
		w.Write(picture)
	})
	mux.HandleFunc("POST /form", func(w http.ResponseWriter, r *http.Request) {
		page(http.StatusOK, "<!doctype html><link rel=icon href='data:,'><p id=said>"+
			strings.Join([]string{r.FormValue("name"), r.FormValue("message"), r.FormValue("reason")}, "|")+"</p>")(w, r)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

func script(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, text)
	}
}

func TestBrowser_SubmitsForms(t *testing.T) {
	site := proofSite(t)
	for name, o := range map[string]BrowserOptions{"with JavaScript": {Language: "en"}, "without": {NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			b := NewBrowser(t, site, o)
			if got := b.Open("/"); got != 200 {
				t.Fatalf("got status %d, want 200", got)
			}
			if got, want := b.Count("noscript > p"), map[bool]int{false: 0, true: 1}[o.NoScript]; got != want {
				t.Errorf("got %d paragraphs for browsers without JavaScript, want %d", got, want)
			}
			b.Fill("input[name=name]", "")
			if got := b.Value("input[name=name]"); got != "" {
				t.Errorf("got %q in a field that was emptied", got)
			}
			b.Fill("input[name=name]", "Zoé")
			b.Fill("textarea", "two\nlines")
			b.Choose("select", "b")
			if got := b.Submit("#send"); got != 200 || b.Path() != "/form" {
				t.Errorf("got status %d at %s, want 200 at /form", got, b.Path())
			}
			if got, want := b.Text("#said"), "Zoé|two lines|b"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			cookies := b.Cookies()
			want := map[bool]string{false: "en", true: "fr"}[o.NoScript]
			if len(cookies) != 1 || cookies[0].Value != want || !cookies[0].HTTPOnly {
				t.Errorf("got the cookies %+v, want one with the language %s", cookies, want)
			}
			if got := b.Open("/refused"); got != 403 || b.Text("#why") != "no" {
				t.Errorf("got status %d, want 403 with its page", got)
			}
		})
	}
}

func TestBrowser_WaitsForAutomaticForm(t *testing.T) {
	b := NewBrowser(t, proofSite(t), BrowserOptions{})
	b.Open("/")
	b.FillAndLeave("#code", "123456")
	if got, want := b.Text("#said"), "123456||"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBrowser_ReportsConsoleMessages(t *testing.T) {
	site := proofSite(t)
	for path, want := range map[string]string{
		"/inline":  "Content Security Policy",
		"/throws":  "boom",
		"/lost":    "404",
		"/refused": "",
	} {
		t.Run(path, func(t *testing.T) {
			b := NewBrowser(t, site, BrowserOptions{})
			b.Open(path)
			got := strings.Join(b.Messages(), "\n")
			if !strings.Contains(got, want) || (want == "") != (got == "") {
				t.Errorf("got %q, want a complaint about %q", got, want)
			}
			if want != "" {
				b.Expect(want)
			}
			if left := b.Messages(); len(left) != 0 {
				t.Errorf("got %q after it was announced, want nothing", left)
			}
		})
	}
}

func TestZbarImg_ReadsQRCode(t *testing.T) {
	b := NewBrowser(t, proofSite(t), BrowserOptions{})
	b.Open("/")
	if got := ZbarImg(t, b.Picture("#qr")); got != proofURI {
		t.Errorf("got %q, want %q", got, proofURI)
	}
}

func TestKey_RegistersSignsAndMoves(t *testing.T) {
	site := proofSite(t)
	b := NewBrowser(t, site, BrowserOptions{})
	key := b.Plug()
	b.Open("/")
	b.Click("#register")
	b.Wait("#made:not(:empty)")
	b.Click("#use")
	b.Wait("#used:not(:empty)")
	held := key.Credentials()
	if len(held) != 1 {
		t.Fatalf("got %d credentials, want 1", len(held))
	}
	if got, want := b.Text("#used"), fmt.Sprintf("signed %.0f", held[0].SignCount); got != want {
		t.Errorf("got %q, want %q", got, want)
	}

	other := NewBrowser(t, site, BrowserOptions{})
	moved := key.Carry(other)
	other.Open("/")
	other.Fill("#id", base64.StdEncoding.EncodeToString(held[0].CredentialID))
	other.Click("#use")
	other.Wait("#used:not(:empty)")
	moved.Forget(held[0].CredentialID)
	if got := len(moved.Credentials()); got != 0 {
		t.Errorf("got %d credentials in the other browser, want none", got)
	}
	key.Unplug()
}

func TestBrowser_ChecksEachSize(t *testing.T) {
	t.Setenv("BARILLET_ALBUM", t.TempDir())
	b := NewBrowser(t, proofSite(t), BrowserOptions{})
	b.Open("/")
	b.Album("proof")
	for scheme, bright := range map[string]bool{"light": true, "dark": false} {
		b.View(PhoneWidth, 844)
		b.Scheme(scheme)
		picture, err := png.Decode(bytes.NewReader(b.Page()))
		if err != nil {
			t.Fatal(err)
		}
		if got := picture.Bounds().Dx(); got < PhoneWidth {
			t.Errorf("got a picture %d wide, want at least %d", got, PhoneWidth)
		}
		if r, _, _, _ := picture.At(1, 1).RGBA(); (r > 0x8000) != bright {
			t.Errorf("%s: got red %x in the corner", scheme, r)
		}
	}
}

func TestAxe_FindsFieldWithoutLabel(t *testing.T) {
	b := NewBrowser(t, proofSite(t), BrowserOptions{})
	b.Open("/")
	b.Accessible("the page of the proofs")
	b.Open("/nameless")
	if got := strings.Join(b.Axe(), "\n"); !strings.Contains(got, "label: input") {
		t.Errorf("got %q, want a complaint about the field", got)
	}
}

func TestTOTP_MatchesOathtoolAndRFC6238(t *testing.T) {
	// RFC 6238 appendix B, the last six of its eight digits.
	secret := "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 20000000000: "353130"} {
		if got, tool := TOTP(t, secret, time.Unix(at, 0)), Oathtool(t, secret, time.Unix(at, 0)); got != want || tool != want {
			t.Errorf("at %d: got %s, oathtool %s, want %s", at, got, tool, want)
		}
	}
}
