package helpdesk_test

import (
	"slices"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
)

// TestReference_ShowsNoLinkToOthers writes in turn by two addresses of a user and about an unknown address. A client cannot
// see in the references which texts are in one request, so it does not learn that the first two are of one user (promise A12).
func TestReference_ShowsNoLinkToOthers(t *testing.T) {
	s := newEnv(t)
	var refs []string
	for i := range 30 {
		for _, address := range []string{authntest.Technician, authntest.SecondEmail, "nobody@else.example"} {
			refs = append(refs, s.submit(t, i, helpdesk.Submission{Email: address, Message: "x"}))
		}
	}
	for _, part := range [][2]int{{2, 6}, {7, 11}, {12, 16}, {9, 16}} {
		var all []string
		for _, ref := range refs {
			all = append(all, ref[part[0]:part[1]])
		}
		slices.Sort(all)
		if n := len(slices.Compact(all)); n < len(refs)-1 {
			t.Errorf("characters %v of %d references have %d values, want as many", part, len(refs), n)
		}
	}
}

// TestReference_NumbersOfTwoRequestsDiffer gives numbers to two requests in one operation, which draws the same for both.
func TestReference_NumbersOfTwoRequestsDiffer(t *testing.T) {
	s := newEnv(t)
	op := s.Accounts.NewOperation(s.From)
	var a, b helpdesk.Request
	if _, err := account.Update(t.Context(), s.Accounts, op, func(tx *account.Tx) (bool, error) {
		a, b = helpdesk.Request{ID: "1"}, helpdesk.Request{ID: "2"}
		if err := s.Directory.HelpDesk.PutNumber(tx, &a); err != nil {
			return false, err
		}
		return true, s.Directory.HelpDesk.PutNumber(tx, &b)
	}); err != nil {
		t.Fatal(err)
	}
	if a.Number == b.Number || len(a.Number) != 6 {
		t.Errorf("got %q and %q, want two numbers", a.Number, b.Number)
	}
}

// TestSource_TellsClientsApart writes by several clients and compares the sources of their texts.
func TestSource_TellsClientsApart(t *testing.T) {
	s := newEnv(t)
	s.submit(t, 1, helpdesk.Submission{Email: authntest.Technician, Message: "x"})
	s.own(t, "known browser", "x")
	s.own(t, "proven password", "x")
	s.own(t, "unknown browser", "x")
	for _, host := range []int{1, 2} { // of one /48
		if _, err := s.Directory.HelpDesk.Submit(t.Context(), account.RequestInfo{Address: site6(1, host)}, helpdesk.Submission{Email: authntest.Technician}); err != nil {
			t.Fatal(err)
		}
	}
	var sources []string
	for _, x := range s.requests(t)[0].Texts {
		sources = append(sources, x.Source)
	}
	slices.Sort(sources)
	if got := slices.Compact(sources); len(got) != 5 {
		t.Errorf("got %d sources: %q, want five", len(got), got)
	}
}
