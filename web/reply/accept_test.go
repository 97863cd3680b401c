package reply_test

import (
	"net/http/httptest"
	"testing"

	"barillet/internal/errcode"
	"barillet/web/reply"
)

func TestProblem_MediaTypeFollowsAccept(t *testing.T) {
	for _, c := range []struct {
		name   string
		accept []string
		want   string
	}{
		{"nothing is said", nil, "application/problem+json"},
		{"anything will do", []string{"*/*"}, "application/problem+json"},
		{"Okta's clients for Go", []string{"application/json"}, "application/json"},
		{"Okta's client for Node", []string{"application/json, */*;q=0.8"}, "application/json"},
		{"another case", []string{"Application/JSON; charset=utf-8"}, "application/json"},
		{"both", []string{"application/json, application/problem+json"}, "application/problem+json"},
		{"both, in two lines", []string{"application/problem+json", "application/json"}, "application/problem+json"},
		{"a browser", []string{"text/html,application/xhtml+xml,*/*;q=0.8"}, "application/problem+json"},
		{"JSON is not wanted", []string{"application/json;q=0, */*"}, "application/problem+json"},
		{"problem documents are not wanted", []string{"application/problem+json;q=0.0, application/json;q=0.1"}, "application/json"},
		{"what cannot be read is passed over", []string{",;,application/json;=,/"}, "application/problem+json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			for _, line := range c.accept {
				r.Header.Add("Accept", line)
			}
			w := httptest.NewRecorder()
			reply.Problem(w, r, errcode.New(errcode.NotFound))
			if got := w.Header().Get("Content-Type"); got != c.want || w.Code != 404 {
				t.Errorf("got %d %s, want 404 %s", w.Code, got, c.want)
			}
		})
	}
}
