package account_test

import (
	"encoding/json"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/account/origin"
	"barillet/factors"
	"barillet/store"
	"barillet/store/storetest"
)

var then = time.Date(2026, 3, 2, 8, 0, 0, 123456789, time.UTC)

func goldenDevice() factors.Device {
	return factors.Device{ID: "d1", Kind: "totp", Name: "Téléphone", App: "OKTA", Added: then, LastUsed: then.Add(time.Hour),
		Copies:   []factors.Copy{{ID: "c1", Name: "Tablette", Shown: then, Confirmed: then.Add(time.Minute), ScanAgain: true}},
		Disabled: "clone", Frozen: then, FrozenBy: "Karim", SecretSeenBy: "uboss", EnrolledBy: "Karim", Unique: "dW5pcXVl", Data: json.RawMessage(`{"secret":"AAEC"}`)}
}

func goldenPrompt() account.Prompt {
	return account.Prompt{View: json.RawMessage(`{"uri":"otpauth://totp/x"}`), JSON: json.RawMessage(`{"challenge":"x"}`)}
}

func goldenEnrolment() *account.PendingEnrolment {
	return &account.PendingEnrolment{Kind: "totp", App: "GOOGLE", Name: "Nouveau", Replace: "d1", Lost: "c1", Shown: "d2",
		Pending: factors.Pending("pending"), Prompt: goldenPrompt(), Expires: then}
}

func goldenUser() account.User {
	return account.User{ID: "uabc", Revision: 9, Handle: []byte{1, 2, 3}, Login: "lea", Email: "lea@garage.example", SecondEmail: "lea@home.example",
		Given:     account.Given{Login: "Lea", Email: "Lea@Garage.example", SecondEmail: "Lea@Home.example"},
		FirstName: "Léa", LastName: "Vasseur", Profile: json.RawMessage(`{"badge":7}`), Locale: "fr", Status: account.StatusActive,
		Groups: []account.GroupID{"g1"}, Roles: []account.RoleAssignment{{ID: "r1", Role: account.RoleHelpDesk, Groups: []account.GroupID{"g1"}, Created: then, Changed: then, Rests: true}},
		DemotedBy: "uroot", Placeholder: true, Epoch: 5, PasswordEpoch: 2, Resets: 1,
		Password: account.Password{Hash: "$argon2id$x", Provenance: account.ProvenanceUser, Set: then, MustChange: account.ChangeExpired},
		Devices:  []factors.Device{goldenDevice()}, EverHadDevice: true,
		Tickets:         []account.Ticket{{ID: "t1", Link: "l1", Code: []byte{4, 5}, Provenance: account.ProvenanceEmail, Made: then, Expires: then, Transaction: "login", AddressSetBy: "operator:0", Witness: "uwit"}},
		EmailProvenance: account.EmailProvenance{By: "operator:0", Moved: then, Verified: then}, PasswordLink: account.PasswordLink{Epoch: 5, Until: then}, DisplayStatus: account.StatusActive,
		AdminEnrolment: &account.AdminEnrolment{ID: "d2", Kind: "totp", App: "OKTA", Name: "Garage", By: "token:t", Provenance: "uboss", ByName: "Karim", Epoch: 5,
			Pending: factors.Pending("pending"), At: then, Expires: then},
		AdminVerification: &factors.Ceremony{Pending: map[factors.Kind]factors.Pending{"totp": factors.Pending("p")}, At: then, Expires: then},
		ResetAt:           then, Invited: account.Invitation{Link: "l2", Provenance: account.ProvenanceEmail, By: "Paul", At: then, Expires: then},
		Showings: []time.Time{then}, Renewals: []time.Time{then},
		Sessions: []account.SessionRef{{Hash: "h1", Since: then}},
		Browsers: []account.BrowserRef{{Hash: "b1", Since: then, Seen: then}},
		Activity: []account.Activity{{At: then, What: "user.session.start", Failed: true, Detail: "Téléphone", Address: "192.0.2.1", Browser: "Firefox"}}, Created: then, Activated: then, Changed: then, StatusAt: then, LastLogin: then, ReenrolledAt: then,
		PrimaryPhone: account.Phone{Number: "+33140506070", By: "uboss", Since: then}, MobilePhone: account.Phone{Number: "+33612345678", By: "uboss", Since: then},
		Sponsors: origin.Sponsors{{By: "uboss", At: then}}, Joins: origin.Joins{{Group: "g1", At: then}}}
}

func TestRecords_Golden(t *testing.T) {
	ceremony := &factors.Ceremony{Pending: map[factors.Kind]factors.Pending{"webauthn": factors.Pending("p")}, At: then, Expires: then}
	ses := account.Session{User: "uabc", Epoch: 5, Created: then, LastSeen: then, AMR: []string{"pwd", "otp", "mfa"}, Browser: "b1",
		APIToken: "token:t", Address: "192.0.2.1", Agent: "Firefox", StepUp: account.StepUp{At: then, EnrolOnly: true, SignIn: true, Device: "d1", Spent: true}, PhishingResistantAt: then, Ceremony: ceremony,
		Enrol: goldenEnrolment(), Copying: &account.PendingCopy{Device: "d1", Copy: "c1", Name: "Tablette", Prompt: goldenPrompt(), Expires: then}}
	summary := account.Summary{Epoch: 5, PasswordEpoch: 2, Status: account.StatusActive, Login: "lea", Name: "Léa Vasseur", Email: "lea@garage.example", Locale: "fr",
		Groups: []account.GroupID{"g1"}, Roles: []account.Role{account.RoleHelpDesk}}
	link := account.Link{Made: then, User: "uabc", Purpose: "ticket", Ticket: "t1", Epoch: 7, Resets: 1, Provenance: "operator:0", Expires: then}
	group := account.Group{ID: "g1", Name: "Garage du Port", Description: "quai 3", Created: then, Changed: then, Deleted: then, Emptied: true}
	for _, record := range []any{goldenUser(), ses, summary, link, group} {
		storetest.Complete(t, record)
	}
	storetest.Golden(t, store.Users, nil, goldenUser())
	storetest.Golden(t, store.Sessions, nil, ses)
	storetest.Golden(t, store.Summaries, nil, summary)
	storetest.Golden(t, store.Links, nil, link)
	storetest.Golden(t, store.Groups, nil, group)
	storetest.Golden(t, store.Placeholders, nil, []account.UserID{"uabc", "udef"})
}
