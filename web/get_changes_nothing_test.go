package web_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/mail"
	"barillet/internal/notice"
	"barillet/store"
	"barillet/web"
)

// content returns every record of the store, encrypted as it is.
func (p *place) content(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := p.Store.View(t.Context(), func(s store.Snapshot) error {
		clear(out)
		return s.Scan("", "", 0, func(key string, value []byte) error {
			out[key] = string(value)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// changed names what is no longer as it was.
func changed(before, after map[string]string) []string {
	var keys []string
	for k, v := range before {
		if after[k] != v {
			keys = append(keys, k)
		}
	}
	for k := range after {
		if _, was := before[k]; !was {
			keys = append(keys, k)
		}
	}
	return slices.Sorted(slices.Values(keys))
}

// TestGET_ChangesNothing walks every GET route without a session, in a sign-in at each of its steps, and signed in
// with and without a proof, twice, and looks at every record. It also looks at the headers of each answer.
func TestGET_ChangesNothing(t *testing.T) {
	p := open(t, func(c *web.Config) { c.Demo = &mail.MemoryTransport{} })
	u, phone, _ := p.Member(amelie, nil)
	invited := p.Invite(p.CreateUser("karim@garage.example", nil).ID).Reveal()
	visitors := map[string]*browser{"without a session": p.browser(t)}

	second := p.browser(t)
	second.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	visitors["at the second step"] = second
	in := p.browser(t)
	in.signIn(amelie, phone)
	visitors["signed in"] = in
	base := "/account/devices/" + p.idOf("Téléphone")
	proven := p.browser(t)
	proven.signIn(amelie, phone)
	proven.goes(base+"/copy", base+"/show", "name", "Tablette", "code", string(phone.Next()))
	proven.proves("/account/add", phone)
	proven.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "okta")
	visitors["with a proof"] = proven
	enrolling := p.browser(t)
	enrolling.goes("/enrol", "/invite/"+invited, "password", authntest.Password)
	enrolling.goes("/enrol/key", "/enrol/begin", "kind", "webauthn")
	visitors["with an invitation"] = enrolling
	lost, _, _ := p.Member("lea@garage.example", nil)
	p.reset(lost.ID)
	ticket := p.browser(t)
	ticket.goes("/login/ticket", "/login", "identifier", "lea@garage.example", "password", authntest.Password)
	visitors["waiting for a ticket"] = ticket
	marked, markedPhone, _ := p.Member("noa@garage.example", nil)
	p.Change(marked.ID, func(u *account.User) { u.Password.MustChange = account.ChangeExpired })
	due := p.browser(t)
	due.goes("/login/factor", "/login", "identifier", "noa@garage.example", "password", authntest.Password)
	due.goes("/login/password", "/login/factor", "code", string(markedPhone.Next()))
	visitors["choosing another password"] = due
	proven.goes("/forgot/sent", "/forgot", "identifier", amelie)

	link := func(l string) string { return strings.TrimPrefix(l, p.url) }
	paths := []string{link(mailed[notice.DevicesReset](t, p, "lea@garage.example").Link),
		link(mailed[notice.PasswordLink](t, p, amelie).Link), "/invite/" + invited,
		link(mailed[notice.PasswordLink](t, p, amelie).Freeze)}
	fill := strings.NewReplacer("{id}", p.idOf("Téléphone"), "{copy}", p.User(amelie).Devices[0].Copies[0].ID, "{token}", "none", "{$}", "")
	for _, pattern := range allPatterns(t) {
		if method, path, ok := strings.Cut(pattern, " "); ok && method == http.MethodGet {
			paths = append(paths, fill.Replace(path))
		}
	}
	for _, who := range slices.Sorted(maps.Keys(visitors)) {
		for _, path := range paths {
			before := p.content(t)
			for range 2 {
				got := visitors[who].get(path)
				if got.StatusCode >= 500 {
					t.Errorf("%s at %s: got %d", who, path, got.StatusCode)
				}
				if got.Header.Get("Cache-Control") == "" || got.Header.Get("Content-Security-Policy") == "" ||
					strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") && got.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s at %s: the answer lacks its headers", who, path)
				}
			}
			if keys := changed(before, p.content(t)); len(keys) > 0 {
				t.Errorf("%s at %s: changed %v", who, path, keys)
			}
		}
	}
	if p.User(string(u.ID)).Revision == 0 {
		t.Fatal("nothing was walked")
	}
}
