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
	"barillet/internal/notice"
)

// ProfileChange is what an operator writes about a person. A nil member stays as it is, or with Whole is emptied;
// Login and Email are never empty.
type ProfileChange struct {
	Login, Email, Second, FirstName, LastName *string
	Locale                                    *string                    // "fr", "en" or "" for the operator's default
	Custom                                    map[string]json.RawMessage // other members; null takes one away unless Whole
	Replace                                   bool                       // the profile is replaced, not added to
	Password                                  string                     // by Machine or with Secrets only; "": it stays
}

// UpdateUser changes a person's profile, by USER_ADMIN and above. When an address moves, every session of theirs ends
// (PROTOCOL 2) and the addresses of before and after are told; whoever is limited to groups moves none, for the
// answer would tell whether somebody outside has it (PROTOCOL 21). A change that changes nothing is no act.
// Taken: an address is somebody's.
//
// A password that is set came by the operator's hand, of which the person learns by mail, and ends every session of
// theirs. WrongState: not active.
func (d *Service) UpdateUser(ctx context.Context, op admin.Principal, req account.RequestInfo, id string, c ProfileChange) (account.User, error) {
	phc, err := d.replaced(ctx, op, id, c)
	if err != nil {
		return account.User{}, err
	}
	u, err := account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (account.User, error) {
		was, err := admin.FindUser(tx.Reader, op, admin.PermManage, id)
		if err != nil {
			return account.User{}, err
		}
		u := was
		if err := c.apply(&u); err != nil {
			return account.User{}, err
		}
		if phc != "" {
			if err := d.setPassword(tx, op, &u, phc); err != nil {
				return account.User{}, err
			}
		}
		changed := changedMembers(&was, &u)
		switch {
		case len(changed) == 0 && phc == "":
			return stated(tx, was, nil)
		case len(changed) == 0:
			return stated(tx, u, tx.Save(&u))
		}
		if op.Scoped() && (u.Login != was.Login || u.Email != was.Email || u.SecondEmail != was.SecondEmail) {
			return account.User{}, errcode.New(errcode.Forbidden)
		}
		action := audit.ProfileUpdated
		if u.Email != was.Email {
			action, u.EmailProvenance = audit.AddressUpdated, account.EmailProvenance{By: newEmailProvenance(op), Moved: tx.Op.Now}
		}
		tx.AddAdminActivity(&u, action, "")
		moved, err := tx.UpdateProfile(&u, &was)
		if err != nil {
			return account.User{}, err
		}
		e := op.Event(action, &u)
		e.Detail = map[string]string{"changed": strings.Join(changed, " ")}
		if err := tx.Audit(e); err != nil {
			return account.User{}, err
		}
		if moved {
			err = d.notifyAddressChanged(tx, op, &was, &u)
		}
		return stated(tx, u, err)
	})
	return admin.WithoutSecrets(u), err
}

// mailbox is whose hand an address is that the operator writes. The machine's owner is nobody's: they hold the store and
// its keys, and a lone administrator whom they give a password must be left the way of the mailbox (PROTOCOL 11).
func newEmailProvenance(op admin.Principal) string {
	if op.Operator {
		return ""
	}
	return op.Owner
}

// replaced hashes the password of a change, outside any transaction; "" where none is set.
func (d *Service) replaced(ctx context.Context, op admin.Principal, id string, c ProfileChange) (string, error) {
	if c.Password == "" {
		return "", nil
	}
	u, err := d.giving(ctx, op, id)
	if err == nil {
		err = c.apply(&u) // it is not to be made of the names to come either
	}
	if err != nil {
		return "", err
	}
	return d.hashed(ctx, &u, c.Password)
}

// setPassword gives the person the password of a change. The right was judged before it was hashed, and is again.
func (d *Service) setPassword(tx *account.Tx, op admin.Principal, u *account.User, phc string) error {
	if !op.CanReadSecrets() {
		return errcode.New(errcode.Forbidden)
	}
	if err := d.signIn.SetPassword(tx, u, phc, op.Owner, ""); err != nil {
		return err
	}
	return d.notifyPasswordSet(tx, op, u, "set")
}

// apply writes the change into the person; what a person cannot be is judged when it is stored.
func (c ProfileChange) apply(u *account.User) error {
	for _, m := range []struct {
		text *string
		into *string
	}{{c.Login, &u.Login}, {c.Email, &u.Email}, {c.Second, &u.SecondEmail}, {c.FirstName, &u.FirstName}, {c.LastName, &u.LastName}, {c.Locale, &u.Locale}} {
		switch {
		case m.text != nil:
			*m.into = *m.text
		case c.Replace:
			*m.into = ""
		}
	}
	var ok bool
	if u.Login, ok = account.NormalizeLogin(u.Login); !ok {
		return errcode.InvalidField("login", "address")
	}
	if u.Email, ok = account.NormalizeEmail(u.Email); !ok {
		return errcode.InvalidField("email", "address")
	}
	if u.SecondEmail != "" {
		if u.SecondEmail, ok = account.NormalizeEmail(u.SecondEmail); !ok {
			return errcode.InvalidField("secondEmail", "address")
		}
	}
	if !slices.Contains([]string{"", "fr", "en"}, u.Locale) {
		return errcode.InvalidField("locale", "unknown")
	}
	var err error
	u.Profile, err = c.custom(u.Profile)
	return err
}

// custom joins the members that are not ours to judge with those that are there.
func (c ProfileChange) custom(old json.RawMessage) (json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	if len(old) > 0 && !c.Replace {
		if err := json.Unmarshal(old, &all); err != nil {
			return nil, fmt.Errorf("reading a profile: %w", err)
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
	encode.SetEscapeHTML(false) // given back as it came
	if err := encode.Encode(all); err != nil {
		return nil, fmt.Errorf("writing a profile: %w", err)
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// changedMembers names what differs, never how.
func changedMembers(was, u *account.User) []string {
	var out []string
	for _, m := range []struct {
		name string
		same bool
	}{{"login", was.Login == u.Login}, {"email", was.Email == u.Email}, {"secondEmail", was.SecondEmail == u.SecondEmail},
		{"firstName", was.FirstName == u.FirstName}, {"lastName", was.LastName == u.LastName}, {"locale", was.Locale == u.Locale},
		{"profile", bytes.Equal(was.Profile, u.Profile)}} {
		if !m.same {
			out = append(out, m.name)
		}
	}
	return out
}

// notifyAddressChanged tells every address of before and after. One that is no longer the person's learns of no other.
func (d *Service) notifyAddressChanged(tx *account.Tx, op admin.Principal, was, u *account.User) error {
	m := notice.AddressChanged{Context: notice.Context{Name: u.DisplayName(), At: tx.Op.Now}, By: op.DisplayName(d.accounts.Policy.Issuer)}
	present := u.Addresses()
	former := slices.DeleteFunc(was.Addresses(), func(a string) bool { return slices.Contains(present, a) })
	if err := tx.SendTo(former, d.accounts.Locale(u), m, time.Time{}); err != nil {
		return err
	}
	m.Login = u.Login
	return tx.SendTo(present, d.accounts.Locale(u), m, time.Time{})
}
