package e2e_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestSample_SignInAndSignOut goes where the lines of the demonstration say.
func TestSample_SignInAndSignOut(t *testing.T) {
	t.Parallel()
	program := Serve(t, Options{Own: true, Args: []string{"serve", "--demo", "--listen", "localhost:0"}})
	if program.said.await(0, "add a setup key", program.exited) == "" {
		t.Fatal("the demonstration does not say who is who")
	}
	told := func(pattern string) string {
		found := regexp.MustCompile(pattern).FindStringSubmatch(program.said.String())
		if found == nil {
			t.Fatalf("the demonstration does not say %s:\n%s", pattern, program.said)
		}
		return found[1]
	}
	app := told(`(?m)^sample application +(http://127\.0\.0\.1:\d+)$`)
	h := &Env{Program: program, tb: t, secrets: map[string]string{}, codes: map[string]bool{}}
	karim := `(?s)Karim Benali.*?`
	p := h.Person(t, "karim@garage.example", told(karim+`password +(\S+)\n`), BrowserOptions{})
	phone := &Phone{env: h, Secret: strings.ReplaceAll(told(karim+`setup key for an app +([A-Z2-7 ]+)\n`), " ", "")}

	p.Open(app)
	p.look("sample-front")
	p.says("Une application comme les vôtres")
	p.Open(app + "/?lang=en")
	p.says("An application like yours")
	p.Submit("#sign-in")
	p.follow(phone)
	p.at("/oauth2/v1/continue")
	p.look("sample-consent")
	p.Submit(`button[name="decision"][value="yes"]`)
	p.Wait("#claims")
	p.look("sample-claims")
	p.says("Bonjour, Karim Benali")
	if got := p.Text("#claim-email"); got != p.Login {
		t.Errorf("the application is told of %q", got)
	}
	subject, proven := p.Text("#claim-sub"), p.Text("#claim-auth_time")

	p.Submit("#again")
	p.at("/account/prove")
	p.prove(phone)
	p.Wait("#claims")
	if got := p.Text("#claim-auth_time"); got <= proven || p.Text("#claim-sub") != subject {
		t.Errorf("proven anew: %s for %s, want later than %s for %s", got, p.Text("#claim-sub"), proven, subject)
	}
	p.Submit("#key")
	p.look("sample-no-key")
	p.says("Il vous faut une clé de sécurité")
	if p.Count("#claims") != 1 {
		t.Error("a user without a key is signed out of the application")
	}

	p.Open(program.URL + "/account")
	p.signOut()
	p.forgotten(app)

	p.Submit("#sign-in")
	p.follow(phone)
	p.Wait("#claims")
	p.Submit(`form[action="/sign-out"] button`)
	p.Wait("#sign-in")
	if got := p.Location(); got != app+"/" {
		t.Errorf("signed out of the application: got %s", got)
	}
	p.outside()

	unasked(t, app)
}

// forgotten waits until the application has heard that the session ended.
func (p *Person) forgotten(app string) {
	p.tb.Helper()
	for end := time.Now().Add(patience); ; {
		p.Open(app)
		if p.Count("#sign-in") == 1 {
			return
		}
		if time.Now().After(end) {
			p.tb.Fatal("signed out at the service, and still signed in at the application")
		}
	}
}

// unasked sends the application what it has not asked for.
func unasked(t *testing.T, app string) {
	t.Helper()
	for _, test := range []struct {
		method, path, body string
		header             http.Header
		want               int
	}{
		{"GET", "/back?code=x&state=y", "", nil, 400},
		{"GET", "/back?code=x&state=", "", nil, 400},
		{"POST", "/signed-out", "logout_token=e30.e30.e30", nil, 400},
		{"POST", "/sign-out", "", http.Header{"Origin": {"http://elsewhere.example"}}, 403},
		{"POST", "/", "", nil, 405},
		{"GET", "/elsewhere", "", nil, 404},
		{"GET", "/planning.css", "", nil, 200},
		{"GET", "/fr.json", "", nil, 404},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, app+test.path, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		if test.header != nil {
			r.Header = test.header
		}
		if test.body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w, err := loopbackClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		w.Body.Close()
		if w.StatusCode != test.want {
			t.Errorf("%s %s: got %d, want %d", test.method, test.path, w.StatusCode, test.want)
		}
		if got := w.Header.Get("Content-Security-Policy"); test.want == 200 && !strings.HasPrefix(got, "default-src 'none'; style-src 'self'; img-src 'self';") {
			t.Errorf("%s: pages may load from elsewhere: %s", test.path, fmt.Sprint(got))
		}
	}
}
