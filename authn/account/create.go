package account

import (
	"encoding/json"
	"errors"
	"fmt"

	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/store"
)

// Create stores a new user and their index entries. The caller sets ID, Handle, Login and Email. Create returns Taken if
// another user has one of the addresses, and Invalid if a field is wrong.
func (tx *Tx) Create(u *User) error {
	if err := u.validate(); err != nil {
		return err
	}
	if u.Placeholder {
		if err := tx.listPlaceholder(u); err != nil {
			return err
		}
	}
	u.Created = tx.Op.Now
	if u.StatusAt.IsZero() {
		u.StatusAt = tx.Op.Now
	}
	for _, a := range u.indexedAddresses() {
		key := store.Escape(a)
		_, err := tx.s.addresses.Get(tx.Raw, key)
		switch {
		case err == nil:
			return errcode.New(errcode.Taken)
		case !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("looking up an address: %w", err)
		}
		if err := tx.s.addresses.Put(tx.Raw, key, u.ID); err != nil {
			return fmt.Errorf("storing an address: %w", err)
		}
	}
	if err := tx.moveKeys(tx.s.names, nil, u.nameKeys()); err != nil {
		return err
	}
	if len(u.Groups) > maxGroupsAtCreation {
		return errcode.InvalidField("groupIds", "too_many")
	}
	for _, g := range u.Groups {
		switch _, err := tx.Group(g); {
		case errcode.Of(err) == errcode.NotFound:
			return errcode.InvalidField("groupIds", "unknown")
		case err != nil:
			return err
		}
		if err := tx.s.members.Put(tx.Raw, string(g)+"/"+string(u.ID)); err != nil {
			return fmt.Errorf("storing a membership: %w", err)
		}
	}
	return tx.Save(u)
}

// NewUser returns a staged user with new ids. The caller sets the other fields and calls Create.
func (tx *Tx) NewUser() User {
	return User{ID: UserID("u" + tx.Op.ID("user")), Handle: tx.Op.draw("handle", 0), Status: StatusStaged}
}

// validate returns the first problem of the user's fields.
func (u *User) validate() error {
	if all := u.problems(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// problems returns all problems of the user's fields, in the order of the fields. It brings the names into the form of
// input.Name.
func (u *User) problems() (all []*errcode.Error) {
	as := u.AsGiven()
	for _, f := range []struct {
		field, address, given string
		normalize             func(string) (string, bool)
	}{{"login", u.Login, as.Login, NormalizeLogin}, {"email", u.Email, as.Email, NormalizeEmail}, {"secondEmail", u.SecondEmail, as.SecondEmail, NormalizeEmail}} {
		if f.given == "" && f.field == "secondEmail" {
			continue
		}
		if got, ok := f.normalize(f.given); !ok || got != f.address {
			all = append(all, errcode.InvalidField(f.field, "address"))
		}
	}
	all = append(all, u.normalizeNames()...)
	if len(u.Profile) > maxProfile || len(u.Profile) > 0 && !json.Valid(u.Profile) {
		all = append(all, errcode.InvalidField("profile", "too_long"))
	}
	if len(u.Groups) > maxGroups {
		all = append(all, errcode.InvalidField("groupIds", "too_many"))
	}
	return all
}

// NormalizeNames brings the names into the form of input.Name. It returns Invalid for a name that has none.
func (u *User) NormalizeNames() error {
	if all := u.normalizeNames(); len(all) > 0 {
		return all[0]
	}
	return nil
}

func (u *User) normalizeNames() (all []*errcode.Error) {
	for _, f := range []struct {
		field string
		name  *string
	}{{"firstName", &u.FirstName}, {"lastName", &u.LastName}} {
		name, reason := input.Name(*f.name, MaxName)
		if reason != "" {
			all = append(all, errcode.InvalidField(f.field, reason))
			continue
		}
		*f.name = name
	}
	return all
}

// ValidateNew returns all problems that prevent the creation of a user, in the order of the fields. A login that exists is
// not a problem; existing is then the id of its user. holder returns the user of an address, or NotFound if there is none
// that the caller may know of (protocol rule 21). d is an imported device; nil if there is none.
func (r Reader) ValidateNew(u *User, d *factors.Device, holder func(address string) (User, error)) (problems []*errcode.Error, existing UserID, err error) {
	problems = u.problems()
	fields := []string{"login", "email", "secondEmail"}
	for i, a := range []string{u.Login, u.Email, u.SecondEmail} {
		if a == "" || i == 1 && a == u.Login {
			continue
		}
		has, err := holder(a)
		switch {
		case errcode.Of(err) == errcode.NotFound:
		case err != nil:
			return nil, "", err
		case i == 0 && has.Login == a:
			existing = has.ID
		case has.ID != existing:
			problems = append(problems, errcode.InvalidField(fields[i], "taken"))
		}
	}
	if len(u.Groups) > maxGroupsAtCreation {
		return append(problems, errcode.InvalidField("groupIds", "too_many")), existing, nil
	}
	for _, g := range u.Groups {
		switch _, err := r.Group(g); {
		case errcode.Of(err) == errcode.NotFound:
			problems = append(problems, errcode.InvalidField("groupIds", "unknown"))
		case err != nil:
			return nil, "", err
		}
	}
	if d == nil || existing != "" {
		return problems, existing, nil
	}
	_, err = r.s.uniques.Get(r.Raw, uniqueKey(d.Unique))
	switch {
	case err == nil:
		problems = append(problems, errcode.InvalidField("otpauth", "taken"))
	case !errors.Is(err, store.ErrNotFound):
		return nil, "", fmt.Errorf("looking up a device secret: %w", err)
	}
	return problems, existing, nil
}
