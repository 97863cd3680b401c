package web_test

import "testing"

// A sign-out makes the browser forget the pages that Back would show.
func TestSignOut_ClearsTheCacheOfTheBrowser(t *testing.T) {
	p := open(t, nil)
	b, _, _ := p.signedIn(t)
	if got := b.goes("/logged-out", "/logout").Header.Get("Clear-Site-Data"); got != `"cache"` {
		t.Errorf("got Clear-Site-Data %q, want the cache alone, because the browser stays known", got)
	}
	if b.cookie("__Host-barillet-browser") == "" {
		t.Error("the browser is no longer known")
	}
}
