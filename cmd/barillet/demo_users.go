package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/authn/enrol"
	"barillet/authn/helpdesk"
	"barillet/factors/oath"
	"barillet/factors/recovery"
	"barillet/factors/totp"
	"barillet/internal/secret"
)

// demoAge is the age of the devices of the demonstration: two TOTP steps, which is more than the one step by which a code can
// be early.
const demoAge = time.Minute

// demoUserAge is the age of the users of the demonstration, so that their telephone numbers are no longer young (protocol rule 13).
const demoUserAge = account.AddressCooldown + time.Hour

// demoUser is one user of the demonstration.
type demoUser struct {
	first, last string
	number      string // mobile telephone number, of a range for fiction
	description string
	role        account.Role
	phone       bool   // has a password and a phone
	lostPhone   bool   // the phone is lost
	topic, asks string // of the help request; "": none

	// Exported, because package fmt prints unexported fields without their String method.
	Password, Key, Link secret.Value
}

func (u *demoUser) login() string { return strings.ToLower(u.first) + "@garage.example" }

// demoUsers returns the users of the demonstration.
func demoUsers() []demoUser {
	return []demoUser{
		{first: "Jeanne", last: "Martin", number: "+33 6 39 98 10 05", description: "administrator of the service: sign in and open the console", role: account.RoleSuperAdmin, phone: true},
		{first: "Anne", last: "Morel", number: "+33 6 39 98 10 01", description: "help desk of the group", role: account.RoleHelpDesk, phone: true},
		{first: "Karim", last: "Benali", number: "+33 6 39 98 10 02", description: "technician with a phone who has a question", phone: true,
			topic: "other", asks: "J’aimerais aussi une clé de sécurité. À qui la demander ?"},
		{first: "Lucie", last: "Petit", number: "+33 6 39 98 10 03", description: "technician without any device, invited", phone: false},
		{first: "Marc", last: "Leroy", number: "+33 6 39 98 10 04", description: "technician who lost the phone and asks for help", phone: true, lostPhone: true,
			topic: "phone_lost", asks: "J’ai perdu mon téléphone hier sur la route. Je suis à l’atelier jusqu’à 18 h."},
	}
}

// create creates the group and the users through the packages of the service, with all their checks.
func (d *demo) create(ctx context.Context, a *app) error {
	d.origin = a.origin
	// A code works once (RFC 6238 §5.2). If the phones were confirmed now, an app with the same setup key would show used codes.
	// Nothing else reads this clock yet.
	present := a.accounts.Now
	a.accounts.Now = func() time.Time { return present().Add(-demoUserAge) }
	defer func() { a.accounts.Now = present }()
	operator := admin.Principal{ID: "operator:demo", Name: "Barillet", Owner: "operator:demo", Role: account.RoleSuperAdmin, Operator: true, CanSeeSecrets: true}
	group, err := account.Update(ctx, a.accounts, a.accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (account.Group, error) {
		g := account.Group{Name: "Garage du Barillet"}
		err := tx.CreateGroup(&g)
		return g, err
	})
	if err != nil {
		return fmt.Errorf("creating sample group: %w", err)
	}
	d.group = group
	d.users = demoUsers()
	for i := range d.users {
		if err := d.createUser(ctx, a, operator, &d.users[i]); err != nil {
			return fmt.Errorf("creating %s: %w", d.users[i].login(), err)
		}
	}
	a.accounts.Now = func() time.Time { return present().Add(-demoAge) }
	for i := range d.users {
		if err := d.invite(ctx, a, operator, &d.users[i]); err != nil {
			return fmt.Errorf("inviting %s: %w", d.users[i].login(), err)
		}
	}
	d.token, _, err = a.directory.Admin.CreateToken(ctx, operator, account.RequestInfo{}, admin.NewToken{Name: "demonstration", Role: account.RoleSuperAdmin,
		TTL: 24 * time.Hour, Secrets: true})
	if err != nil {
		return fmt.Errorf("creating API token: %w", err)
	}
	return nil
}

// createUser creates a user, who is not invited.
func (d *demo) createUser(ctx context.Context, a *app, operator admin.Principal, u *demoUser) error {
	n := directory.NewUser{Login: u.login(), Email: u.login(), FirstName: u.first, LastName: u.last, MobilePhone: u.number, Role: u.role}
	if u.role != account.RoleSuperAdmin { // who administers all groups
		n.Groups = []account.GroupID{d.group.ID}
	}
	_, _, err := a.directory.CreateUser(ctx, operator, account.RequestInfo{}, n, false, false)
	return err
}

// invite invites a user and brings them into the state of the demonstration.
func (d *demo) invite(ctx context.Context, a *app, operator admin.Principal, u *demoUser) error {
	invited, err := a.directory.Activate(ctx, operator, account.RequestInfo{}, u.login(), false)
	if err != nil {
		return err
	}
	if !u.phone {
		u.Link = invited.Link
		return nil
	}
	if err := u.accept(ctx, a, invited.Link); err != nil || u.topic == "" {
		return err
	}
	if u.lostPhone {
		u.Key = secret.Value{}
	}
	_, err = a.directory.HelpDesk.Submit(ctx, account.RequestInfo{Locale: "fr"}, helpdesk.Submission{Email: u.login(), Topic: u.topic, Message: u.asks})
	return err
}

// accept accepts the invitation: it sets a password, enrols a phone and creates recovery codes.
func (u *demoUser) accept(ctx context.Context, a *app, link secret.Value) error {
	req := account.RequestInfo{Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Locale: "fr"}
	u.Password = newPassword()
	started, err := a.signIn.AcceptInvitation(ctx, req, secret.From(path.Base(link.Reveal())), u.Password.Reveal())
	if err != nil {
		return fmt.Errorf("accepting invitation: %w", err)
	}
	seat := enrol.Flow{Transaction: started.Secret}
	prompt, err := a.enrol.BeginEnrol(ctx, req, seat, enrol.Request{Kind: totp.Kind, App: "GOOGLE", Name: "Téléphone"})
	if err != nil {
		return fmt.Errorf("beginning enrolment of phone: %w", err)
	}
	var shown oath.View
	if err := json.Unmarshal(prompt.View, &shown); err != nil {
		return fmt.Errorf("decoding setup key: %w", err)
	}
	code, err := totpCode(shown.Secret, a.accounts.Now())
	if err != nil {
		return err
	}
	enrolled, err := a.enrol.FinishEnrol(ctx, req, seat, "", []byte(code))
	if err == nil && !enrolled.Accepted() {
		err = fmt.Errorf("rejected first code: %s", enrolled.Rejected)
	}
	if err != nil {
		return fmt.Errorf("finishing enrolment of phone: %w", err)
	}
	u.Key = secret.From(shown.Groups)
	seat = enrol.Flow{Session: enrolled.Credentials.Session}
	if _, err := a.enrol.BeginEnrol(ctx, req, seat, enrol.Request{Kind: recovery.Kind}); err != nil {
		return fmt.Errorf("creating recovery codes: %w", err)
	}
	return a.sessions.SignOut(ctx, req, enrolled.Credentials.Session)
}

// newPassword returns a random password of 60 bits in three groups.
func newPassword() secret.Value {
	text := strings.ToLower(rand.Text())
	return secret.From(text[0:4] + "-" + text[4:8] + "-" + text[8:12])
}

// totpCode returns the code of a secret at a time: RFC 6238 with SHA-1, 30 seconds and six digits.
func totpCode(secret string, at time.Time) (string, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		return "", fmt.Errorf("decoding setup key: %w", err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	// RFC 4226 §5.3: dynamic truncation.
	offset := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[offset:])&0x7fffffff)%1_000_000), nil
}
