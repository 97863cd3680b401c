package helpdesk_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store"
)

// flood submits long texts in the name of the user, from a number of networks in turn.
func (s *env) flood(t *testing.T, texts, networks int) {
	t.Helper()
	for i := range texts {
		req := account.RequestInfo{Address: netip.AddrFrom4([4]byte{203, 0, byte(i % networks), 9}), Agent: "curl/8"}
		if _, err := s.Directory.HelpDesk.Submit(t.Context(), req, helpdesk.Submission{Email: authntest.Technician, Message: strings.Repeat("<é>", min(1333, 20_000/texts))}); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(3 * time.Minute) // within the limit of one network
	}
}

// own submits the text of the user by a kind of client.
func (s *env) own(t *testing.T, kind, message string) string {
	t.Helper()
	f := helpdesk.Submission{Email: authntest.Technician, Topic: "phone_lost", Message: message}
	req := account.RequestInfo{Address: netip.MustParseAddr("192.0.2.77"), Agent: s.From.Agent}
	switch kind {
	case "known browser":
		req.Browser = secret.From("a browser that Amélie uses")
		s.Change(s.Amelie.ID, func(u *account.User) {
			u.Browsers = append(u.Browsers, account.BrowserRef{Hash: req.Browser.Key(), Seen: s.Clock.Now()})
		})
	case "proven password":
		f.Transaction = s.SubmitPassword(t, password).Secret
	}
	ref, err := s.Directory.HelpDesk.Submit(t.Context(), req, f)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// wantText checks that a reference finds the request and that the text is in it.
func (s *env) wantText(t *testing.T, ref, message string) helpdesk.Request {
	t.Helper()
	c, err := s.Directory.HelpDesk.Request(t.Context(), authntest.AsHelpDesk, ref)
	if err != nil {
		t.Fatalf("%s finds nothing: %v", ref, err)
	}
	i := slices.IndexFunc(c.Texts, func(x helpdesk.Text) bool { return x.Reference == ref })
	if i < 0 || c.Texts[i].Message != message {
		t.Errorf("the text is not in the request: %d texts, %d removed", len(c.Texts), c.Removed)
	}
	if raw, err := json.Marshal(c); err != nil || len(raw) > 52<<10 {
		t.Errorf("got a record of %d bytes, %v", len(raw), err)
	}
	return c
}

// TestAttack_TextsDisplaceTheUsersOwn writes in the name of the user, before or after the user does.
func TestAttack_TextsDisplaceTheUsersOwn(t *testing.T) {
	for _, texts := range []int{13, 1300} {
		for _, networks := range []int{1, 200} {
			for _, after := range []bool{false, true} {
				for _, kind := range []string{"unknown browser", "known browser", "proven password"} {
					if texts == 1300 && kind != "unknown browser" {
						continue // as with an unknown browser, which has less protection
					}
					t.Run(fmt.Sprintf("%d texts of %d networks, after=%v, %s", texts, networks, after, kind), func(t *testing.T) {
						t.Parallel()
						s := newEnv(t)
						message := "My phone was stolen. " + strings.Repeat("é", 300)
						if kind != "unknown browser" {
							message += strings.Repeat("é", 3600)
						}
						if !after {
							s.flood(t, texts, networks)
						}
						ref := s.own(t, kind, message)
						if after {
							s.flood(t, texts, networks)
						}
						c := s.wantText(t, ref, message)
						if kind != "unknown browser" && (c.TextsByTrust()[0].Reference != ref || c.Topic != notice.TopicPhoneLost) {
							t.Error("the text of the user is not the first one")
						}
						found, _, err := s.Directory.HelpDesk.Requests(t.Context(), authntest.AsHelpDesk, helpdesk.RequestQuery{Reference: ref})
						if err != nil || len(found) != 1 || found[0].ID != c.ID {
							t.Errorf("by its reference: got %d requests, %v", len(found), err)
						}
					})
				}
			}
		}
	}
}

// TestAttack_TextsDisplaceAProvenOne writes with the stolen password from many networks: texts of known browsers stay, and the
// newest text of anyone has a place.
func TestAttack_TextsDisplaceAProvenOne(t *testing.T) {
	s := newEnv(t)
	ref := s.own(t, "known browser", "my own")
	login := s.SubmitPassword(t, password).Secret
	for i := range 30 {
		req := account.RequestInfo{Address: netip.AddrFrom4([4]byte{203, 0, byte(i), 9})}
		if _, err := s.Directory.HelpDesk.Submit(t.Context(), req, helpdesk.Submission{Email: authntest.Technician, Message: "spam", Transaction: login}); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(time.Second)
	}
	s.wantText(t, ref, "my own")
	s.wantText(t, s.own(t, "unknown browser", "from a telephone box"), "from a telephone box")
}

// TestSubmit_RemovedTextsAreCounted writes more texts than one source may have.
func TestSubmit_RemovedTextsAreCounted(t *testing.T) {
	s := newEnv(t)
	var refs []string
	for range 12 {
		refs = append(refs, s.submit(t, 1, helpdesk.Submission{Email: authntest.Technician, Message: "x"}))
	}
	for _, ref := range refs {
		c, err := s.Directory.HelpDesk.Request(t.Context(), authntest.AsHelpDesk, ref)
		if err != nil || len(c.Texts) != 4 || c.Removed != 8 {
			t.Errorf("%s: got %+v, %v", ref, c, err)
		}
	}
}

// TestSubmit_FullHistoryKeepsTheNewestText fills the history with notes first.
func TestSubmit_FullHistoryKeepsTheNewestText(t *testing.T) {
	s := newEnv(t)
	id := s.wantText(t, s.own(t, "unknown browser", "first"), "first").ID
	for n := 1000; n > 0; { // the last note fits to the byte
		if n == 999 {
			n = 300
		}
		if _, err := s.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, s.From, id, helpdesk.RequestPatch{Note: strings.Repeat("x", n)}); err != nil {
			n--
		}
	}
	s.Clock.Advance(time.Microsecond) // a longer time
	s.flood(t, 40, 40)
	ref := s.own(t, "known browser", strings.Repeat("é", 4000))
	s.flood(t, 40, 40)
	s.wantText(t, ref, strings.Repeat("é", 4000))
	if c, err := s.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, s.From, id, helpdesk.RequestPatch{Status: helpdesk.StateResolved, Answer: strings.Repeat("é", 1000)}); err != nil {
		t.Errorf("closing: %v, %d entries", err, len(c.History))
	}
}

// keys returns the number and the size of the stored records of help requests.
func (s *env) keys(t *testing.T) (n, size int) {
	t.Helper()
	err := s.Store.View(t.Context(), func(snap store.Snapshot) error {
		n, size = 0, 0
		return snap.Scan(store.HelpRequests.Prefix, "", 0, func(key string, value []byte) error {
			n, size = n+1, size+len(key)+len(value)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, size
}
