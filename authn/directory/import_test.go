package directory_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/factors/totp"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store/storetest"
)

const foreignSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

func foreignKey(value string) secret.Value {
	return secret.From("otpauth://totp/Okta:zoe?secret=" + value + "&issuer=Okta")
}

// importUser imports a list of one user.
func (s *env) importUser(ctx context.Context, p admin.Principal, n directory.NewUser, invite, dry bool) (directory.ImportResult, error) {
	got, err := s.Directory.Import(ctx, p, s.From, []directory.ImportRow{{NewUser: n}}, invite, dry)
	if err != nil {
		return directory.ImportResult{}, err
	}
	return got[0], nil
}

// bring imports a user with a key of another service.
func (s *env) bring(t *testing.T) (account.User, *authntest.Phone) {
	t.Helper()
	got, err := s.importUser(t.Context(), authntest.AsOperator, directory.NewUser{Login: "zoe@garage.example", FirstName: "Zoé",
		Groups: []account.GroupID{s.Lumiere}, OTPAuthURI: foreignKey(foreignSecret)}, true, false)
	if err != nil || got.ID == "" || !got.Invited || got.Exists || got.Faults != nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	return s.User(string(got.ID)), &authntest.Phone{Env: s.Env, Secret: foreignSecret}
}

func TestImport_PasswordIsConfirmedByImportedDevice(t *testing.T) {
	s := newEnv(t)
	u, phone := s.bring(t)
	if !u.HasOnlyImportedDevice() || u.Status != account.StatusActive || u.Password.Hash != "" {
		t.Fatalf("got %+v", u)
	}
	_, err := s.Authn.StartWithPassword(t.Context(), s.From, u.Login, "")
	authntest.WantCode(t, "signing in without a password", err, errcode.SignInFailed)
	m := authntest.Mailed[notice.Welcome](t, s.Env, u.Login)
	if m.Group != "Garage Lumière" || m.Device != "Okta" || len(s.Mails()) != 1 {
		t.Errorf("got mail %+v of %v", m, s.MailList())
	}
	started, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, authntest.LinkToken(m.Link), password)
	if err != nil || started.Step != authn.StepVerify {
		t.Fatalf("choosing a password: got %v, %v, want the code asked for", started.Step, err)
	}
	_, err = s.Authn.StartWithPassword(t.Context(), s.From, u.Login, password)
	authntest.WantCode(t, "the password before the phone proved it", err, errcode.SignInFailed)
	if v, err := s.VerifyCode(t.Context(), started.Secret, phone.Code()); err != nil || v.Accepted() {
		t.Errorf("a code that the other service may have accepted: got %+v, %v", v.Verification, err)
	}
	if v, err := s.VerifyCode(t.Context(), started.Secret, phone.Next()); err != nil || !v.Accepted() || v.Credentials.Session.IsZero() {
		t.Fatalf("got %+v, %v, want a session", v.Verification, err)
	}
	u = s.User(u.Login)
	if !u.EverHadDevice || u.HasOnlyImportedDevice() || u.Password.Provenance != account.ProvenanceUser {
		t.Errorf("got %+v, want the phone to be the user's", u)
	}
	s.SignIn(u.Login, password, phone)
	result, err := s.Directory.HelpDesk.Reset(t.Context(), authntest.AsSuperAdmin, s.From, u.Login, helpdesk.ResetRequest{Reason: "lost"})
	if err != nil || result.Devices[totp.Kind] != 1 {
		t.Errorf("from now on a lost phone is reset: got %+v, %v", result, err)
	}
	events := s.Events(audit.UserCreated, audit.FactorActivated, audit.InvitationIssued)
	if n := len(events); n < 3 || events[n-1].Actor.ID != authntest.AsOperator.ID || strings.Contains(fmt.Sprintf("%+v", events), foreignSecret) {
		t.Errorf("got events %+v", events)
	}
}

func TestImport_PasswordLinkReplacesExpiredWelcome(t *testing.T) {
	s := newEnv(t)
	u, phone := s.bring(t)
	first := authntest.LinkToken(authntest.Mailed[notice.Welcome](t, s.Env, u.Login).Link)
	s.Clock.Advance(account.InvitationTTL)
	_, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, first, password)
	authntest.WantCode(t, "the link after a day", err, errcode.InvalidLink)
	s.EmptyOutbox()
	if err := s.Authn.RequestPasswordLink(t.Context(), s.From, u.Login, func(*account.Tx, *account.User) error {
		t.Error("accepted for a user without a device")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	started, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, authntest.LinkToken(authntest.Mailed[notice.PasswordLink](t, s.Env, u.Login).Link), password)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.VerifyCode(t.Context(), started.Secret, phone.Next()); err != nil || !v.Accepted() {
		t.Errorf("got %+v, %v", v.Verification, err)
	}
}

func TestImport_InvitationRemovesImportedDevice(t *testing.T) {
	s := newEnv(t)
	u, _ := s.bring(t)
	link := authntest.LinkToken(authntest.Mailed[notice.Welcome](t, s.Env, u.Login).Link)
	_, err := s.Directory.HelpDesk.Reset(t.Context(), authntest.AsSuperAdmin, s.From, u.Login, helpdesk.ResetRequest{})
	authntest.WantCode(t, "a reset, whose ticket is worth nothing without a password", err, errcode.WrongState)
	if _, err := s.Directory.Activate(t.Context(), authntest.AsHelpDesk, s.From, u.Login, true); err != nil {
		t.Fatal(err)
	}
	_, err = s.Authn.StartWithPasswordLink(t.Context(), s.From, link, password)
	authntest.WantCode(t, "the link that was for the key", err, errcode.InvalidLink)
	if u := s.User(u.Login); len(u.Devices) != 0 || u.EverHadDevice {
		t.Errorf("got devices %v", u.Devices)
	}
	if removed := s.Events(audit.FactorRemoved); len(removed) != 1 || removed[0].Actor.ID != authntest.AsHelpDesk.ID {
		t.Errorf("got events %+v", removed)
	}
	s.Accept(authntest.LinkToken(authntest.Mailed[notice.Invitation](t, s.Env, u.Login).Link), password)
	// The key is free again: no user has it.
	got, err := s.importUser(t.Context(), authntest.AsOperator, directory.NewUser{Login: "luc@garage.example", OTPAuthURI: foreignKey(foreignSecret)}, false, false)
	if err != nil || got.ID == "" || got.Invited {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestImport_RejectsPasswordAndKeyOfSameProvenance(t *testing.T) {
	s := newEnv(t)
	bringing := directory.NewUser{Login: "luc@garage.example", OTPAuthURI: foreignKey(strings.Repeat("ABCDEFGH", 4))}
	for name, p := range map[string]admin.Principal{"a token": authntest.AsSuperAdmin, "a token with secrets": authntest.WithSecrets(authntest.AsSuperAdmin)} {
		_, err := s.importUser(t.Context(), p, bringing, true, false)
		authntest.WantCode(t, name+" brings a key", err, errcode.Forbidden)
		_, err = s.importUser(t.Context(), p, bringing, true, true)
		authntest.WantCode(t, name+" tries whether a key is known", err, errcode.Forbidden)
	}
	_, _, err := s.Directory.CreateUser(t.Context(), authntest.AsOperator, s.From, bringing, true, false)
	authntest.WantCode(t, "the welcome in the answer", err, errcode.SameProvenance)
	bringing.Password = password
	_, _, err = s.Directory.CreateUser(t.Context(), authntest.AsOperator, s.From, bringing, false, true)
	authntest.WantCode(t, "key and password of one provenance", err, errcode.SameProvenance)
	if _, err := s.Directory.Admin.User(t.Context(), authntest.AsOperator, bringing.Login); errcode.Of(err) != errcode.NotFound {
		t.Errorf("got %v, want no user", err)
	}
	u, _ := s.bring(t)
	for _, p := range []admin.Principal{authntest.AsOperator, authntest.WithSecrets(authntest.AsSuperAdmin)} {
		_, err := s.Directory.ResetPassword(t.Context(), p, s.From, u.Login, false)
		authntest.WantCode(t, "the password link in the answer", err, errcode.SameProvenance)
		_, err = s.Directory.TemporaryPassword(t.Context(), p, s.From, u.Login)
		authntest.WantCode(t, "a temporary password", err, errcode.SameProvenance)
		_, err = s.Directory.UpdateUser(t.Context(), p, s.From, string(u.ID), directory.ProfileChange{Password: authntest.Password})
		authntest.WantCode(t, "a password that is set", err, errcode.SameProvenance)
	}
	if _, err := s.Directory.ResetPassword(t.Context(), authntest.AsHelpDesk, s.From, u.Login, true); err != nil {
		t.Errorf("by mail: got %v", err)
	}
}

func TestImport_ReportsAllFaultsAndKeepsExistingUsers(t *testing.T) {
	s := newEnv(t)
	s.bring(t)
	before := s.User(authntest.Technician)
	faults := func(got directory.ImportResult) (all []string) {
		for _, f := range got.Faults {
			all = append(all, f.Field+" "+f.Reason)
		}
		return all
	}
	for _, c := range []struct {
		name string
		n    directory.NewUser
		want []string
		is   bool // known
	}{
		{"a new user", directory.NewUser{Login: "new@garage.example"}, nil, false},
		{"everything wrong at once", directory.NewUser{Login: "x y", Email: "no", SecondEmail: authntest.Technician, FirstName: "a\nb", LastName: strings.Repeat("é", 65),
			Locale: "xx", Groups: []account.GroupID{"g0"}, Role: "KING", OTPAuthURI: foreignKey("AAAA")},
			[]string{"login address", "email address", "locale unknown", "otpauth short", "role unknown", "firstName control", "lastName too_long", "secondEmail taken", "groupIds unknown"}, false},
		{"a known user, in another case", directory.NewUser{Login: "Amelie@GARAGE.example", FirstName: "Mallory"}, nil, true},
		{"a known user, whatever else is wrong", directory.NewUser{Login: authntest.Technician, Email: "no", Role: "KING"}, nil, true},
		{"a login that is another user's second address", directory.NewUser{Login: authntest.SecondEmail}, []string{"login taken"}, false},
		{"an address of another user", directory.NewUser{Login: "new@garage.example", Email: authntest.Technician}, []string{"email taken"}, false},
		{"a key that a user has", directory.NewUser{Login: "new@garage.example", OTPAuthURI: foreignKey(strings.ToLower(foreignSecret))}, []string{"otpauth taken"}, false},
		{"twenty-one garages", directory.NewUser{Login: "new@garage.example", Groups: make([]account.GroupID, 21)}, []string{"groupIds too_many"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			events := len(s.Events())
			got, err := s.importUser(t.Context(), authntest.AsOperator, c.n, true, true)
			if err != nil || got.Exists != c.is || (got.ID != "") != c.is {
				t.Errorf("got %+v, %v", got, err)
			}
			authntest.SameStrings(t, "faults", faults(got), c.want)
			if c.want == nil && !c.is {
				return
			}
			got, err = s.importUser(t.Context(), authntest.AsOperator, c.n, true, false)
			if err != nil || got.Exists != c.is || got.Invited {
				t.Errorf("done: got %+v, %v", got, err)
			}
			authntest.SameStrings(t, "faults, done", faults(got), c.want)
			if len(s.Events()) != events {
				t.Error("something was done")
			}
		})
	}
	if after := s.User(authntest.Technician); after.Revision != before.Revision {
		t.Errorf("got %+v, want %+v", after, before)
	}
}

func TestImport_StaysWithinGroupScope(t *testing.T) {
	s := newEnv(t)
	p := authntest.Limited(authntest.AsHelpDesk, s.Lumiere)
	for name, groups := range map[string][]account.GroupID{"another garage": {s.Nord}, "no garage": nil, "one that is not": {"g0"}} {
		got, err := s.importUser(t.Context(), p, directory.NewUser{Login: "luc@garage.example", Groups: groups}, true, false)
		if err != nil || len(got.Faults) != 1 || got.Faults[0].Field != "groupIds" || got.Faults[0].Reason != "unknown" {
			t.Errorf("%s: got %+v, %v, want one answer for all", name, got, err)
		}
	}
	got, err := s.importUser(t.Context(), p, directory.NewUser{Login: "luc@garage.example", Groups: []account.GroupID{s.Lumiere}, Role: account.RoleReadOnly}, true, false)
	if err != nil || len(got.Faults) != 1 || got.Faults[0].Field != "role" {
		t.Errorf("a role: got %+v, %v", got, err)
	}
	if got, err = s.importUser(t.Context(), p, directory.NewUser{Login: "luc@garage.example", Groups: []account.GroupID{s.Lumiere}}, true, false); err != nil || !got.Invited {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = s.importUser(t.Context(), authntest.WithRole(authntest.AsHelpDesk, account.RoleReadOnly), directory.NewUser{Login: "x@garage.example"}, true, true)
	authntest.WantCode(t, "a reader", err, errcode.Forbidden)
}

func TestImport_LargestUserFitsOneTransaction(t *testing.T) {
	s := newEnv(t)
	n := directory.NewUser{Login: "zoe", Email: "zoe@garage.example", SecondEmail: "zoe@home.example", FirstName: "Zoé", LastName: "Martin",
		Role: account.RoleHelpDesk, OTPAuthURI: foreignKey(foreignSecret)}
	for i := range 20 {
		n.Groups = append(n.Groups, s.CreateGroup(fmt.Sprint("Garage ", i)))
	}
	got, err := s.importUser(t.Context(), authntest.AsOperator, n, true, false)
	if err != nil || !got.Invited {
		t.Fatalf("got %+v, %v", got, err)
	}
	// And what takes the key away again fits, too.
	if _, err := s.Directory.Activate(t.Context(), authntest.AsOperator, s.From, "zoe", true); err != nil {
		t.Error(err)
	}
}

func TestImport_AcceptsTheSeedOfAToken(t *testing.T) {
	s := newEnv(t)
	uri := "otpauth://hotp/Feitian:zoe?secret=" + foreignSecret + "&issuer=Feitian&counter=7"
	got, err := s.Directory.Import(t.Context(), authntest.AsOperator, s.From, []directory.ImportRow{{NewUser: directory.NewUser{Login: "zoe@garage.example", OTPAuthURI: secret.From(uri)}}}, true, false)
	if err != nil || got[0].ID == "" || got[0].Faults != nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	m := authntest.Mailed[notice.Welcome](t, s.Env, "zoe@garage.example")
	started, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, authntest.LinkToken(m.Link), password)
	if err != nil || started.Step != authn.StepVerify {
		t.Fatalf("choosing a password: got %v, %v, want the code asked for", started.Step, err)
	}
	for counter, want := range []factors.Reason{6: factors.ReasonReplayed, 7: factors.ReasonNone} {
		if counter < 6 {
			continue
		}
		v, err := s.VerifyCode(t.Context(), started.Secret, authntest.Code(t, foreignSecret, uint64(counter)))
		if err != nil || v.Rejected != want {
			t.Errorf("counter %d: got %q, %v, want %q", counter, v.Rejected, err, want)
		}
	}
	got, err = s.Directory.Import(t.Context(), authntest.AsOperator, s.From, []directory.ImportRow{{NewUser: directory.NewUser{Login: "yves@garage.example", OTPAuthURI: foreignKey(foreignSecret)}}}, true, false)
	if err != nil || len(got[0].Faults) != 1 || got[0].Faults[0].Reason != "taken" {
		t.Errorf("the same secret for a phone: got %+v, %v", got, err)
	}
}

func TestImport_FindsDuplicatesWithinTheList(t *testing.T) {
	s := newEnv(t)
	rows := []directory.ImportRow{
		{NewUser: directory.NewUser{Login: "luc@garage.example", SecondEmail: "luc@home.example", OTPAuthURI: foreignKey(foreignSecret)}},
		{NewUser: directory.NewUser{Login: "zoe", Email: "LUC@home.example", OTPAuthURI: foreignKey(strings.ToLower(foreignSecret))}},
		{NewUser: directory.NewUser{Login: " Luc@Garage.Example "}},
		{NewUser: directory.NewUser{Login: authntest.Technician}},
		{NewUser: directory.NewUser{Login: authntest.Technician}},
	}
	for _, dry := range []bool{true, false} {
		got, err := s.Directory.Import(t.Context(), authntest.AsOperator, s.From, rows, false, dry)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"", "email duplicate, otpauth duplicate", "login duplicate", "exists", "exists"}
		if !dry { // the first row created a user
			want[1], want[2] = "email taken, otpauth taken", "exists"
		}
		for i, imported := range got {
			var parts []string
			for _, f := range imported.Faults {
				parts = append(parts, f.Field+" "+f.Reason)
			}
			if imported.Exists {
				parts = append(parts, "exists")
			}
			text := strings.Join(parts, ", ")
			if text != want[i] {
				t.Errorf("dry run %t: row %d: got %q, want %q", dry, i, text, want[i])
			}
		}
	}
}

func TestImport_ResolvesGroupNamesWithinTheScope(t *testing.T) {
	s := newEnv(t)
	twin := s.CreateGroup("L’Atelier Hélène")
	row := func(login string, names ...string) directory.ImportRow {
		return directory.ImportRow{NewUser: directory.NewUser{Login: login}, GroupNames: names}
	}
	got, err := s.Directory.Import(t.Context(), authntest.AsOperator, s.From, []directory.ImportRow{row("a@garage.example", "Garage Lumière", string(s.Lumiere)),
		row("b@garage.example", "Garage Lumière", "Nowhere"), row("c@garage.example", "l'atelier \u00a0HE\u0301LE\u0300NE")}, false, false)
	if err != nil || got[0].ID == "" || len(s.User("a@garage.example").Groups) != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if groups := s.User("c@garage.example").Groups; len(groups) != 1 || groups[0] != twin {
		t.Errorf("a name with another apostrophe and composition: got %v, %+v", groups, got[2].Faults)
	}
	for i, want := range []string{"", "unknown"} {
		if i > 0 && (len(got[i].Faults) != 1 || got[i].Faults[0].Field != "groupIds" || got[i].Faults[0].Reason != want) {
			t.Errorf("row %d: got %+v, want %s", i, got[i].Faults, want)
		}
	}
	got, err = s.Directory.Import(t.Context(), authntest.Limited(authntest.AsHelpDesk, s.Nord), s.From, []directory.ImportRow{row("d@garage.example", "Garage Lumière")}, false, true)
	if err != nil || len(got[0].Faults) != 1 || got[0].Faults[0].Reason != "unknown" {
		t.Errorf("a group outside the scope: got %+v, %v", got, err)
	}
}

func TestImport_PacesInvitations(t *testing.T) {
	s := newEnv(t)
	var rows []directory.ImportRow
	for i := range 25 {
		rows = append(rows, directory.ImportRow{NewUser: directory.NewUser{Login: fmt.Sprintf("p%d@garage.example", i)}})
	}
	if _, err := s.Directory.Import(t.Context(), authntest.AsOperator, s.From, rows, true, false); err != nil {
		t.Fatal(err)
	}
	due := map[time.Duration]int{}
	for _, m := range s.Mails() {
		due[m.NotBefore.Sub(s.Clock.Now())]++
	}
	if due[0] != 10 || due[10*time.Second] != 10 || due[20*time.Second] != 5 {
		t.Errorf("got %v, want 10 invitations every 10 seconds", due)
	}
	s.EmptyOutbox()
	if _, err := s.Directory.Activate(t.Context(), authntest.AsHelpDesk, s.From, "p0@garage.example", true); err != nil {
		t.Fatal(err)
	}
	if m := s.Mails(); len(m) != 1 || !m[0].NotBefore.IsZero() {
		t.Errorf("got %+v, want one invitation that is sent immediately", m)
	}
}

// An import reads the groups that it names, and no others.
func TestImport_ReadsAsMuchWithTenTimesTheGroups(t *testing.T) {
	reads := map[int]int64{}
	for _, groups := range []int{20, 200} {
		s := newEnv(t)
		for i := range groups {
			s.CreateGroup(fmt.Sprintf("Garage %03d", i))
		}
		counter := storetest.CountReads(s.Store, "")
		s.Accounts.Store = counter
		rows := []directory.ImportRow{{NewUser: directory.NewUser{Login: "zoe@garage.example", Email: "zoe@garage.example"},
			GroupNames: []string{"GARAGE  007", "Garage 008", string(s.Lumiere)}}}
		results, err := s.Directory.Import(t.Context(), authntest.AsSuperAdmin, s.From, rows, false, true)
		if err != nil || len(results) != 1 || len(results[0].Faults) > 0 || len(rows[0].Groups) != 3 {
			t.Fatalf("got %+v, groups %v, %v", results, rows[0].Groups, err)
		}
		reads[groups] = counter.Records()
	}
	if reads[200] > reads[20] {
		t.Errorf("an import reads %d records beside 20 groups and %d beside 200", reads[20], reads[200])
	}
}
