package authn_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/enrol"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/store"
	"barillet/store/storetest"
)

var then = time.Date(2026, 3, 2, 8, 0, 0, 123456789, time.UTC)

func goldenDevice() factors.Device {
	return factors.Device{ID: "d1", Kind: "totp", Name: "Téléphone", App: "OKTA", Added: then, LastUsed: then.Add(time.Hour),
		Copies:   []factors.Copy{{ID: "c1", Name: "Tablette", Shown: then, Confirmed: then.Add(time.Minute), ScanAgain: true}},
		Disabled: "clone", SecretSeenBy: "uboss", EnrolledBy: "Karim", Unique: "dW5pcXVl", Data: json.RawMessage(`{"secret":"AAEC"}`)}
}

func goldenPrompt() account.Prompt {
	return account.Prompt{View: json.RawMessage(`{"uri":"otpauth://totp/x"}`), JSON: json.RawMessage(`{"challenge":"x"}`)}
}

func goldenEnrolment() *account.PendingEnrolment {
	return &account.PendingEnrolment{Kind: "totp", App: "GOOGLE", Name: "Nouveau", Replace: "d1", Lost: "c1",
		Pending: factors.Pending("pending"), Prompt: goldenPrompt(), Expires: then}
}

func goldenUser() account.User {
	return account.User{ID: "uabc", Revision: 9, Handle: []byte{1, 2, 3}, Login: "lea", Email: "lea@garage.example", SecondEmail: "lea@home.example",
		FirstName: "Léa", LastName: "Vasseur", Profile: json.RawMessage(`{"badge":7}`), Locale: "fr", Status: account.StatusActive,
		Groups: []account.GroupID{"g1"}, Roles: []account.RoleAssignment{{ID: "r1", Role: account.RoleHelpDesk, Groups: []account.GroupID{"g1"}, Created: then, Changed: then}},
		DemotedBy: "uroot", Placeholder: true, Epoch: 5, PasswordEpoch: 2, Resets: 1,
		Password: account.Password{Hash: "$argon2id$x", Provenance: account.ProvenanceUser, Set: then, MustChange: account.ChangeExpired},
		Devices:  []factors.Device{goldenDevice()}, EverHadDevice: true,
		Tickets:         []account.Ticket{{ID: "t1", Link: "l1", Code: []byte{4, 5}, Provenance: account.ProvenanceEmail, Made: then, Expires: then, Transaction: "login", AddressSetBy: "operator:0"}},
		EmailProvenance: account.EmailProvenance{By: "operator:0", Moved: then}, PasswordLink: account.PasswordLink{Epoch: 5, Until: then}, DisplayStatus: account.StatusActive,
		AdminEnrolment: &account.AdminEnrolment{ID: "d2", Kind: "totp", App: "OKTA", Name: "Garage", By: "token:t", Provenance: "uboss", ByName: "Karim", Epoch: 5,
			Pending: factors.Pending("pending"), At: then, Expires: then},
		AdminVerification: &account.Ceremony{Pending: map[factors.Kind]factors.Pending{"totp": factors.Pending("p")}, At: then, Expires: then},
		ResetAt:           then, Invited: account.Invitation{Link: "l2", Provenance: account.ProvenanceEmail, By: "Paul", At: then, Expires: then},
		Showings: []time.Time{then}, Renewals: []time.Time{then},
		Sessions: []account.SessionRef{{Hash: "h1", Since: then}},
		Browsers: []account.BrowserRef{{Hash: "b1", Since: then, Seen: then}},
		Activity: []account.Activity{{At: then, What: "user.session.start", Failed: true, Detail: "Téléphone", Address: "192.0.2.1", Agent: "Firefox"}}, Created: then, Activated: then, Changed: then, StatusAt: then, LastLogin: then}
}

func TestEveryRecordEverWrittenDecodesForEver(t *testing.T) {
	ceremony := &account.Ceremony{Pending: map[factors.Kind]factors.Pending{"webauthn": factors.Pending("p")}, At: then, Expires: then}
	login := authn.Transaction{ID: "login", User: "uabc", PasswordEpoch: 2, Epoch: 5, Resets: 1, Ticket: "t1",
		NewPassword: &authn.NewPassword{PHC: "$argon2id$x", Link: "l3", Provenance: "operator:0"}, Ceremony: ceremony, Enrol: goldenEnrolment(),
		Proven: &authn.SecondFactor{AMR: []string{"pwd", "otp", "mfa"}, Spare: true, Enrolled: true}, Program: "token:t", KnownBrowser: true, ReturnTo: "/account", Started: then, Expires: then}
	sess := account.Session{User: "uabc", Epoch: 5, Created: then, LastSeen: then, AMR: []string{"pwd", "otp", "mfa"}, Browser: "b1",
		Shared: true, APIToken: "token:t", Address: "192.0.2.1", Agent: "Firefox", StepUp: account.StepUp{At: then, EnrolOnly: true}, PhishingResistantAt: then, Ceremony: ceremony,
		Enrol: goldenEnrolment(), Copying: &account.PendingCopy{Device: "d1", Copy: "c1", Name: "Tablette", Prompt: goldenPrompt(), Expires: then}}
	standing := account.Summary{Epoch: 5, PasswordEpoch: 2, Status: account.StatusActive, Login: "lea", Name: "Léa Vasseur", Email: "lea@garage.example", Locale: "fr",
		Groups: []account.GroupID{"g1"}, Roles: []account.Role{account.RoleHelpDesk}}
	link := account.Link{User: "uabc", Purpose: "ticket", Ticket: "t1", Epoch: 7, Provenance: "operator:0", Expires: then}
	browser := session.Browser{Since: then, Shared: true}
	group := account.Group{ID: "g1", Name: "Garage du Port", Description: "quai 3", Created: then, Changed: then, Deleted: then, Emptied: true}
	gate := session.ForwardSession{User: "uabc", Session: "h1", Host: "wiki.garage.example", State: "s1", Made: then, Expires: then}
	for _, record := range []any{goldenUser(), login, sess, standing, link, browser, group, gate} {
		whole(t, reflect.TypeOf(record).Name(), reflect.ValueOf(record))
	}
	storetest.Golden(t, store.Users, nil, goldenUser())
	storetest.Golden(t, store.Transactions, nil, login)
	storetest.Golden(t, store.Sessions, nil, sess)
	storetest.Golden(t, store.Summaries, nil, standing)
	storetest.Golden(t, store.Links, nil, link)
	storetest.Golden(t, store.Browsers, nil, browser)
	storetest.Golden(t, store.Groups, nil, group)
	storetest.Golden(t, store.Forwards, nil, gate)
	storetest.Golden(t, store.Placeholders, nil, []account.UserID{"uabc", "udef"})
}

// whole fails for every field of ours that the sample leaves out: a record's golden file shows all of them.
func whole(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch {
	case v.IsZero():
		t.Errorf("the sample leaves %s out", path)
	case v.Kind() == reflect.Pointer:
		whole(t, path, v.Elem())
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		for i := range v.Len() {
			whole(t, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				whole(t, path+"."+f.Name, v.Field(i))
			}
		}
	}
}

// A person at every limit at once still fits into one record, and their reset into one Update.
func TestAPersonWithEverythingIsResetInOneUpdate(t *testing.T) {
	h := newHouse(t)
	h.From.Agent = strings.Repeat("<", 300)
	u, p, session := h.Member(amelie, func(u *account.User) {
		u.SecondEmail, u.FirstName, u.LastName = "second@garage.example", strings.Repeat("🔧", 64), strings.Repeat("🔧", 64)
		u.Profile = json.RawMessage(`{"note":"` + strings.Repeat("x", 16<<10-11) + `"}`)
	})
	h.prove(session, p)
	h.enrolKey(enrol.Flow{Session: session}, u)
	h.recoveryCodes(session)
	h.Change(u.ID, func(u *account.User) {
		phone, key := u.Devices[0], u.Devices[1]
		u.Devices = u.Devices[2:]
		for i := range 15 {
			d := key
			if i < 5 {
				d = phone
				d.SecretSeenBy, d.EnrolledBy = string(u.ID), strings.Repeat("🔧", 64)
				for j := range 5 {
					d.Copies = append(slices.Clip(d.Copies), factors.Copy{ID: fmt.Sprintf("%026d", j), Name: strings.Repeat("🔧", 64), Shown: then, Confirmed: then})
				}
			} else {
				d.Unique = fmt.Sprintf("unique %d", i)
			}
			d.ID, d.Name = factors.DeviceID(fmt.Sprintf("%026d", i)), strings.Repeat("🔧", 64)
			u.Devices = append(u.Devices, d)
		}
		u.AdminEnrolment = &account.AdminEnrolment{ID: phone.ID, Kind: phone.Kind, App: "GOOGLE", Name: strings.Repeat("🔧", 64), By: "token:0123456789abcdef0123", Provenance: string(u.ID),
			ByName: strings.Repeat("🔧", 64), Epoch: u.Epoch, Pending: factors.Pending(strings.Repeat("x", 400)), At: then, Expires: then}
		u.AdminVerification = &account.Ceremony{Pending: map[factors.Kind]factors.Pending{"totp": factors.Pending(strings.Repeat("x", 100))}, At: then, Expires: then}
		ref, browser, recent := u.Sessions[0], u.Browsers[0], u.Activity[0]
		u.Sessions, u.Browsers, u.Activity = nil, nil, nil
		for i := range 32 {
			ref.Hash, browser.Hash = fmt.Sprintf("%064d", i), fmt.Sprintf("%064d", i)
			u.Sessions, u.Browsers = append(u.Sessions, ref), append(u.Browsers, browser)
		}
		for range 20 {
			recent.Address, recent.Detail = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", strings.Repeat("🔧", 64)
			u.Activity = append(u.Activity, recent)
		}
	})
	raw, err := json.Marshal(h.User(string(u.ID)))
	if err != nil || len(raw) > store.MaxValue-512 {
		t.Errorf("the record has %d bytes of %d", len(raw), store.MaxValue)
	}
	h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	if got := h.User(string(u.ID)); len(got.Devices)+len(got.Sessions) != 0 {
		t.Errorf("left %d devices and %d sessions", len(got.Devices), len(got.Sessions))
	}
}
