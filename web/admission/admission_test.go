package admission_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"barillet/web/admission"
)

func unknown() string { return "" }
func known() string   { return "u" }

// fill acquires places for the addresses in turn until one is refused. It returns how many it got.
func fill(t *testing.T, c *admission.Controller, bytes int64, is func() string, address func(n int) string) (places []*admission.Place, err error) {
	t.Helper()
	for n := 0; n < 5000; n++ {
		p, err := c.Acquire(t.Context(), netip.MustParseAddr(address(n)), bytes, is)
		if err != nil {
			return places, err
		}
		places = append(places, p)
	}
	t.Fatal("there is no limit")
	return nil, nil
}

func one(address string) func(int) string { return func(int) string { return address } }

func TestAcquire_LimitsEachClientAndItsNetworks(t *testing.T) {
	for _, c := range []struct {
		name    string
		address func(n int) string
		bytes   int64
		is      func() string
		want    int
		err     error
	}{
		{"one IPv4 address", one("192.0.2.1"), 0, unknown, 48, admission.ErrClient},
		{"one IPv4 address in IPv6 form", one("::ffff:192.0.2.1"), 0, unknown, 48, admission.ErrClient},
		{"a known user", one("192.0.2.1"), 0, known, 64, admission.ErrClient},
		{"a /24", func(n int) string { return fmt.Sprintf("192.0.2.%d", n%200+1) }, 0, unknown, 96, admission.ErrClient},
		{"a /64", func(n int) string { return fmt.Sprintf("2001:db8::%x", n+1) }, 0, unknown, 48, admission.ErrClient},
		{"a /56", func(n int) string { return fmt.Sprintf("2001:db8:0:%x::1", n%256) }, 0, unknown, 96, admission.ErrClient},
		{"a /48", func(n int) string { return fmt.Sprintf("2001:db8:0:%x::1", n*256%65536) }, 0, unknown, 192, admission.ErrClient},
		{"the Internet", func(n int) string { return fmt.Sprintf("2001:db8:%x::1", n) }, 0, unknown, 768, admission.ErrService},
		{"bodies of a client", one("192.0.2.1"), 1 << 20, unknown, 3, admission.ErrClient},
		{"bodies of a known user", one("192.0.2.1"), 1 << 20, known, 4, admission.ErrClient},
		{"bodies of the Internet", func(n int) string { return fmt.Sprintf("2001:db8:%x::1", n) }, 1 << 20, unknown, 48, admission.ErrService},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				places, err := fill(t, &admission.Controller{}, c.bytes, c.is, c.address)
				if len(places) != c.want || !errors.Is(err, c.err) {
					t.Errorf("got %d places, %v, want %d, %v", len(places), err, c.want, c.err)
				}
			})
		})
	}
}

// A session and a known browser are served while others use all open places of the service.
func TestAcquire_KeepsPlacesForKnownUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &admission.Controller{}
		fill(t, c, 0, unknown, func(n int) string { return fmt.Sprintf("2001:db8:%x::1", n) })
		if _, err := c.Acquire(t.Context(), netip.MustParseAddr("192.0.2.1"), 0, known); err != nil {
			t.Errorf("got %v, want a place", err)
		}
	})
}

// A thief sends requests of one session from many networks while others use all open places of the service.
func TestAcquire_OneSessionInManyNetworksHasOneShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &admission.Controller{}
		fill(t, c, 0, unknown, func(n int) string { return fmt.Sprintf("2001:db8:%x::1", n) })
		stolen, _ := fill(t, c, 0, func() string { return "thief" }, func(n int) string { return fmt.Sprintf("2001:db9:%x::1", n) })
		if len(stolen) != 32 {
			t.Errorf("got %d kept places for one session, want 32", len(stolen))
		}
		if _, err := c.Acquire(t.Context(), netip.MustParseAddr("192.0.2.1"), 0, known); err != nil {
			t.Errorf("another user: got %v, want a place", err)
		}
		for _, p := range stolen {
			p.Release()
		}
		if again, _ := fill(t, c, 0, func() string { return "thief" }, func(n int) string { return fmt.Sprintf("2001:db9:%x::1", n) }); len(again) != 32 {
			t.Errorf("afterwards: got %d places, want 32", len(again))
		}
	})
}

// A page with many parts asks at once; each waits for its turn.
func TestAcquire_WaitsBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &admission.Controller{}
		client := netip.MustParseAddr("192.0.2.1")
		result := make(chan error)
		began := time.Now()
		const parts = 100
		for range parts {
			go func() {
				p, err := c.Acquire(t.Context(), client, 0, unknown)
				if err == nil {
					time.Sleep(500 * time.Millisecond)
					p.Release()
				}
				result <- err
			}()
		}
		for range parts {
			if err := <-result; err != nil {
				t.Errorf("got %v, want a place for each", err)
			}
		}
		if took := time.Since(began); took != 1500*time.Millisecond {
			t.Errorf("got %v, want three turns", took)
		}
		// Nothing is left: the whole share is free again.
		if places, _ := fill(t, c, 0, unknown, one("192.0.2.1")); len(places) != 48 {
			t.Errorf("afterwards: got %d places, want 48", len(places))
		}
	})
}

func TestAcquire_BoundsThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &admission.Controller{}
		client := netip.MustParseAddr("192.0.2.1")
		fill(t, c, 0, unknown, one("192.0.2.1"))
		began, result := time.Now(), make(chan time.Duration)
		for range 200 {
			go func() {
				if _, err := c.Acquire(t.Context(), client, 0, unknown); !errors.Is(err, admission.ErrClient) {
					t.Errorf("got %v, want ErrClient", err)
				}
				result <- time.Since(began)
			}()
		}
		at := map[time.Duration]int{}
		for range 200 {
			at[<-result]++
		}
		if at[0] != 136 || at[1500*time.Millisecond] != 64 {
			t.Errorf("got refusals at %v, want 136 immediately and 64 after 1.5 s", at)
		}
	})
}

func TestAcquire_EndsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &admission.Controller{}
		places, _ := fill(t, c, 0, unknown, one("192.0.2.1"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Acquire(ctx, netip.MustParseAddr("192.0.2.1"), 0, unknown); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that of the context", err)
		}
		for i := range places {
			places[i].Release()
		}
		if places, _ := fill(t, c, 0, unknown, one("192.0.2.1")); len(places) != 48 {
			t.Errorf("afterwards: got %d places, want 48", len(places))
		}
	})
}
