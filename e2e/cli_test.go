package e2e_test

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// terminal runs e2e/clients/cli: an application at a terminal.
type terminal struct {
	tb     testing.TB
	stdout logBuffer
	stderr *logBuffer
	exited chan error
}

func startTerminal(tb testing.TB, h *Env, app registered, environment []string, args ...string) *terminal {
	tb.Helper()
	c := exec.Command(clientProgram(tb, "cli", "./cli"), append([]string{"-issuer", h.URL, "-client", app.ID}, args...)...)
	x := &terminal{tb: tb, stderr: &logBuffer{}, exited: make(chan error, 1)}
	c.Stdout, c.Stderr = &x.stdout, x.stderr
	c.Env = append(os.Environ(), environment...)
	if err := c.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() { x.exited <- c.Wait() }()
	tb.Cleanup(func() {
		_ = c.Process.Kill()
		<-x.exited
	})
	return x
}

// reads waits for what follows a text in a line of the terminal.
func (x *terminal) reads(text string) string {
	x.tb.Helper()
	line := x.stderr.await(0, text, x.exited)
	if line == "" {
		x.tb.Fatalf("the terminal does not show %q, but:\n%s", text, x.stderr)
	}
	return strings.TrimSpace(line)
}

// tokens waits for the end of the sign-in.
func (x *terminal) tokens(h *Env) (t struct {
	Subject, Email string
	Access         string `json:"access_token"`
	Refresh        string `json:"refresh_token"`
	ID             string `json:"id_token"`
}) {
	x.tb.Helper()
	err := <-x.exited
	x.exited <- err
	if err != nil || json.Unmarshal([]byte(x.stdout.String()), &t) != nil {
		x.tb.Fatalf("the program ended with %v: %s", err, x.stderr)
	}
	for name, token := range map[string]string{"access": t.Access, "refresh": t.Refresh, "id": t.ID} {
		h.Secret("terminal's "+name+" token", token)
	}
	return t
}

// native registers the native application of docs/applications.md, with a redirect URI without a port.
func (h *Env) native(tb testing.TB, redirect string) registered {
	tb.Helper()
	app := h.applicationOf(tb, "### Programs at a terminal", "http://127.0.0.1/cb", redirect)
	if app.Secret != "" {
		tb.Errorf("a public client has the secret %q", app.Secret)
	}
	return app
}

// TestTerminal_SignsInByBrowserOnSameMachine comes back to a port that the system chose.
func TestTerminal_SignsInByBrowserOnSameMachine(t *testing.T) {
	for _, redirect := range []string{"http://127.0.0.1/cb", "http://localhost/cb"} {
		t.Run(redirect, func(t *testing.T) {
			t.Parallel()
			h := Open(t, EnvOptions{})
			app := h.native(t, redirect)
			m := h.Member(t, "lea@garage.example")
			p := h.Person(t, m.Login, m.Password, BrowserOptions{})
			x := startTerminal(t, h, app, nil, "-redirect", redirect)
			p.Open(x.reads("open "))
			p.follow(m.Phone)
			p.at("/oauth2/v1/continue")
			p.Submit(`button[name="decision"][value="yes"]`)
			p.Wait("#done")
			if got := x.tokens(h); got.Email != m.Login || got.Refresh == "" {
				t.Errorf("got the address %q, want %q with a refresh token", got.Email, m.Login)
			}
		})
	}
}

// TestTerminal_SignsInByAnotherBrowser types the terminal's code in a browser that the terminal does not reach.
func TestTerminal_SignsInByAnotherBrowser(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "lea@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	x := startTerminal(t, h, h.native(t, "http://127.0.0.1/cb"), nil, "-device")
	address, code, _ := strings.Cut(x.reads("open "), " and type ")
	if at, err := url.Parse(address); err != nil || at.RawQuery != "" {
		t.Errorf("got the address %q, want one that can be typed", address)
	}
	p.Open(address)
	p.follow(m.Phone)
	p.at("/device")
	p.Fill("#f-code", code)
	p.allows(m)
	if got := x.tokens(h); got.Email != m.Login || got.Refresh == "" {
		t.Errorf("got the address %q, want %q with a refresh token", got.Email, m.Login)
	}
}

// TestTerminal_SignsInByLinkWithCode opens the link that holds the code, as from a QR code, and compares the code.
func TestTerminal_SignsInByLinkWithCode(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "lea@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	x := startTerminal(t, h, h.native(t, "http://127.0.0.1/cb"), nil, "-device")
	link := x.reads("with the code: ")
	_, code, _ := strings.Cut(x.reads("open "), " and type ")
	p.Open("/login")
	p.follow(m.Phone)
	p.Open(link)
	if got := p.Value("#f-code"); got != code {
		t.Errorf("the page has the code %q, want %q", got, code)
	}
	p.allows(m)
	if got := x.tokens(h); got.Email != m.Login {
		t.Errorf("got the address %q, want %q", got.Email, m.Login)
	}
}

// allows sends the code of a device and lets its application in.
func (p *Person) allows(m *Member) {
	p.tb.Helper()
	p.Submit(mainButton)
	p.prove(m.Phone)
	p.at("/device/confirm")
	p.Submit(`button[name="decision"][value="yes"]`)
	p.at("/device/done")
}
