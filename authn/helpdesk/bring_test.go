package helpdesk_test

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
)

const foreignSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

func foreignKey(value string) secret.Value {
	return secret.From("otpauth://totp/Okta:zoe?secret=" + value + "&issuer=Okta")
}

// importUser imports a list of one user.
func (s *shop) importUser(ctx context.Context, op admin.Principal, n directory.NewUser, invite, dry bool) (directory.ImportResult, error) {
	got, err := s.Directory.Import(ctx, op, s.From, []directory.ImportRow{{NewUser: n}}, invite, dry)
	if err != nil {
		return directory.ImportResult{}, err
	}
	return got[0], nil
}

// bring imports a user with a key of another service.
func (s *shop) bring(t *testing.T) (account.User, *authntest.Phone) {
	t.Helper()
	got, err := s.importUser(t.Context(), machine, directory.NewUser{Login: "zoe@garage.example", FirstName: "Zoé",
		Groups: []account.GroupID{s.garage}, OTPAuthURI: foreignKey(foreignSecret)}, true, false)
	if err != nil || got.ID == "" || !got.Invited || got.Exists || got.Faults != nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	return s.User(string(got.ID)), &authntest.Phone{Env: s.Env, Secret: foreignSecret}
}

func TestImport_PasswordIsConfirmedByImportedDevice(t *testing.T) {
	s := openShop(t)
	u, phone := s.bring(t)
	if !u.HasOnlyImportedDevice() || u.Status != account.StatusActive || u.Password.Hash != "" {
		t.Fatalf("got %+v", u)
	}
	_, err := s.Authn.StartWithPassword(t.Context(), s.From, u.Login, "", "")
	wantCode(t, "signing in without a password", err, errcode.SignInFailed)
	m := mailed[notice.Welcome](t, s, u.Login)
	if m.Garage != "Garage Lumière" || m.Device != "Okta" || len(s.Mails()) != 1 {
		t.Errorf("got mail %+v of %v", m, s.letters())
	}
	started, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, tokenOf(m.Link), password)
	if err != nil || started.Step != authn.StepVerify {
		t.Fatalf("choosing a password: got %v, %v, want the code asked for", started.Step, err)
	}
	_, err = s.Authn.StartWithPassword(t.Context(), s.From, u.Login, password, "")
	wantCode(t, "the password before the phone proved it", err, errcode.SignInFailed)
	if v, err := verifies(t.Context(), s, started.Secret, phone.Code()); err != nil || v.Accepted() {
		t.Errorf("a code that the other house may have taken: got %+v, %v", v.Verification, err)
	}
	if v, err := verifies(t.Context(), s, started.Secret, phone.Next()); err != nil || !v.Accepted() || v.Credentials.Session.IsZero() {
		t.Fatalf("got %+v, %v, want a session", v.Verification, err)
	}
	u = s.User(u.Login)
	if !u.EverHadDevice || u.HasOnlyImportedDevice() || u.Password.Provenance != account.ProvenanceUser {
		t.Errorf("got %+v, want the phone to be the person's", u)
	}
	s.SignIn(u.Login, password, phone)
	rec, err := s.Directory.HelpDesk.Reset(t.Context(), root, s.From, u.Login, helpdesk.ResetRequest{Reason: "lost"})
	if err != nil || rec.Devices[totp.Kind] != 1 {
		t.Errorf("from now on a lost phone is reset: got %+v, %v", rec, err)
	}
	events := s.Events(audit.UserCreated, audit.FactorActivated, audit.InvitationIssued)
	if n := len(events); n < 3 || events[n-1].Actor.ID != machine.ID || strings.Contains(fmt.Sprintf("%+v", events), foreignSecret) {
		t.Errorf("got events %+v", events)
	}
}

func TestImport_PasswordLinkReplacesExpiredWelcome(t *testing.T) {
	s := openShop(t)
	u, phone := s.bring(t)
	first := tokenOf(mailed[notice.Welcome](t, s, u.Login).Link)
	s.Clock.Advance(account.InvitationTTL)
	_, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, first, password)
	wantCode(t, "the link after a day", err, errcode.InvalidLink)
	s.EmptyOutbox()
	if err := s.Authn.RequestPasswordLink(t.Context(), s.From, u.Login, func(*account.Tx, *account.User) error {
		t.Error("taken for somebody without a device")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	started, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, tokenOf(mailed[notice.PasswordLink](t, s, u.Login).Link), password)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := verifies(t.Context(), s, started.Secret, phone.Next()); err != nil || !v.Accepted() {
		t.Errorf("got %+v, %v", v.Verification, err)
	}
}

func TestImport_InvitationRemovesImportedDevice(t *testing.T) {
	s := openShop(t)
	u, _ := s.bring(t)
	link := tokenOf(mailed[notice.Welcome](t, s, u.Login).Link)
	_, err := s.Directory.HelpDesk.Reset(t.Context(), root, s.From, u.Login, helpdesk.ResetRequest{})
	wantCode(t, "a reset, whose ticket is worth nothing without a password", err, errcode.WrongState)
	if _, err := s.Directory.Activate(t.Context(), support, s.From, u.Login, true); err != nil {
		t.Fatal(err)
	}
	_, err = s.Authn.StartWithPasswordLink(t.Context(), s.From, link, password)
	wantCode(t, "the link that was for the key", err, errcode.InvalidLink)
	if u := s.User(u.Login); len(u.Devices) != 0 || u.EverHadDevice {
		t.Errorf("got devices %v", u.Devices)
	}
	if removed := s.Events(audit.FactorRemoved); len(removed) != 1 || removed[0].Actor.ID != support.ID {
		t.Errorf("got events %+v", removed)
	}
	s.Accept(tokenOf(mailed[notice.Invitation](t, s, u.Login).Link), password)
	// The key is free again: nobody has it.
	got, err := s.importUser(t.Context(), machine, directory.NewUser{Login: "luc@garage.example", OTPAuthURI: foreignKey(foreignSecret)}, false, false)
	if err != nil || got.ID == "" || got.Invited {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestImport_RejectsPasswordAndKeyOfSameProvenance(t *testing.T) {
	s := openShop(t)
	bringing := directory.NewUser{Login: "luc@garage.example", OTPAuthURI: foreignKey(strings.Repeat("ABCDEFGH", 4))}
	for name, op := range map[string]admin.Principal{"a token": root, "a token with secrets": withSecrets(root)} {
		_, err := s.importUser(t.Context(), op, bringing, true, false)
		wantCode(t, name+" brings a key", err, errcode.Forbidden)
		_, err = s.importUser(t.Context(), op, bringing, true, true)
		wantCode(t, name+" tries whether a key is known", err, errcode.Forbidden)
	}
	_, _, err := s.Directory.CreateUser(t.Context(), machine, s.From, bringing, true, false)
	wantCode(t, "the welcome in the answer", err, errcode.SameProvenance)
	bringing.Password = password
	_, _, err = s.Directory.CreateUser(t.Context(), machine, s.From, bringing, false, true)
	wantCode(t, "key and password by one hand", err, errcode.SameProvenance)
	if _, err := s.Directory.Admin.User(t.Context(), machine, bringing.Login); errcode.Of(err) != errcode.NotFound {
		t.Errorf("got %v, want nobody made", err)
	}
	u, _ := s.bring(t)
	for _, op := range []admin.Principal{machine, withSecrets(root)} {
		_, err := s.Directory.ResetPassword(t.Context(), op, s.From, u.Login, false)
		wantCode(t, "the password link in the answer", err, errcode.SameProvenance)
		_, err = s.Directory.TemporaryPassword(t.Context(), op, s.From, u.Login)
		wantCode(t, "a temporary password", err, errcode.SameProvenance)
		_, err = s.Directory.UpdateUser(t.Context(), op, s.From, string(u.ID), directory.ProfileChange{Password: authntest.Password})
		wantCode(t, "a password that is set", err, errcode.SameProvenance)
	}
	if _, err := s.Directory.ResetPassword(t.Context(), support, s.From, u.Login, true); err != nil {
		t.Errorf("by mail: got %v", err)
	}
}

func TestImport_ReportsAllFaultsAndKeepsExistingUsers(t *testing.T) {
	s := openShop(t)
	s.bring(t)
	before := s.User(technician)
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
		{"somebody new", directory.NewUser{Login: "new@garage.example"}, nil, false},
		{"everything wrong at once", directory.NewUser{Login: "x y", Email: "no", Second: technician, FirstName: "a\nb", LastName: strings.Repeat("é", 65),
			Locale: "xx", Groups: []account.GroupID{"g0"}, Role: "KING", OTPAuthURI: foreignKey("AAAA")},
			[]string{"login address", "email address", "locale unknown", "otpauth short", "role unknown", "firstName name", "lastName name", "secondEmail taken", "groupIds unknown"}, false},
		{"somebody known, in another case", directory.NewUser{Login: "Amelie@GARAGE.example", FirstName: "Mallory"}, nil, true},
		{"somebody known, whatever else is wrong", directory.NewUser{Login: technician, Email: "no", Role: "KING"}, nil, true},
		{"a login that is somebody's second address", directory.NewUser{Login: second}, []string{"login taken"}, false},
		{"an address of somebody else", directory.NewUser{Login: "new@garage.example", Email: technician}, []string{"email taken"}, false},
		{"a key that somebody has", directory.NewUser{Login: "new@garage.example", OTPAuthURI: foreignKey(strings.ToLower(foreignSecret))}, []string{"otpauth taken"}, false},
		{"twenty-one garages", directory.NewUser{Login: "new@garage.example", Groups: make([]account.GroupID, 21)}, []string{"groupIds too_many"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			events := len(s.Events())
			got, err := s.importUser(t.Context(), machine, c.n, true, true)
			if err != nil || got.Exists != c.is || (got.ID != "") != c.is {
				t.Errorf("got %+v, %v", got, err)
			}
			sameStrings(t, "faults", faults(got), c.want)
			if c.want == nil && !c.is {
				return
			}
			got, err = s.importUser(t.Context(), machine, c.n, true, false)
			if err != nil || got.Exists != c.is || got.Invited {
				t.Errorf("done: got %+v, %v", got, err)
			}
			sameStrings(t, "faults, done", faults(got), c.want)
			if len(s.Events()) != events {
				t.Error("something was done")
			}
		})
	}
	if after := s.User(technician); after.Revision != before.Revision {
		t.Errorf("got %+v, want %+v", after, before)
	}
}

func TestImport_StaysWithinGroupScope(t *testing.T) {
	s := openShop(t)
	op := limited(support, s.garage)
	for name, groups := range map[string][]account.GroupID{"another garage": {s.other}, "no garage": nil, "one that is not": {"g0"}} {
		got, err := s.importUser(t.Context(), op, directory.NewUser{Login: "luc@garage.example", Groups: groups}, true, false)
		if err != nil || len(got.Faults) != 1 || got.Faults[0].Field != "groupIds" || got.Faults[0].Reason != "unknown" {
			t.Errorf("%s: got %+v, %v, want one answer for all", name, got, err)
		}
	}
	got, err := s.importUser(t.Context(), op, directory.NewUser{Login: "luc@garage.example", Groups: []account.GroupID{s.garage}, Role: account.RoleReadOnly}, true, false)
	if err != nil || len(got.Faults) != 1 || got.Faults[0].Field != "role" {
		t.Errorf("a role: got %+v, %v", got, err)
	}
	if got, err = s.importUser(t.Context(), op, directory.NewUser{Login: "luc@garage.example", Groups: []account.GroupID{s.garage}}, true, false); err != nil || !got.Invited {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = s.importUser(t.Context(), withRole(support, account.RoleReadOnly), directory.NewUser{Login: "x@garage.example"}, true, true)
	wantCode(t, "whoever only reads", err, errcode.Forbidden)
}

func TestImport_LargestUserFitsOneTransaction(t *testing.T) {
	s := openShop(t)
	n := directory.NewUser{Login: "zoe", Email: "zoe@garage.example", Second: "zoe@home.example", FirstName: "Zoé", LastName: "Martin",
		Role: account.RoleHelpDesk, OTPAuthURI: foreignKey(foreignSecret)}
	for i := range 20 {
		n.Groups = append(n.Groups, s.CreateGroup(fmt.Sprint("Garage ", i)))
	}
	got, err := s.importUser(t.Context(), machine, n, true, false)
	if err != nil || !got.Invited {
		t.Fatalf("got %+v, %v", got, err)
	}
	// And what takes the key away again fits, too.
	if _, err := s.Directory.Activate(t.Context(), machine, s.From, "zoe", true); err != nil {
		t.Error(err)
	}
}

func TestImport_AcceptsTheSeedOfAToken(t *testing.T) {
	s := openShop(t)
	uri := "otpauth://hotp/Feitian:zoe?secret=" + foreignSecret + "&issuer=Feitian&counter=7"
	got, err := s.Directory.Import(t.Context(), machine, s.From, []directory.ImportRow{{NewUser: directory.NewUser{Login: "zoe@garage.example", OTPAuthURI: secret.From(uri)}}}, true, false)
	if err != nil || got[0].ID == "" || got[0].Faults != nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	m := mailed[notice.Welcome](t, s, "zoe@garage.example")
	started, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, tokenOf(m.Link), password)
	if err != nil || started.Step != authn.StepVerify {
		t.Fatalf("choosing a password: got %v, %v, want the code asked for", started.Step, err)
	}
	for counter, want := range []factors.Reason{6: factors.ReasonReplayed, 7: factors.ReasonNone} {
		if counter < 6 {
			continue
		}
		v, err := verifies(t.Context(), s, started.Secret, authntest.Code(t, foreignSecret, uint64(counter)))
		if err != nil || v.Rejected != want {
			t.Errorf("counter %d: got %q, %v, want %q", counter, v.Rejected, err, want)
		}
	}
	got, err = s.Directory.Import(t.Context(), machine, s.From, []directory.ImportRow{{NewUser: directory.NewUser{Login: "yves@garage.example", OTPAuthURI: foreignKey(foreignSecret)}}}, true, false)
	if err != nil || len(got[0].Faults) != 1 || got[0].Faults[0].Reason != "taken" {
		t.Errorf("the same secret for a phone: got %+v, %v", got, err)
	}
}

func TestImport_FindsDuplicatesWithinTheList(t *testing.T) {
	s := openShop(t)
	rows := []directory.ImportRow{
		{NewUser: directory.NewUser{Login: "luc@garage.example", Second: "luc@home.example", OTPAuthURI: foreignKey(foreignSecret)}},
		{NewUser: directory.NewUser{Login: "zoe", Email: "LUC@home.example", OTPAuthURI: foreignKey(strings.ToLower(foreignSecret))}},
		{NewUser: directory.NewUser{Login: " Luc@Garage.Example "}},
		{NewUser: directory.NewUser{Login: technician}},
		{NewUser: directory.NewUser{Login: technician}},
	}
	for _, dry := range []bool{true, false} {
		got, err := s.Directory.Import(t.Context(), machine, s.From, rows, false, dry)
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
	s := openShop(t)
	s.CreateGroup("Twin")
	s.CreateGroup("Twin")
	row := func(login string, names ...string) directory.ImportRow {
		return directory.ImportRow{NewUser: directory.NewUser{Login: login}, GroupNames: names}
	}
	got, err := s.Directory.Import(t.Context(), machine, s.From, []directory.ImportRow{row("a@garage.example", "Garage Lumière", string(s.garage)),
		row("b@garage.example", "Garage Lumière", "Nowhere"), row("c@garage.example", "Twin")}, false, false)
	if err != nil || got[0].ID == "" || len(s.User("a@garage.example").Groups) != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	for i, want := range []string{"", "unknown", "ambiguous"} {
		if i > 0 && (len(got[i].Faults) != 1 || got[i].Faults[0].Field != "groupIds" || got[i].Faults[0].Reason != want) {
			t.Errorf("row %d: got %+v, want %s", i, got[i].Faults, want)
		}
	}
	got, err = s.Directory.Import(t.Context(), limited(support, s.other), s.From, []directory.ImportRow{row("d@garage.example", "Garage Lumière")}, false, true)
	if err != nil || len(got[0].Faults) != 1 || got[0].Faults[0].Reason != "unknown" {
		t.Errorf("a group outside the scope: got %+v, %v", got, err)
	}
}

func TestImport_PacesInvitations(t *testing.T) {
	s := openShop(t)
	var rows []directory.ImportRow
	for i := range 25 {
		rows = append(rows, directory.ImportRow{NewUser: directory.NewUser{Login: fmt.Sprintf("p%d@garage.example", i)}})
	}
	if _, err := s.Directory.Import(t.Context(), machine, s.From, rows, true, false); err != nil {
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
	if _, err := s.Directory.Activate(t.Context(), support, s.From, "p0@garage.example", true); err != nil {
		t.Fatal(err)
	}
	if m := s.Mails(); len(m) != 1 || !m[0].NotBefore.IsZero() {
		t.Errorf("got %+v, want one invitation that is sent immediately", m)
	}
}
