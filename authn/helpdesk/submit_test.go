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
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

var reference = regexp.MustCompile(`^H-[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$`)

// submit submits the form, from another network for each n.
func (s *env) submit(t *testing.T, n int, f helpdesk.Submission) string {
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

// requests returns all help requests.
func (s *env) requests(t *testing.T) []helpdesk.Request {
	t.Helper()
	requests, next, err := s.Directory.HelpDesk.Requests(t.Context(), authntest.AsHelpDesk, helpdesk.RequestQuery{})
	if err != nil || next != "" {
		t.Fatalf("listing help requests: %q, %v", next, err)
	}
	return requests
}

func TestSubmit_NotifiesSupportAndStoredAddress(t *testing.T) {
	for _, c := range []struct {
		name, typed string
		want        []string
		known       bool
	}{
		{"by the first address, however written", " AMELIE@Garage.Example ", []string{"help_for_support to support@garage.example", "help_received to " + authntest.Technician}, true},
		{"by the second address", authntest.SecondEmail, []string{"help_for_support to support@garage.example", "help_received to " + authntest.SecondEmail}, true},
		{"by an address that no user has", "stranger@else.example", []string{"help_for_support to support@garage.example"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newEnv(t)
			ref := s.submit(t, 1, helpdesk.Submission{Email: c.typed, Topic: "phone_lost", Message: "  It fell.\r\nHelp\x1b[2J\u202e!  "})
			authntest.SameStrings(t, "mails", s.MailList(), c.want)
			m := authntest.Mailed[notice.HelpForSupport](t, s.Env, "support@garage.example")
			requests := s.requests(t)
			if len(requests) != 1 {
				t.Fatalf("got %d requests", len(requests))
			}
			got := requests[0]
			if got.Reference != ref || len(got.Texts) != 1 || got.Texts[0].Message != "It fell.\nHelp[2J!" || got.State != helpdesk.StateOpen || (got.User == s.Amelie.ID) != c.known || got.Texts[0].PasswordProven {
				t.Errorf("got case %+v", got)
			}
			if m.Reference != ref || m.KnownUser != c.known || m.Message != got.Texts[0].Message || m.Topic != notice.TopicPhoneLost || m.Open != "" ||
				m.User != map[bool]string{true: "Amélie Durand"}[c.known] || m.Group != map[bool]string{true: "Garage Lumière"}[c.known] || m.PasswordProven {
				t.Errorf("got mail %+v", m)
			}
			if e := s.Events(audit.HelpRequested); len(e) != 1 || e[0].Subject != string(got.User) || e[0].Actor.Type != audit.TypeUnknown || e[0].Targets[0].ID != got.ID {
				t.Errorf("got events %+v", e)
			}
		})
	}
}

func TestSubmit_EmailLanguages(t *testing.T) {
	s := newEnv(t)
	s.Change(s.Amelie.ID, func(u *account.User) { u.Locale = "en" })
	s.submit(t, 1, helpdesk.Submission{Email: authntest.Technician, Message: "x"})
	for _, m := range s.Mails() {
		if want := map[bool]string{true: "en", false: "fr"}[m.To == authntest.Technician]; m.Lang != want {
			t.Errorf("mail to %s in %q, want %q", m.To, m.Lang, want)
		}
	}
}

func TestSubmit_WithoutSupportOnlyStores(t *testing.T) {
	s := newEnv(t)
	s.Accounts.Policy.Support = func() string { return "" }
	s.submit(t, 1, helpdesk.Submission{Email: authntest.Technician, Message: "x"})
	authntest.SameStrings(t, "mails", s.MailList(), []string{"help_received to " + authntest.Technician})
	if len(s.requests(t)) != 1 {
		t.Error("the request is lost")
	}
}

func TestSubmit_LimitsBySourceAndAddress(t *testing.T) {
	s := newEnv(t)
	for i := range 40 {
		_, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: fmt.Sprintf("n%d@else.example", i), Message: "x"})
		want := errcode.Code("")
		if i >= 20 {
			want = errcode.RateLimited
		}
		authntest.WantCode(t, fmt.Sprint("request ", i+1, " of one source"), err, want)
	}
	s.EmptyOutbox()
	refs := map[string]bool{}
	for i := range 40 {
		refs[s.submit(t, i, helpdesk.Submission{Email: authntest.Technician, Message: strings.Repeat("é", 4000)})] = true
	}
	if len(refs) != 40 {
		t.Errorf("got %d references, want 40", len(refs))
	}
	toSupport, toPerson := 0, 0
	for _, m := range s.Mails() {
		if m.To == authntest.Technician {
			toPerson++
		} else {
			toSupport++
		}
	}
	if toSupport != 5 || toPerson != 5 {
		t.Errorf("got %d mails to support and %d to the user, want five each", toSupport, toPerson)
	}
	requests, _, err := s.Directory.HelpDesk.Requests(t.Context(), authntest.AsHelpDesk, helpdesk.RequestQuery{User: s.Amelie.ID})
	if err != nil || len(requests) != 1 {
		t.Fatalf("got %d requests, %v, want one", len(requests), err)
	}
	last := requests[0]
	if len(last.Texts)+last.Removed != 40 || len(last.Texts) < 4 || utf8.RuneCountInString(last.Texts[0].Message) != 400 {
		t.Errorf("got %d texts and %d removed, want 40 in all, cut", len(last.Texts), last.Removed)
	}
	if got := len(s.Events(audit.HelpJoined)); got != 39 {
		t.Errorf("got %d events of joined texts, want 39", got)
	}
	if u := s.User(authntest.Technician); len(u.Devices) != 1 {
		t.Error("noise took a device")
	}
	s.SignIn(authntest.Technician, password, s.Phone) // the user still signs in
}

func TestSubmit_ClosedRequestGetsNoFollowUp(t *testing.T) {
	s := newEnv(t)
	for i := range 5 {
		s.submit(t, i, helpdesk.Submission{Email: authntest.Technician, Message: "x"})
	}
	for _, c := range s.requests(t) {
		if _, err := s.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, s.From, c.ID, helpdesk.RequestPatch{Status: helpdesk.StateRejected}); err != nil {
			t.Fatal(err)
		}
	}
	s.EmptyOutbox()
	ref := s.submit(t, 9, helpdesk.Submission{Email: authntest.Technician, Message: "y"})
	open, _, err := s.Directory.HelpDesk.Requests(t.Context(), authntest.AsHelpDesk, helpdesk.RequestQuery{Status: helpdesk.StateOpen})
	if err != nil || len(open) != 1 || open[0].Reference != ref || len(s.Mails()) != 0 {
		t.Errorf("got %d open, %v, mails %v, want a new one without mail", len(open), err, s.MailList())
	}
}

func TestSubmit_RecordsProvenPassword(t *testing.T) {
	s := newEnv(t)
	login := s.SubmitPassword(t, password).Secret
	s.submit(t, 1, helpdesk.Submission{Email: authntest.Technician, Message: "x", Transaction: login})
	s.submit(t, 2, helpdesk.Submission{Email: s.Manager.Email, Message: "x", Transaction: login})
	s.submit(t, 3, helpdesk.Submission{Email: authntest.Technician, Message: "x", Transaction: secret.From("nothing")})
	s.Clock.Advance(account.TransactionTTL)
	s.submit(t, 4, helpdesk.Submission{Email: authntest.Technician, Message: "x", Transaction: login})
	var got []bool
	for _, c := range s.requests(t) {
		for _, f := range c.Texts {
			got = append(got, f.PasswordProven)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint([]bool{true, false, false, false}) {
		t.Errorf("got %v, want the first only", got)
	}
}

func TestRequestPasswordLink_OpensRequestWithoutDevice(t *testing.T) {
	s := newEnv(t)
	s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{})
	s.EmptyOutbox()
	if err := s.Directory.HelpDesk.RequestPasswordLink(t.Context(), s.From, authntest.Technician); err != nil {
		t.Fatal(err)
	}
	authntest.SameStrings(t, "mails", s.MailList(), []string{"help_for_support to support@garage.example"})
	if c := s.requests(t); len(c) != 1 || !c[0].Texts[0].Forgotten || c[0].User != s.Amelie.ID {
		t.Errorf("got %+v", c)
	}
}

func TestSubmit_RejectsInvalid(t *testing.T) {
	s := newEnv(t)
	good := helpdesk.Submission{Email: authntest.Technician, Topic: "other", Message: "x"}
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
		authntest.WantCode(t, c.name, err, errcode.Invalid)
		if err == nil || !strings.Contains(err.Error(), c.field) {
			t.Errorf("%s: got %v, want field %s", c.name, err, c.field)
		}
	}
	if len(s.requests(t)) != 0 || len(s.Mails()) != 0 {
		t.Error("a refused form left something")
	}
}

func FuzzWhatPeopleWriteIsMadeInert(f *testing.F) {
	for _, seed := range []string{"hello", "a\r\nb\n", "\x1b[2J", "\u202eabc", "\xff\xfe", "👩‍🔧 é", strings.Repeat("é", 60)} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, lines bool) {
		out, ok := input.Text(text, 50, lines)
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
		if twice, ok := input.Text(out, 50, lines); !ok || twice != out {
			t.Errorf("%q became %q, and then %q", text, out, twice)
		}
	})
}
