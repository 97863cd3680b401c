package web_test

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"barillet/web"
	"barillet/web/reply"
	"barillet/web/site"
)

func FuzzReadForm(f *testing.F) {
	for _, s := range []string{"code=123456", "code=1&code=2", "code=%ff", "code=", "a=b;c=d", "code=%", "code=1&next=/x", "=&&="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/login", strings.NewReader(body))
		r.Header.Set("Content-Type", formMedia)
		got, err := site.ReadForm(r, "code", "next")
		if err != nil {
			if got != nil {
				t.Errorf("a refused form gave %v", got)
			}
			return
		}
		for name, v := range got {
			if name != "code" && name != "next" || !utf8.ValidString(v) || len(v) > 1<<10 {
				t.Errorf("field %q was read as %q", name, v)
			}
		}
	})
}

func FuzzClientAddress(f *testing.F) {
	for _, s := range []string{"203.0.113.9", "6.6.6.6, 203.0.113.9", "[2001:db8::1]:80", "::ffff:10.0.0.9", ",,", "unknown", "fe80::1%eth0"} {
		f.Add(s)
	}
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, hops string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "10.0.0.1:1"
		r.Header["X-Forwarded-For"] = []string{hops}
		got := reply.ClientAddress(r, trusted)
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q gave %v", hops, got)
		}
		r.RemoteAddr = "192.0.2.1:1"
		if got := reply.ClientAddress(r, trusted); got != netip.MustParseAddr("192.0.2.1") {
			t.Errorf("%q gave %v", hops, got)
		}
	})
}

func TestLoggedPath_HidesSecrets(t *testing.T) {
	for path, want := range map[string]string{
		"/api/v1/users/ufsfj3dhbo7362knp7v5vkwi36i/lifecycle/reset_factors":             "/api/v1/users/ufsfj3dhbo7362knp7v5vkwi36i/lifecycle/reset_factors",
		"/api/v1/users/zoe@garage.example/lifecycle/expire_password_with_temp_password": "/api/v1/users/zoe@garage.example/lifecycle/expire_password_with_temp_password",
		"/api/v1/users/u/roles/r/targets/groups/gfsfj3dhbo7362knp7v5vkwi36i":            "/api/v1/users/u/roles/r/targets/{…}",
		"/.well-known/openid-configuration":                                             "/.well-known/openid-configuration",
		"/api/v1/users/JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP":                                "/api/v1/users/{…}",
		"/api/v1/users/481516/factors":                                                  "/api/v1/users/{…}/factors",
		"/api/v1/users/7K3M-Q9TD":                                                       "/api/v1/users/{…}",
		"/api/v1/users/q7w3-e9rt-y2u8-k5pa/factors":                                     "/api/v1/users/{…}/factors",
		"/api/v1/users/trois pinces et un étau":                                         "/api/v1/users/{…}",
		"/api/v1/users/x\ntime=now level=INFO":                                          "/api/v1/users/{…}",
	} {
		if got := web.LoggedPath(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func FuzzLoggedPath(f *testing.F) {
	for _, s := range []string{"/login", "/invite/x", "/ticket/x/y", "/a/b/c/d/e/f/g/h/i/j", "//", ""} {
		f.Add(s)
	}
	const token = "Zm9vYmFyYmF6cXV4cXV1eHF1dXV4cXV1dXV4cXV1dXV"
	f.Fuzz(func(t *testing.T, path string) {
		for _, p := range []string{path + "/" + token, "/ticket/" + token + path, "/invite/" + token, path + token} {
			if strings.Contains(web.LoggedPath(p), token) {
				t.Errorf("%q is logged as %q", p, web.LoggedPath(p))
			}
		}
	})
}
