package helpdesk_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

var reference = regexp.MustCompile(`^H-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$`)

// ask sends the form from a network of its own each time.
func (s *shop) ask(t *testing.T, n int, f helpdesk.Submission) string {
	t.Helper()
	req := s.From
	req.Address = netip.AddrFrom4([4]byte{198, 51, byte(n), 7})
	ref, err := s.Directory.HelpDesk.Submit(t.Context(), req, f)
	if err != nil {
		t.Fatalf("asking: %v", err)
	}
	if !reference.MatchString(ref) {
		t.Errorf("got reference %q", ref)
	}
	s.Clock.Advance(time.Second)
	return ref
}

// cases are all, as support sees them.
func (s *shop) cases(t *testing.T) []helpdesk.Request {
	t.Helper()
	cases, next, err := s.Directory.HelpDesk.Requests(t.Context(), support, helpdesk.RequestQuery{})
	if err != nil || next != "" {
		t.Fatalf("listing cases: %q, %v", next, err)
	}
	return cases
}

func TestAHelpRequestReachesSupportAndThePersonAtTheStoredAddress(t *testing.T) {
	for _, c := range []struct {
		name, typed string
		want        []string
		known       bool
	}{
		{"by the first address, however written", " AMELIE@Garage.Example ", []string{"help_for_support to support@garage.example", "help_received to " + technician}, true},
		{"by the second address", second, []string{"help_for_support to support@garage.example", "help_received to " + second}, true},
		{"by an address that nobody has", "stranger@else.example", []string{"help_for_support to support@garage.example"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openShop(t)
			ref := s.ask(t, 1, helpdesk.Submission{Email: c.typed, Topic: "phone_lost", Message: "  It fell.\r\nHelp\x1b[2J\u202e!  "})
			sameStrings(t, "mails", s.letters(), c.want)
			m := mailed[notice.HelpForSupport](t, s, "support@garage.example")
			cases := s.cases(t)
			if len(cases) != 1 {
				t.Fatalf("got %d cases", len(cases))
			}
			got := cases[0]
			if got.Reference != ref || got.Message != "It fell.\nHelp[2J!" || got.State != helpdesk.StateOpen || (got.User == s.amelie.ID) != c.known || got.PasswordProven {
				t.Errorf("got case %+v", got)
			}
			if m.Reference != ref || m.Known != c.known || m.Text != got.Message || m.Topic != notice.TopicPhoneLost ||
				m.Link != "https://login.example/api/v1/help-requests/"+got.ID {
				t.Errorf("got mail %+v", m)
			}
			if e := s.Events(audit.HelpRequested); len(e) != 1 || e[0].Subject != string(got.User) || e[0].Actor.Type != audit.TypeUnknown || e[0].Targets[0].ID != got.ID {
				t.Errorf("got events %+v", e)
			}
		})
	}
}

func TestTheMailToSupportIsInTheHousesLanguageAndThePersonsInTheirs(t *testing.T) {
	s := openShop(t)
	s.Change(s.amelie.ID, func(u *account.User) { u.Locale = "en" })
	s.ask(t, 1, helpdesk.Submission{Email: technician, Message: "x"})
	for _, m := range s.Mails() {
		if want := map[bool]string{true: "en", false: "fr"}[m.To == technician]; m.Lang != want {
			t.Errorf("mail to %s in %q, want %q", m.To, m.Lang, want)
		}
	}
}

func TestWithoutSupportHelpRequestsAreStoredOnly(t *testing.T) {
	s := openShop(t)
	s.Accounts.Policy.Support = ""
	s.ask(t, 1, helpdesk.Submission{Email: technician, Message: "x"})
	sameStrings(t, "mails", s.letters(), []string{"help_received to " + technician})
	if len(s.cases(t)) != 1 {
		t.Error("the request is lost")
	}
}

func TestFortyRequestsAreStoppedBySourceAndByAddress(t *testing.T) {
	s := openShop(t)
	for i := range 40 {
		_, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: fmt.Sprintf("n%d@else.example", i), Message: "x"})
		want := errcode.Code("")
		if i >= 20 {
			want = errcode.RateLimited
		}
		wantCode(t, fmt.Sprint("request ", i+1, " of one source"), err, want)
	}
	s.EmptyOutbox()
	refs := map[string]bool{}
	for i := range 40 {
		refs[s.ask(t, i, helpdesk.Submission{Email: technician, Message: strings.Repeat("é", 4000)})] = true
	}
	if len(refs) != 40 {
		t.Errorf("got %d references, want 40", len(refs))
	}
	toSupport, toPerson := 0, 0
	for _, m := range s.Mails() {
		if m.To == technician {
			toPerson++
		} else {
			toSupport++
		}
	}
	if toSupport != 5 || toPerson != 5 {
		t.Errorf("got %d mails to support and %d to the person, want five each", toSupport, toPerson)
	}
	cases, _, err := s.Directory.HelpDesk.Requests(t.Context(), support, helpdesk.RequestQuery{User: s.amelie.ID})
	if err != nil || len(cases) != 5 {
		t.Fatalf("got %d cases, %v, want five", len(cases), err)
	}
	last := cases[4]
	if len(last.Texts)+last.DroppedFollowUps != 35 || len(last.Texts) == 0 || utf8.RuneCountInString(last.Texts[0].Message) != 400 {
		t.Errorf("got %d texts and %d more, want 35", len(last.Texts), last.DroppedFollowUps)
	}
	if got := len(s.Events(audit.HelpJoined)); got != 35 {
		t.Errorf("got %d events of joined texts, want 35", got)
	}
	found, _, err := s.Directory.HelpDesk.Requests(t.Context(), support, helpdesk.RequestQuery{Reference: last.Texts[3].Reference})
	if err != nil || len(found) != 1 || found[0].ID != last.ID {
		t.Errorf("by the reference of a joined text: got %d cases, %v", len(found), err)
	}
	if u := s.User(technician); len(u.Devices) != 1 {
		t.Error("noise took a device")
	}
	s.SignIn(technician, password, s.phone) // the person still signs in
}

func TestBeyondTheLimitAClosedRequestIsNotJoined(t *testing.T) {
	s := openShop(t)
	for i := range 5 {
		s.ask(t, i, helpdesk.Submission{Email: technician, Message: "x"})
	}
	for _, c := range s.cases(t) {
		if _, err := s.Directory.HelpDesk.Patch(t.Context(), support, s.From, c.ID, helpdesk.RequestPatch{Status: helpdesk.StateRejected}); err != nil {
			t.Fatal(err)
		}
	}
	s.EmptyOutbox()
	ref := s.ask(t, 9, helpdesk.Submission{Email: technician, Message: "y"})
	open, _, err := s.Directory.HelpDesk.Requests(t.Context(), support, helpdesk.RequestQuery{Status: helpdesk.StateOpen})
	if err != nil || len(open) != 1 || open[0].Reference != ref || len(s.Mails()) != 0 {
		t.Errorf("got %d open, %v, mails %v, want a new one without mail", len(open), err, s.letters())
	}
}

func TestTheCaseTellsWhetherTheSamePersonsPasswordWasProven(t *testing.T) {
	s := openShop(t)
	login := s.signIn(t, password).Secret
	s.ask(t, 1, helpdesk.Submission{Email: technician, Message: "x", Login: login})
	s.ask(t, 2, helpdesk.Submission{Email: s.manager.Email, Message: "x", Login: login})
	s.ask(t, 3, helpdesk.Submission{Email: technician, Message: "x", Login: secret.From("nothing")})
	s.Clock.Advance(account.TransactionTTL)
	s.ask(t, 4, helpdesk.Submission{Email: technician, Message: "x", Login: login})
	var got []bool
	for _, c := range s.cases(t) {
		got = append(got, c.PasswordProven)
	}
	if fmt.Sprint(got) != fmt.Sprint([]bool{true, false, false, false}) {
		t.Errorf("got %v, want the first only", got)
	}
}

func TestAForgottenPasswordWithoutADeviceOpensACase(t *testing.T) {
	s := openShop(t)
	s.reset(t, support, helpdesk.ResetRequest{})
	s.EmptyOutbox()
	if err := s.Directory.HelpDesk.Forgot(t.Context(), s.From, technician); err != nil {
		t.Fatal(err)
	}
	sameStrings(t, "mails", s.letters(), []string{"help_for_support to support@garage.example"})
	if c := s.cases(t); len(c) != 1 || !c[0].Forgotten || c[0].User != s.amelie.ID {
		t.Errorf("got %+v", c)
	}
}

func TestFormsThatAreRefused(t *testing.T) {
	s := openShop(t)
	good := helpdesk.Submission{Email: technician, Topic: "other", Message: "x"}
	for _, c := range []struct {
		name, field string
		change      func(*helpdesk.Submission)
	}{
		{"no address", "email", func(f *helpdesk.Submission) { f.Email = "" }},
		{"an address in another script", "email", func(f *helpdesk.Submission) { f.Email = "amélie@garage.example" }},
		{"too long an address", "email", func(f *helpdesk.Submission) { f.Email = strings.Repeat("a", 255) }},
		{"two lines of address", "email", func(f *helpdesk.Submission) { f.Email = "a@b.example\nBcc: c@d.example" }},
		{"another topic", "topic", func(f *helpdesk.Submission) { f.Topic = "weather" }},
		{"too long a message", "message", func(f *helpdesk.Submission) { f.Message = strings.Repeat("é", 4001) }},
		{"megabytes", "message", func(f *helpdesk.Submission) { f.Message = strings.Repeat(" ", 1<<20) }},
	} {
		f := good
		c.change(&f)
		_, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, f)
		wantCode(t, c.name, err, errcode.Invalid)
		if err == nil || !strings.Contains(err.Error(), c.field) {
			t.Errorf("%s: got %v, want field %s", c.name, err, c.field)
		}
	}
	if len(s.cases(t)) != 0 || len(s.Mails()) != 0 {
		t.Error("a refused form left something")
	}
}

func FuzzWhatPeopleWriteIsMadeInert(f *testing.F) {
	for _, seed := range []string{"hello", "a\r\nb\n", "\x1b[2J", "\u202eabc", "\xff\xfe", "👩‍🔧 é", strings.Repeat("é", 60)} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, lines bool) {
		out, ok := admin.Sanitize(text, 50, lines)
		if !ok {
			return
		}
		if !utf8.ValidString(out) || utf8.RuneCountInString(out) > 50 || strings.TrimSpace(out) != out {
			t.Errorf("%q became %q", text, out)
		}
		for _, r := range out {
			if unicode.IsControl(r) && !(r == '\n' && lines) || r == '\u202e' || r == '\u2028' {
				t.Errorf("%q became %q with %U", text, out, r)
			}
		}
		if twice, ok := admin.Sanitize(out, 50, lines); !ok || twice != out {
			t.Errorf("%q became %q, and then %q", text, out, twice)
		}
	})
}
