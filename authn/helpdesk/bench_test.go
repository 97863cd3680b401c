package helpdesk_test

import (
	"fmt"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
)

// BenchmarkSubmit submits texts about unknown addresses from many networks: to a service with few requests, and to one with as many
// as it keeps, where each displaces another.
func BenchmarkSubmit(b *testing.B) {
	for _, full := range []bool{false, true} {
		b.Run(fmt.Sprintf("full=%v", full), func(b *testing.B) {
			s := authntest.New(b)
			submit := func(i int) {
				f := helpdesk.Submission{Email: fmt.Sprintf("n%d@else.example", i), Message: "x"}
				if _, err := s.Directory.HelpDesk.Submit(b.Context(), account.RequestInfo{Address: site6(i, 0)}, f); err != nil {
					b.Fatal(err)
				}
			}
			n := 0
			for ; full && n < 2000; n++ {
				submit(n)
			}
			for b.Loop() {
				submit(n)
				if n++; n%1500 == 0 && !full {
					b.StopTimer()
					s = authntest.New(b)
					b.StartTimer()
				}
				s.Clock.Advance(100 * time.Millisecond)
			}
		})
	}
}

// BenchmarkSubmit_ManyOpenRequests submits texts about one address, whose emails are used up, beside many open requests.
func BenchmarkSubmit_ManyOpenRequests(b *testing.B) {
	s := authntest.New(b)
	for i := range 1000 {
		f := helpdesk.Submission{Email: fmt.Sprintf("n%d@else.example", i), Message: "x"}
		if _, err := s.Directory.HelpDesk.Submit(b.Context(), account.RequestInfo{Address: site6(i, 0)}, f); err != nil {
			b.Fatal(err)
		}
	}
	s.Clock.Advance(2 * time.Hour) // support gets a digest again
	i := 0
	for b.Loop() {
		f := helpdesk.Submission{Email: fmt.Sprintf("n%d@else.example", i%9), Message: "x"}
		if _, err := s.Directory.HelpDesk.Submit(b.Context(), account.RequestInfo{Address: site6(2000+i, 0)}, f); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
