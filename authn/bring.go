package authn

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"barillet/factors"
	"barillet/store"
)

// HasOnlyImportedDevice tells whether the person has nothing but a device from another house, with which they have not signed
// in here. Nobody has shown yet that the phone is theirs, so they can still be invited, which ends it.
func (u *User) HasOnlyImportedDevice() bool { return !u.EverHadDevice && len(u.Devices) > 0 }

// ParseImport reads a device of another house for a person to be made; CodeInvalid tells why it cannot be taken. No two
// people of this house have the same key: it is known again by an HMAC under the pepper.
func (s *Service) ParseImport(now time.Time, u *User, key Secret) (factors.Device, error) {
	for _, f := range s.Factors {
		reader, ok := f.(factors.Importer)
		if !ok {
			continue
		}
		d, err := reader.Import(now, s.subject(u), key.Reveal())
		if unfit, ok := errors.AsType[factors.Unfit](err); ok {
			return factors.Device{}, Invalid("otpauth", string(unfit))
		}
		if err != nil {
			return factors.Device{}, fmt.Errorf("reading a key from elsewhere: %w", err)
		}
		d.Unique = "key:" + base64.RawURLEncoding.EncodeToString(s.Pepper.MAC("imported key", []byte(d.Unique)))
		return d, nil
	}
	return factors.Device{}, Invalid("otpauth", "unsupported")
}

// AddImported gives a person who is about to be created the device from elsewhere. They are active at once and can ask for a
// new password, which counts once it is proven together with that device.
func (tx *Tx) AddImported(u *User, d factors.Device) error {
	d.ID, d.Added = factors.DeviceID(tx.Op.ID("device")), tx.Op.Now
	if err := tx.takeUnique(u.ID, d.Unique); err != nil {
		if CodeOf(err) == CodeTaken {
			return Invalid("otpauth", "taken")
		}
		return err
	}
	u.Devices = []factors.Device{d}
	u.Status, u.Activated, u.StatusAt = StatusActive, tx.Op.Now, tx.Op.Now
	return nil
}

// IssueImportLink makes the link by which a person with a device from elsewhere chooses their first password. It is good for
// as long as an invitation, and worth nothing without the device.
func (tx *Tx) IssueImportLink(u *User) (token Secret, expires time.Time, err error) {
	expires = tx.Op.Now.Add(InvitationTTL)
	token, err = tx.putLink("password", Link{User: u.ID, Purpose: linkPassword, Epoch: u.Epoch, Expires: expires})
	return token, expires, err
}

// RemoveImported takes the devices from elsewhere that nobody has signed in with. The caller audits and saves.
func (tx *Tx) RemoveImported(u *User) error {
	for _, d := range u.Devices {
		if err := tx.dropUnique(d); err != nil {
			return err
		}
	}
	u.Devices = nil
	u.Epoch++ // the link to choose a password dies with them
	return nil
}

// ValidateNew lists everything that keeps a person from being created, each by its field, in the order of the fields.
// A login that is there already is none: known is who has it. holder finds who has an address among those whom the
// caller may know of (PROTOCOL 21); CodeNotFound without one. d is a device from elsewhere, nil for none.
func (r Reader) ValidateNew(u *User, d *factors.Device, holder func(address string) (User, error)) (faults []*Error, known UserID, err error) {
	faults = u.problems()
	fields := []string{"login", "email", "secondEmail"}
	for i, a := range []string{u.Login, u.Email, u.SecondEmail} {
		if a == "" || i == 1 && a == u.Login {
			continue
		}
		has, err := holder(a)
		switch {
		case CodeOf(err) == CodeNotFound:
		case err != nil:
			return nil, "", err
		case i == 0 && has.Login == a:
			known = has.ID
		case has.ID != known:
			faults = append(faults, Invalid(fields[i], "taken"))
		}
	}
	if len(u.Groups) > maxGroupsAtBirth {
		return append(faults, Invalid("groupIds", "too_many")), known, nil
	}
	for _, g := range u.Groups {
		switch _, err := r.Group(g); {
		case CodeOf(err) == CodeNotFound:
			faults = append(faults, Invalid("groupIds", "unknown"))
		case err != nil:
			return nil, "", err
		}
	}
	if d == nil || known != "" {
		return faults, known, nil
	}
	_, err = r.s.uniques.Get(r.r, uniqueKey(d.Unique))
	switch {
	case err == nil:
		faults = append(faults, Invalid("otpauth", "taken"))
	case !errors.Is(err, store.ErrNotFound):
		return nil, "", fmt.Errorf("looking up a key: %w", err)
	}
	return faults, known, nil
}
