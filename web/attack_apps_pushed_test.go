package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"golang.org/x/oauth2"

	"barillet/oidc"
)

// TestAttack_PushedRequestByOtherNames uses a pushed request again and again, by names that differ after a dot as those of
// waiting requests do.
func TestAttack_PushedRequestByOtherNames(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	begin, _ := url.Parse(a.begin(oauth2.GenerateVerifier()))
	_, _, got := a.post(oidc.PathPush, begin.Query(), nil)
	uri, _ := got["request_uri"].(string)
	accepted := 0
	for _, suffix := range []string{".x", ".y", ".", "." + string(a.ID), ""} {
		q := url.Values{"client_id": {string(a.ID)}, "request_uri": {uri + suffix}}
		if res := b.get(oidc.PathAuthorize + "?" + q.Encode()); res.StatusCode != http.StatusBadRequest {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("accepted %d times, want once", accepted)
	}
}
