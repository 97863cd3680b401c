package helpdesk_test

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/secret"
)

// TestAttack_ManyTextsLoseAReference writes 2,000 texts in the name of the user from 250 networks, and 10,000 with
// BARILLET_TORTURE=1. A part has the stolen password. The user writes among them, from an unknown browser. Each reference finds the
// request, the newest text is in it, and no source has more than its share.
func TestAttack_ManyTextsLoseAReference(t *testing.T) {
	texts := 2000
	if os.Getenv("BARILLET_TORTURE") != "" {
		texts = 10_000
	}
	s := newEnv(t)
	var own, login string
	var refs []string
	for i := range texts {
		if i == 30 {
			own = s.own(t, "unknown browser", "My phone was stolen.")
			s.wantText(t, own, "My phone was stolen.")
		}
		f := helpdesk.Submission{Email: []string{authntest.Technician, authntest.SecondEmail}[i%2], Message: fmt.Sprint("Never mind ", i)}
		if i%150 == 0 {
			login = s.SubmitPassword(t, password).Secret.Reveal()
		}
		if i%10 == 3 {
			f.Transaction = secret.From(login)
		}
		req := account.RequestInfo{Address: netip.AddrFrom4([4]byte{203, 0, byte(i % 250), 9}), Agent: "curl/8"}
		ref, err := s.Directory.HelpDesk.Submit(t.Context(), req, f)
		if err != nil {
			t.Fatalf("text %d: %v", i, err)
		}
		if refs = append(refs, ref); i%500 == 499 {
			s.wantShares(t, ref, f.Message)
		}
		s.Clock.Advance(3 * time.Second)
	}
	id, seen := s.requests(t)[0].ID, map[string]bool{}
	for i, ref := range append([]string{own}, refs...) {
		found, _, err := s.Directory.HelpDesk.Requests(t.Context(), authntest.AsHelpDesk, helpdesk.RequestQuery{Reference: ref})
		if err != nil || len(found) != 1 || found[0].ID != id || seen[ref] {
			t.Fatalf("reference %d, %s: got %d requests, %v, used before: %v", i, ref, len(found), err, seen[ref])
		}
		seen[ref] = true
	}
	if c, err := s.Directory.HelpDesk.Request(t.Context(), authntest.AsHelpDesk, strings.ToLower(own)); err != nil || c.ID != id {
		t.Errorf("the request with the reference of the user: got %q, %v", c.ID, err)
	}
	if n, size := s.keys(t); n != 4 || size > 64<<10 {
		t.Errorf("got %d records, %d bytes, want the request and three that find it", n, size)
	}
}

// wantShares checks the places of a request whose newest text has this reference.
func (s *env) wantShares(t *testing.T, newest, message string) {
	t.Helper()
	c := s.wantText(t, newest, message)
	by, trusted := map[string]int{}, 0
	for _, x := range c.Texts {
		if by[x.Source]++; x.KnownBrowser || x.PasswordProven {
			trusted++
		}
	}
	for source, n := range by {
		if n > 4 {
			t.Errorf("%s has %d texts", source, n)
		}
	}
	if len(c.Texts) > 16 || trusted > 8 || c.Texts[len(c.Texts)-1].Reference != newest {
		t.Errorf("got %d texts, %d trusted, the newest %s, want 16, 8 and %s", len(c.Texts), trusted, c.Texts[len(c.Texts)-1].Reference, newest)
	}
}
