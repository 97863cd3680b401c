package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"barillet/authn/session"
	"barillet/internal/secret"
)

// TestAttack_ReturnCodeForABrowserWithoutANonce: a link that a thief prepared asks for a return code for the state of an empty
// nonce. A browser without a return cookie has no nonce, and no code is for it (promise O7).
func TestAttack_ReturnCodeForABrowserWithoutANonce(t *testing.T) {
	p := guarded(t, wiki)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	q := url.Values{"host": {wiki}, "path": {"/"}, "state": {session.ForwardState(secret.Value{})}}
	back, err := url.Parse(b.shows("/forward-auth/sign-in?" + q.Encode()).goesOn())
	if err != nil || back.Host != wiki {
		t.Fatalf("the page at the sign-in leads to %q, %v", back, err)
	}
	if res := p.knock(t, knock{host: wiki, uri: back.RequestURI()}); res.StatusCode != http.StatusFound || len(res.Cookies()) != 0 {
		t.Errorf("got %d with %v, want no session", res.StatusCode, res.Cookies())
	}
}

// TestAttack_ReturnCodeInTheVictimsURL: a thief leads a user by a prepared link to an application
// and on, to a page that refuses; then they take the code from the history of a shared tablet, or the log of a proxy,
// to their own browser, which holds the nonce that the link was made with.
func TestAttack_ReturnCodeInTheVictimsURL(t *testing.T) {
	p := guarded(t, wiki)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	nonce := secret.From(strings.Repeat("n", 43))
	theirs := map[string]string{"__Host-barillet-return": nonce.Reveal()}
	back := func() string {
		t.Helper()
		q := url.Values{"host": {wiki}, "path": {"/"}, "state": {session.ForwardState(nonce)}}
		u, err := url.Parse(b.shows("/forward-auth/sign-in?" + q.Encode()).goesOn())
		if err != nil || u.Host != wiki {
			t.Fatalf("the page at the sign-in leads to %q, %v", u, err)
		}
		return u.RequestURI()
	}
	gates := func(res *http.Response) (n int) {
		for _, c := range res.Cookies() {
			if strings.HasSuffix(c.Name, "forward") && c.Value != "" {
				n++
			}
		}
		return n
	}
	uri := back()
	if res := p.knock(t, knock{host: wiki, uri: uri}); res.StatusCode != http.StatusFound || len(res.Cookies()) != 0 {
		t.Fatalf("the victim's browser, without a return cookie: got %d, %v", res.StatusCode, res.Cookies())
	}
	if res := p.knock(t, knock{host: wiki, uri: uri, cookies: theirs}); gates(res) != 0 {
		t.Error("the code was good for another browser afterwards")
	}
	if res := p.knock(t, knock{host: wiki, uri: back(), cookies: theirs}); gates(res) != 1 {
		t.Error("the test proves nothing: a fresh code is not taken either")
	}
}
