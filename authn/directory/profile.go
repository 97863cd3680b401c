package directory

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/internal/notice"
)

// ProfileChange describes a change of a profile. A nil field does not change, or with Replace becomes empty; Login and
// Email are never empty.
type ProfileChange struct {
	Login, Email, SecondEmail, FirstName, LastName *string
	PrimaryPhone, MobilePhone                      *string
	Locale                                         *string                    // of Policy.Locales, or "" for the default
	Custom                                         map[string]json.RawMessage // other members; null removes one unless Replace is set
	Replace                                        bool                       // replace the whole profile
	Password                                       string                     // requires CanReadSecrets; "": no change
}

// UpdateUser changes the profile of a user. If an address changes, all their sessions end (protocol rule 2), and the
// old and the new address receive a notification. So does the user of a new telephone number, which is young for 72
// hours. Neither changes in the cool-off of the user (WrongState), except by the operator. A principal with a group scope may not change an address, because the
// result would reveal whether a user outside the scope has it (protocol rule 21). A change without effect has no audit
// event. UpdateUser returns ApprovalRequired for one administrator without the consent of another, if an address or number changes and
// the user is in use (protocol rule 11). It returns Taken if an address belongs to another user.
//
// The provenance of a new password is the owner of p. The user receives a notification, and all their sessions end. It
// returns WrongState if the user is not active.
func (s *Service) UpdateUser(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, c ProfileChange) (account.User, error) {
	hash, err := s.hashNewPassword(ctx, p, id, c)
	if err != nil {
		return account.User{}, err
	}
	u, err := account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (account.User, error) {
		old, err := admin.FindUser(tx.Reader, p, admin.PermManage, id)
		if err != nil {
			return account.User{}, err
		}
		if err := p.SpendConsent(tx, &old); err != nil {
			return account.User{}, err
		}
		u := old
		if err := c.apply(&u, &s.accounts.Policy); err != nil {
			return account.User{}, err
		}
		if hash != "" {
			if err := s.setPassword(tx, p, &u, hash); err != nil {
				return account.User{}, err
			}
		}
		changed := changedMembers(&old, &u)
		switch {
		case len(changed) == 0 && hash == "":
			return withDisplayStatus(tx, old, nil)
		case len(changed) == 0:
			return withDisplayStatus(tx, u, tx.Save(&u))
		}
		err = s.storeProfile(tx, p, &old, &u, changed)
		return withDisplayStatus(tx, u, err)
	})
	return admin.WithoutSecrets(u), err
}

// storeProfile stores, audits and mails the change of a profile in the transaction of UpdateUser.
func (s *Service) storeProfile(tx *account.Tx, p admin.Principal, old, u *account.User, changed []string) error {
	addresses := u.Login != old.Login || u.Email != old.Email || u.SecondEmail != old.SecondEmail
	numbers := u.PrimaryPhone != old.PrimaryPhone || u.MobilePhone != old.MobilePhone
	if p.Scoped() && addresses {
		return errcode.ForbiddenFor(errcode.ReasonGroupScope)
	}
	if addresses || numbers {
		if err := p.CheckNoCoolOff(old, tx.Op.Now); err != nil {
			return err
		}
	}
	action := audit.ProfileUpdated
	if numbers {
		action = audit.PhoneUpdated
		u.StampPhones(emailProvenance(p), tx.Op.Now)
	}
	if u.Email != old.Email {
		action, u.EmailProvenance = audit.AddressUpdated, account.EmailProvenance{By: emailProvenance(p), Moved: tx.Op.Now}
	}
	if addresses {
		p.Sponsor(tx, u)
	}
	tx.AddAdminActivity(u, action, "")
	if err := tx.UpdateProfile(u, old); err != nil {
		return err
	}
	if (addresses || numbers) && inUse(old) {
		if err := p.RequireConsent(); err != nil {
			return err
		}
	}
	e := p.Event(action, u)
	e.Detail = map[string]string{"changed": strings.Join(changed, " ")}
	p.DescribeConsent(&e)
	if numbers {
		e.Detail["primaryPhone"], e.Detail["mobilePhone"] = input.MaskPhone(u.PrimaryPhone.Number), input.MaskPhone(u.MobilePhone.Number)
	}
	if err := tx.Audit(e); err != nil {
		return err
	}
	switch {
	case addresses:
		return s.notifyAddressChanged(tx, p, old, u, numbers)
	case numbers:
		m := notice.PhoneChanged{Context: tx.OfferFreeze(u, notice.Context{Name: u.DisplayName(), At: tx.Op.Now}), By: p.DisplayName(s.accounts.Policy.Issuer)}
		return tx.SendByAdmin(u, u.Addresses(), m, time.Time{})
	}
	return nil
}

// inUse reports whether a foreign address in the profile of u would be worth something: u has a role, has or had a device, or was ever
// active. One administrator can drop an imported key, which leaves no other trace.
func inUse(u *account.User) bool {
	return u.EverHadDevice || len(u.Devices) > 0 || len(u.Roles) > 0 || !u.Activated.IsZero()
}

// emailProvenance returns the provenance of an address that p sets: the administrator who asked for it. It is empty for the operator,
// who holds the store and its keys: otherwise a single administrator who gets a password from the operator could not use the mailbox
// (protocol rule 11).
func emailProvenance(p admin.Principal) string {
	if p.Operator && !p.HasConsent() {
		return ""
	}
	return p.Owners()[0]
}

// hashNewPassword returns the hash of the password of a change, or an empty string without one. It hashes, so it runs
// outside any transaction.
func (s *Service) hashNewPassword(ctx context.Context, p admin.Principal, id string, c ProfileChange) (string, error) {
	if c.Password == "" {
		return "", nil
	}
	u, err := s.findForPassword(ctx, p, id)
	if err == nil {
		err = c.apply(&u, &s.accounts.Policy) // the password must not contain the new names either
	}
	if err != nil {
		return "", err
	}
	return s.hashPassword(ctx, &u, c.Password)
}

// setPassword sets the password of a change. hashNewPassword checked the permission before, and setPassword checks it
// again in the transaction.
func (s *Service) setPassword(tx *account.Tx, p admin.Principal, u *account.User, hash string) error {
	if !p.CanReadSecrets() {
		return errcode.ForbiddenFor(errcode.ReasonNeedsSecrets)
	}
	if err := s.signIn.SetPassword(tx, u, hash, p.Owner, ""); err != nil {
		return err
	}
	return s.notifyPasswordSet(tx, p, u, "set")
}

// apply applies the change to u, or returns Invalid. The store checks that addresses are unique.
func (c ProfileChange) apply(u *account.User, policy *account.Policy) error {
	as, primary, mobile := u.AsGiven(), u.PrimaryPhone.Number, u.MobilePhone.Number
	for _, m := range []struct {
		text *string
		into *string
	}{{c.Login, &as.Login}, {c.Email, &as.Email}, {c.SecondEmail, &as.SecondEmail}, {c.FirstName, &u.FirstName}, {c.LastName, &u.LastName}, {c.Locale, &u.Locale},
		{c.PrimaryPhone, &primary}, {c.MobilePhone, &mobile}} {
		switch {
		case m.text != nil:
			*m.into = *m.text
		case c.Replace:
			*m.into = ""
		}
	}
	switch {
	case !u.SetLogin(as.Login):
		return errcode.InvalidField("login", "address")
	case !u.SetEmail(as.Email):
		return errcode.InvalidField("email", "address")
	case !u.SetSecondEmail(as.SecondEmail):
		return errcode.InvalidField("secondEmail", "address")
	case !u.PrimaryPhone.Set(primary):
		return errcode.InvalidField("primaryPhone", "phone")
	case !u.MobilePhone.Set(mobile):
		return errcode.InvalidField("mobilePhone", "phone")
	}
	if err := u.NormalizeNames(); err != nil {
		return err
	}
	if u.Locale != "" && !policy.HasLocale(u.Locale) {
		return errcode.InvalidField("locale", "unknown")
	}
	var err error
	u.Profile, err = c.mergeProfile(u.Profile)
	return err
}

// mergeProfile returns the other members of the profile after the change.
func (c ProfileChange) mergeProfile(old json.RawMessage) (json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	if len(old) > 0 && !c.Replace {
		if err := json.Unmarshal(old, &all); err != nil {
			return nil, fmt.Errorf("decoding profile: %w", err)
		}
	}
	for name, value := range c.Custom {
		if all[name] = value; string(value) == "null" && !c.Replace {
			delete(all, name)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	var out bytes.Buffer
	encode := json.NewEncoder(&out)
	encode.SetEscapeHTML(false) // return the text as it was received
	if err := encode.Encode(all); err != nil {
		return nil, fmt.Errorf("encoding profile: %w", err)
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// changedMembers returns the names of the fields that differ, without their values.
func changedMembers(old, u *account.User) []string {
	var out []string
	was, is := old.AsGiven(), u.AsGiven()
	for _, m := range []struct {
		name string
		same bool
	}{{"login", was.Login == is.Login}, {"email", was.Email == is.Email}, {"secondEmail", was.SecondEmail == is.SecondEmail},
		{"firstName", old.FirstName == u.FirstName}, {"lastName", old.LastName == u.LastName}, {"locale", old.Locale == u.Locale},
		{"primaryPhone", old.PrimaryPhone == u.PrimaryPhone}, {"mobilePhone", old.MobilePhone == u.MobilePhone},
		{"profile", bytes.Equal(old.Profile, u.Profile)}} {
		if !m.same {
			out = append(out, m.name)
		}
	}
	return out
}

// notifyAddressChanged notifies every old and new address. The notification to a removed address does not contain the
// login. numbers is true if a telephone number changed too.
func (s *Service) notifyAddressChanged(tx *account.Tx, p admin.Principal, old, u *account.User, numbers bool) error {
	m := notice.AddressChanged{Context: notice.Context{Name: u.DisplayName(), At: tx.Op.Now}, By: p.DisplayName(s.accounts.Policy.Issuer), Numbers: numbers}
	present := u.Addresses()
	former := slices.DeleteFunc(old.Addresses(), func(a string) bool { return slices.Contains(present, a) })
	if err := tx.SendTo(u, former, m, time.Time{}); err != nil {
		return err
	}
	m.Login = u.AsGiven().Login
	return tx.SendByAdmin(u, present, m, time.Time{})
}
