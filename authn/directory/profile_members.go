package directory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
)

// ProfileMembers lists the members of a profile that a change writes, with their new values.
type ProfileMembers struct {
	Known  map[string]string          `json:"known,omitempty"`  // as in the fields of ProfileChange: login, email, secondEmail, firstName …
	Custom map[string]json.RawMessage `json:"custom,omitempty"` // null removes one
}

// Change returns the change that writes the members and leaves all others.
func (m ProfileMembers) Change() ProfileChange {
	c := ProfileChange{Custom: m.Custom}
	for name, into := range map[string]**string{"login": &c.Login, "email": &c.Email, "secondEmail": &c.SecondEmail, "firstName": &c.FirstName, "lastName": &c.LastName,
		"locale": &c.Locale, "primaryPhone": &c.PrimaryPhone, "mobilePhone": &c.MobilePhone} {
		if text, is := m.Known[name]; is {
			*into = &text
		}
	}
	return c
}

// Names returns the names of the members, in order.
func (m ProfileMembers) Names() []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Keys(m.Known)), slices.Collect(maps.Keys(m.Custom))))))
}

// Values returns the new value of each member by its name, as JSON.
func (m ProfileMembers) Values() map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for name, text := range m.Known {
		out[name], _ = json.Marshal(text) // a string always encodes
	}
	maps.Copy(out, m.Custom) // a locale as it was given
	return out
}

// HasAddress reports whether an address is among the members.
func (m ProfileMembers) HasAddress() bool {
	for _, name := range []string{"login", "email", "secondEmail"} {
		if _, is := m.Known[name]; is {
			return true
		}
	}
	return false
}

// KnownMembers returns the present values of the members that ProfileMembers.Known can have.
func KnownMembers(u *account.User) map[string]string {
	as := u.AsGiven()
	return map[string]string{"login": as.Login, "email": as.Email, "secondEmail": as.SecondEmail, "firstName": u.FirstName, "lastName": u.LastName,
		"locale": u.Locale, "primaryPhone": u.PrimaryPhone.Number, "mobilePhone": u.MobilePhone.Number}
}

// ChangedMembers returns what UpdateUser would write to the profile of the user as p, and that user. It returns the errors of UpdateUser
// about p and the values.
func (s *Service) ChangedMembers(tx *account.Tx, p admin.Principal, id string, c ProfileChange) (account.User, ProfileMembers, error) {
	old, err := admin.FindUser(tx.Reader, p, admin.PermManage, id)
	if err != nil {
		return old, ProfileMembers{}, err
	}
	u := old
	if err := c.apply(&u, &s.accounts.Policy); err != nil {
		return old, ProfileMembers{}, err
	}
	values, m := KnownMembers(&u), ProfileMembers{Known: map[string]string{}}
	for _, name := range changedMembers(&old, &u) {
		if value, is := values[name]; is {
			m.Known[name] = value
		}
	}
	if p.Scoped() && m.HasAddress() {
		return old, m, errcode.ForbiddenFor(errcode.ReasonGroupScope)
	}
	m.Custom, err = changedCustom(old.Profile, u.Profile)
	return old, m, err
}

// changedCustom returns the other members that differ, with their new values; null is one that is gone.
func changedCustom(old, now json.RawMessage) (map[string]json.RawMessage, error) {
	was, is := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for raw, into := range map[*json.RawMessage]*map[string]json.RawMessage{&old: &was, &now: &is} {
		if len(*raw) == 0 {
			continue
		}
		if err := json.Unmarshal(*raw, into); err != nil {
			return nil, fmt.Errorf("decoding profile: %w", err)
		}
	}
	maps.DeleteFunc(is, func(name string, value json.RawMessage) bool {
		before, there := was[name]
		delete(was, name)
		return there && bytes.Equal(before, value)
	})
	for name := range was {
		is[name] = json.RawMessage("null")
	}
	return is, nil
}
