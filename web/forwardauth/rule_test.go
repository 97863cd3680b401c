package forwardauth_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/web/forwardauth"
)

func TestParseRule(t *testing.T) {
	r, err := forwardauth.ParseRule(" Wiki.Garage.Example:8443/admin/  group:g1 group:g2 phishing-resistant ")
	if err != nil || r.Host != "wiki.garage.example:8443" || r.Path != "/admin" || !r.PhishingResistant ||
		!slices.Equal(r.Groups, []account.GroupID{"g1", "g2"}) {
		t.Errorf("got %+v, %v", r, err)
	}
	if r, err := forwardauth.ParseRule("wiki.garage.example"); err != nil || r.Path != "/" || r.Groups != nil || r.PhishingResistant {
		t.Errorf("a bare host: got %+v, %v", r, err)
	}
	for text, reason := range map[string]string{
		"": "want HOST", "   ": "want HOST", "/admin": "invalid host", "wiki_1.example": "invalid host", "10.0.0.1": "invalid host", "[::1]:80": "invalid host",
		"wiki.example:0": "invalid host", "wiki.example:99999": "invalid host", "https://wiki.example": "invalid host", "wiki..example": "invalid host",
		"wïki.example": "in punycode", "-a.example": "invalid host", strings.Repeat("a", 64) + ".example": "invalid host",
		"wiki.example/a/../b": "invalid path", "wiki.example//a": "invalid path", "wiki.example/a%2fb": "invalid path", "wiki.example/a%20b": "invalid path",
		"wiki.example/a;b": "invalid path", "wiki.example/" + strings.Repeat("a", 64): "invalid path", "wiki.example group:": "unknown condition",
		"wiki.example groups:a": "unknown condition", "wiki.example Phishing-Resistant": "unknown condition", "wiki.example phishing-resistant phishing-resistant": "unknown condition",
	} {
		if _, err := forwardauth.ParseRule(text); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: got %v, want %q in the reason", text, err, reason)
		}
	}
}

func TestNew_RejectsContradictoryRules(t *testing.T) {
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
		"two rules for one path":  {Rules: rules("wiki.example/a", "wiki.example/A"), PublicURL: "https://login.example", TrustedProxies: proxies},
		"the host of the service": {Rules: rules("login.example"), PublicURL: "https://login.example", TrustedProxies: proxies},
		"no trusted proxy":        {Rules: rules("wiki.example"), PublicURL: "https://login.example"},
	} {
		if _, err := forwardauth.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestRule_AdmitsItsGroups(t *testing.T) {
	rule, err := forwardauth.ParseRule("wiki.example group:g1 group:g2")
	if err != nil {
		t.Fatal(err)
	}
	for want, groups := range map[bool][][]account.GroupID{true: {{"g1"}, {"g3", "g2"}}, false: {nil, {"g3"}}} {
		for _, of := range groups {
			if got := rule.Admits(&session.Info{Groups: of}); got != want {
				t.Errorf("a user of the groups %q: got %t, want %t", of, got, want)
			}
		}
	}
	long := strings.Repeat(strings.Repeat("a", 63)+".", 4) + "example"
	if _, err := forwardauth.ParseRule(long); err == nil {
		t.Errorf("a host of %d bytes is accepted", len(long))
	}
}
