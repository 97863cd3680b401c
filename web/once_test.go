package web_test

import (
	"net/http"
	"sync"
	"testing"

	"barillet/authn/authntest"
)

func TestOneCodePostedByManyAtOnceGivesOneSession(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	var at []*browser
	for range 24 {
		b := p.browser(t)
		b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
		at = append(at, b)
	}
	code := string(phone.Next())
	got := make([]int, len(at))
	var all sync.WaitGroup
	for i, b := range at {
		all.Go(func() { got[i] = b.post("/login/factor", "code", code).StatusCode })
	}
	all.Wait()
	in := 0
	for _, status := range got {
		switch status {
		case http.StatusSeeOther:
			in++
		case http.StatusUnauthorized, http.StatusServiceUnavailable:
		default:
			t.Errorf("got %d, want 303, 401 or 503", status)
		}
	}
	if in != 1 {
		t.Errorf("%d sessions, want 1", in)
	}
	b := p.browser(t)
	b.signIn(amelie, phone) // nobody is locked
}
