package helpdesk_test

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/store"
)

// site6 returns an address of the n-th /64 of a /48.
func site6(site, n int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(site >> 8), byte(site), byte(n >> 8), byte(n), 15: 1})
}

// TestAttack_AddressesOfOneSiteFillTheHelpRequests writes about unknown addresses from each /64 of one /48.
func TestAttack_AddressesOfOneSiteFillTheHelpRequests(t *testing.T) {
	s := newEnv(t)
	refused := 0
	for i := range 500 {
		_, err := s.Directory.HelpDesk.Submit(t.Context(), account.RequestInfo{Address: site6(1, i)}, helpdesk.Submission{Email: fmt.Sprintf("n%d@else.example", i), Message: "x"})
		if errcode.Of(err) == errcode.RateLimited {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n, size := s.keys(t); refused < 460 || n > 40*4 || size > 1<<20 {
		t.Errorf("got %d refused, %d records, %d bytes, want at most 30 requests", refused, n, size)
	}
}

// TestAttack_ManyNetworksFillTheHelpRequests opens more requests about unknown addresses than the service keeps. A network with
// few requests displaces the oldest of the network with most, and that network is refused, about known addresses too.
func TestAttack_ManyNetworksFillTheHelpRequests(t *testing.T) {
	s := newEnv(t)
	const crowded = 150
	refs := make(map[string]string)
	submit := func(site int, email string) (err error) {
		req := account.RequestInfo{Address: site6(site, 0)}
		if site == crowded {
			req.Address = netip.MustParseAddr("192.0.2.77") // the network of the user
		}
		refs[email], err = s.Directory.HelpDesk.Submit(t.Context(), req, helpdesk.Submission{Email: email, Message: "x"})
		s.Clock.Advance(2 * time.Second)
		return err
	}
	for i := range 2000 {
		site := i / 10
		if i == 1999 {
			site = crowded
		}
		if err := submit(site, fmt.Sprintf("n%d@else.example", i)); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	before, _ := s.keys(t)
	authntest.WantCode(t, "a network with most requests, about an unknown address", submit(crowded, "more@else.example"), errcode.RateLimited)
	authntest.WantCode(t, "the same about a known one", submit(crowded, authntest.Technician), errcode.RateLimited)
	s.own(t, "known browser", "I am refused nothing")
	if err := submit(1000, "m@else.example"); err != nil {
		t.Fatalf("a network with few requests: %v", err)
	}
	s.wantGone(t, refs["n1500@else.example"], true)
	s.wantGone(t, refs["n0@else.example"], false)
	// Support closes a request that the list still has. No other is displaced in its place, and it stays.
	if _, err := s.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, s.From, refs["n0@else.example"], helpdesk.RequestPatch{Status: helpdesk.StateRejected}); err != nil {
		t.Fatal(err)
	}
	s.together(t, 30)
	s.wantGone(t, refs["n0@else.example"], false)
	if err := submit(2000, authntest.Technician); err != nil {
		t.Errorf("about a known address: %v", err)
	}
	if err := submit(2001, "last@else.example"); err != nil {
		t.Error(err)
	}
	after, size := s.keys(t)
	if n := s.unknown(t); n != 2000 || after > before+6 || size > 8<<20 {
		t.Errorf("got %d open requests about unknown addresses, want 2,000; %d records, then %d with %d bytes", n, before, after, size)
	}
	if got := s.Events(audit.HelpRemoved); len(got) != 31 || got[0].Reason != "too_many" || got[0].Lane() != audit.LaneRoutine {
		t.Errorf("got %d events of displaced requests, want 31", len(got))
	}
}

// wantGone checks whether a reference finds a request.
func (s *env) wantGone(t *testing.T, ref string, want bool) {
	t.Helper()
	_, err := s.Directory.HelpDesk.Request(t.Context(), authntest.AsHelpDesk, ref)
	if gone := errcode.Of(err) == errcode.NotFound; gone != want {
		t.Errorf("%s: got %v, want it gone: %v", ref, err, want)
	}
}

// together submits texts about unknown addresses from networks with few requests at the same time.
func (s *env) together(t *testing.T, n int) {
	t.Helper()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if _, err := s.Directory.HelpDesk.Submit(t.Context(), account.RequestInfo{Address: site6(1100+i, 0)}, helpdesk.Submission{Email: fmt.Sprintf("t%d@else.example", i)}); err != nil {
				t.Errorf("networks with few requests at the same time: %v", err)
			}
		})
	}
	all.Wait()
}

// unknown returns the number of open requests about unknown addresses.
func (s *env) unknown(t *testing.T) (n int) {
	t.Helper()
	q := helpdesk.RequestQuery{Status: helpdesk.StateOpen}
	for more := true; more; more = q.After != "" {
		found, next, err := s.Directory.HelpDesk.Requests(t.Context(), authntest.AsHelpDesk, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range found {
			if c.User == "" {
				n++
			}
		}
		q.After = next
	}
	return n
}

// TestAttack_HelpRequestsFillTheMailboxOfSupport opens many requests within an hour.
func TestAttack_HelpRequestsFillTheMailboxOfSupport(t *testing.T) {
	s := newEnv(t)
	for i := range 300 {
		if _, err := s.Directory.HelpDesk.Submit(t.Context(), account.RequestInfo{Address: site6(i, 0)}, helpdesk.Submission{Email: fmt.Sprintf("n%d@else.example", i), Message: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	s.own(t, "known browser", "my own")
	single, digests := 0, []int(nil)
	for _, m := range s.Mails() {
		switch what := m.What.(type) {
		case notice.HelpForSupport:
			single++
			if what.KnownUser && !what.KnownBrowser {
				t.Errorf("got %+v, want the known browser", what)
			}
		case notice.HelpWaiting:
			digests = append(digests, what.Count)
		}
	}
	if single != 46 || !slices.Equal(digests, []int{45}) {
		t.Errorf("got %d emails and digests of %v requests, want 45 and that of the user, and one digest", single, digests)
	}
}

// TestSubmit_KnownAndUnknownAddressesAreRefusedAlike enumerates addresses up to each limit of a client (promise A12).
func TestSubmit_KnownAndUnknownAddressesAreRefusedAlike(t *testing.T) {
	var answers [2][]string
	for i, address := range []string{authntest.Technician, "nobody@garage.example"} {
		s := newEnv(t)
		for n := range 70 {
			ref, err := s.Directory.HelpDesk.Submit(t.Context(), account.RequestInfo{Address: site6(1, n/15)}, helpdesk.Submission{Email: address, Message: "x"})
			answers[i] = append(answers[i], fmt.Sprint(reference.MatchString(ref), err))
		}
	}
	if !slices.Equal(answers[0], answers[1]) {
		t.Errorf("got\n%q for a known address, and\n%q for an unknown one", answers[0], answers[1])
	}
}

// TestSweepOld_DeletesByPolicy closes, leaves and deletes requests and users.
func TestSweepOld_DeletesByPolicy(t *testing.T) {
	s := newEnv(t)
	const keep = 90 * 24 * time.Hour
	var announced []string
	sweeper := &store.Sweeper{Store: s.Accounts.Store, Reads: 1000, Deletes: 1000, Sweeps: []store.TableSweep{s.Directory.HelpDesk.SweepOld(keep, func(ids []string) func(store.Tx) error {
		return func(store.Tx) error { announced = ids; return nil }
	})}}
	sweep := func(want int) {
		t.Helper()
		announced = nil
		if _, err := sweeper.Run(t.Context()); err != nil || len(announced) != want {
			t.Errorf("deleted %q, %v, want %d", announced, err, want)
		}
	}
	for range 6 { // some of them removed
		s.submit(t, 1, helpdesk.Submission{Email: authntest.Technician, Message: "x"})
	}
	s.submit(t, 2, helpdesk.Submission{Email: "nobody@else.example", Message: "x"})
	s.submit(t, 3, helpdesk.Submission{Email: s.Manager.Login, Message: "x"})
	all := s.requests(t)
	if _, err := s.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, s.From, all[0].ID, helpdesk.RequestPatch{Status: helpdesk.StateResolved}); err != nil {
		t.Fatal(err)
	}
	sweep(0)
	s.Clock.Advance(30 * 24 * time.Hour)
	sweep(0)
	s.Clock.Advance(24 * time.Hour)
	sweep(0)
	if got := s.requests(t); len(got) != 2 || got[1].State != helpdesk.StateOpen || got[1].User != s.Manager.ID {
		t.Errorf("after a month: got %+v, want the one about an unknown address deleted", got)
	}
	if e := s.Events(audit.HelpRemoved); len(e) != 1 || e[0].Reason != "expired" || e[0].Actor.Type != audit.TypeSystem {
		t.Errorf("got %+v, want an event", e)
	}
	s.Clock.Advance(60 * 24 * time.Hour)
	sweep(1)
	if n, _ := s.keys(t); n != 4 {
		t.Errorf("got %d records, want those of the open request", n)
	}
	for range 2 { // the first deactivates
		if err := s.Directory.Delete(t.Context(), authntest.AsSuperAdmin, s.From, s.Manager.Login); err != nil {
			t.Fatal(err)
		}
	}
	sweep(1)
	if n, _ := s.keys(t); n != 0 {
		t.Errorf("got %d records after the user was deleted", n)
	}
}
