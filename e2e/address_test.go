package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestApplication_SendsLongAddress asks for authorization with as much in the address as docs/applications.md allows, and
// with more.
func TestApplication_SendsLongAddress(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	app := h.application(t, "http://127.0.0.1:9", map[string]any{"barillet_consent": false})
	m := h.Member(t, "lea@garage.example")
	m.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Port() == "9" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	request := func(state, one, count int) string {
		q := url.Values{"client_id": {app.ID}, "redirect_uri": {"http://127.0.0.1:9/cb"}, "response_type": {"code"}, "scope": {"openid"},
			"state": {strings.Repeat("s", state)}, "code_challenge_method": {"S256"}, "code_challenge": {strings.Repeat("c", 43)}}
		for i := range count {
			q.Set(fmt.Sprint("further", i), strings.Repeat("x", one))
		}
		return "/oauth2/v1/authorize?" + q.Encode()
	}
	for name, test := range map[string]struct {
		state, one, count int
		status            int
		answer            string
	}{
		"12 KiB":             {2 << 10, 4 << 10, 2, http.StatusSeeOther, "code="},
		"a longer state":     {2<<10 + 1, 0, 0, http.StatusSeeOther, "error=invalid_request"},
		"a longer parameter": {1, 4<<10 + 1, 1, http.StatusSeeOther, "error=invalid_request"},
	} {
		page := m.Get(request(test.state, test.one, test.count))
		if got := page.Header.Get("Location") + page.Path; page.Status != test.status || !strings.Contains(got, test.answer) {
			t.Errorf("%s: got %d %.200s, want %d with %s", name, page.Status, got, test.status, test.answer)
		}
	}
	if page, err := m.Try(request(1, 4<<10, 8)); err == nil && page.Status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("32 KiB: got %d, want 431 or the end of the connection", page.Status)
	}
}
