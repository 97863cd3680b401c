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

	"barillet/authn"
	"barillet/authn/helpdesk"
	"barillet/factors/oath"
	"barillet/factors/recovery"
	"barillet/factors/totp"
)

// settled is how long ago the sample garage was made, as its clock has it: two steps of a phone, more than the one by
// which a code may be early.
const settled = time.Minute

// actor is one person of the sample garage.
type actor struct {
	first, last string
	part        string
	role        authn.Role
	phone       bool // has a password and a phone
	lost        bool // nobody has that phone any more

	// Exported, for fmt shows what is in unexported fields past their own String.
	Password, Key, Link authn.Secret
}

func (a *actor) login() string { return strings.ToLower(a.first) + "@garage.example" }

// cast are the people of the sample garage: whoever a newcomer wants to be.
func cast() []actor {
	return []actor{
		{first: "Anne", last: "Morel", part: "manager of the garage", role: authn.RoleHelpDesk, phone: true},
		{first: "Karim", last: "Benali", part: "technician with a phone", phone: true},
		{first: "Lucie", last: "Petit", part: "technician without any device, invited", phone: false},
		{first: "Marc", last: "Leroy", part: "technician who lost the phone and asks for help", phone: true, lost: true},
	}
}

// set makes the garage through the same doors as everybody: nothing stands in the store that the rules would
// not have let in.
func (s *stage) set(ctx context.Context, h *house) error {
	s.origin = h.origin
	// A code counts once (RFC 6238 section 5.2): were the phones confirmed now, who adds a setup key to an app at once
	// would be refused what it shows. Nothing else runs yet that reads this clock.
	present := h.accounts.Now
	h.accounts.Now = func() time.Time { return present().Add(-settled) }
	defer func() { h.accounts.Now = present }()
	operator := helpdesk.Principal{ID: "operator:demo", Name: "Barillet", Owner: "operator:demo", Role: authn.RoleSuperAdmin, Operator: true, CanSeeSecrets: true}
	garage, err := authn.Update(ctx, h.accounts, h.accounts.NewOperation(authn.RequestInfo{}), func(tx *authn.Tx) (authn.Group, error) {
		g := authn.Group{Name: "Garage du Barillet"}
		err := tx.CreateGroup(&g)
		return g, err
	})
	if err != nil {
		return fmt.Errorf("making the sample garage: %w", err)
	}
	s.garage = garage
	for _, a := range cast() {
		if err := s.engage(ctx, h, operator, &a); err != nil {
			return fmt.Errorf("making %s: %w", a.login(), err)
		}
		s.cast = append(s.cast, a)
	}
	s.token, _, err = h.desk.CreateToken(ctx, operator, authn.RequestInfo{}, helpdesk.NewToken{Name: "demonstration", Role: authn.RoleSuperAdmin,
		Life: 24 * time.Hour, Secrets: true})
	if err != nil {
		return fmt.Errorf("making the API token: %w", err)
	}
	return nil
}

// engage makes one person, up to where they stand in the story.
func (s *stage) engage(ctx context.Context, h *house, operator helpdesk.Principal, a *actor) error {
	_, invited, err := h.desk.CreateUser(ctx, operator, authn.RequestInfo{}, helpdesk.NewUser{Login: a.login(), Email: a.login(), FirstName: a.first,
		LastName: a.last, Groups: []authn.GroupID{s.garage.ID}, Role: a.role}, true, false)
	if err != nil {
		return err
	}
	if !a.phone {
		a.Link = invited.Link
		return nil
	}
	if err := a.accept(ctx, h, invited.Link); err != nil || !a.lost {
		return err
	}
	a.Key = authn.Secret{}
	_, err = h.desk.Submit(ctx, authn.RequestInfo{Locale: "fr"}, helpdesk.Submission{Email: a.login(), Topic: "phone_lost",
		Message: "J’ai perdu mon téléphone hier sur la route. Je suis à l’atelier jusqu’à 18 h."})
	return err
}

// accept takes the invitation as the person would: a password, a phone that scans and confirms, recovery codes.
func (a *actor) accept(ctx context.Context, h *house, link authn.Secret) error {
	req := authn.RequestInfo{Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Locale: "fr"}
	a.Password = inventPassword()
	started, err := h.signIn.AcceptInvitation(ctx, req, authn.SecretOf(path.Base(link.Reveal())), a.Password.Reveal())
	if err != nil {
		return fmt.Errorf("accepting the invitation: %w", err)
	}
	seat := authn.Flow{Login: started.Login}
	prompt, err := h.enrol.BeginEnrol(ctx, req, seat, authn.Enrolling{Kind: totp.Kind, App: "GOOGLE", Name: "Téléphone"})
	if err != nil {
		return fmt.Errorf("adding a phone: %w", err)
	}
	var shown oath.View
	if err := json.Unmarshal(prompt.View, &shown); err != nil {
		return fmt.Errorf("reading the setup key: %w", err)
	}
	code, err := sixDigits(shown.Secret, h.accounts.Now())
	if err != nil {
		return err
	}
	enrolled, err := h.enrol.FinishEnrol(ctx, req, seat, "", []byte(code))
	if err == nil && !enrolled.Accepted() {
		err = fmt.Errorf("the first code was refused: %s", enrolled.Rejected)
	}
	if err != nil {
		return fmt.Errorf("confirming the phone: %w", err)
	}
	a.Key = authn.SecretOf(shown.Groups)
	seat = authn.Flow{Session: enrolled.Issued.Session}
	if _, err := h.enrol.BeginEnrol(ctx, req, seat, authn.Enrolling{Kind: recovery.Kind}); err != nil {
		return fmt.Errorf("making recovery codes: %w", err)
	}
	if _, err := h.enrol.FinishEnrol(ctx, req, seat, "", nil); err != nil {
		return fmt.Errorf("keeping recovery codes: %w", err)
	}
	return h.sessions.SignOut(ctx, req, enrolled.Issued.Session)
}

// inventPassword draws 60 bits in three groups that can be typed on a phone.
func inventPassword() authn.Secret {
	text := strings.ToLower(rand.Text())
	return authn.SecretOf(text[0:4] + "-" + text[4:8] + "-" + text[8:12])
}

// sixDigits is what the phone of a sample person shows: RFC 6238 with SHA-1, 30 seconds and six digits.
func sixDigits(secret string, at time.Time) (string, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		return "", fmt.Errorf("reading the setup key: %w", err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	// RFC 4226 section 5.3: four bytes from where the last half-byte says, without the sign.
	offset := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[offset:])&0x7fffffff)%1_000_000), nil
}
