package forwardauth_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/web/forwardauth"
)

func TestARuleIsReadOrRefusedWithTheReason(t *testing.T) {
	r, err := forwardauth.ParseRule(" Wiki.Garage.Example:8443/admin/  group:g1 group:g2 phishing-resistant ")
	if err != nil || r.Host != "wiki.garage.example:8443" || r.Path != "/admin" || !r.PhishingResistant ||
		!slices.Equal(r.Groups, []account.GroupID{"g1", "g2"}) {
		t.Errorf("got %+v, %v", r, err)
	}
	if r, err := forwardauth.ParseRule("wiki.garage.example"); err != nil || r.Path != "/" || r.Groups != nil || r.PhishingResistant {
		t.Errorf("a bare host: got %+v, %v", r, err)
	}
	for text, reason := range map[string]string{
		"": "want HOST", "   ": "want HOST", "/admin": "no host", "wiki_1.example": "no host", "10.0.0.1": "no host", "[::1]:80": "no host",
		"wiki.example:0": "no host", "wiki.example:99999": "no host", "https://wiki.example": "no host", "wiki..example": "no host",
		"wïki.example": "no host", "-a.example": "no host", strings.Repeat("a", 64) + ".example": "no host",
		"wiki.example/a/../b": "no path", "wiki.example//a": "no path", "wiki.example/a%2fb": "no path", "wiki.example/a%20b": "no path",
		"wiki.example/a;b": "no path", "wiki.example/" + strings.Repeat("a", 64): "no path", "wiki.example group:": "neither",
		"wiki.example groups:a": "neither", "wiki.example Phishing-Resistant": "neither", "wiki.example phishing-resistant phishing-resistant": "neither",
	} {
		if _, err := forwardauth.ParseRule(text); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: got %v, want %q in the reason", text, err, reason)
		}
	}
}

func TestRulesThatContradictOneAnotherStopTheStart(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.5/32")}
	rules := func(texts ...string) (out []forwardauth.Rule) {
		for _, text := range texts {
			r, err := forwardauth.ParseRule(text)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, r)
		}
		return out
	}
	for name, c := range map[string]forwardauth.Config{
		"twice one place":     {Rules: rules("wiki.example/a", "wiki.example/A"), PublicURL: "https://login.example", TrustedProxies: proxies},
		"the sign-in itself":  {Rules: rules("login.example"), PublicURL: "https://login.example", TrustedProxies: proxies},
		"no proxy is trusted": {Rules: rules("wiki.example"), PublicURL: "https://login.example"},
	} {
		if _, err := forwardauth.New(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
