package enrol

import (
	"errors"
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// ParseImport reads a device of another service for a new user; Invalid says why it is refused. The first kind that
// recognises the URI reads it.
func (s *Service) ParseImport(now time.Time, u *account.User, key secret.Value) (factors.Device, error) {
	for _, f := range s.Accounts.Factors {
		reader, ok := f.(factors.Importer)
		if !ok {
			continue
		}
		d, err := reader.Import(now, s.Accounts.Subject(u), key.Reveal())
		refused, ok := errors.AsType[factors.ImportError](err)
		switch {
		case ok && refused == factors.ImportOtherKind:
			continue
		case ok:
			return factors.Device{}, errcode.InvalidField("otpauth", string(refused))
		case err != nil:
			return factors.Device{}, fmt.Errorf("reading a secret from another service: %w", err)
		}
		d.Unique = s.Accounts.UniqueSecret(d.Unique)
		return d, nil
	}
	return factors.Device{}, errcode.InvalidField("otpauth", string(factors.ImportOtherKind))
}

// AddImported gives a person who is about to be created the device from elsewhere. They are active at once and can ask for a
// new password, which counts once it is proven together with that device.
func (s *Service) AddImported(tx *account.Tx, u *account.User, d factors.Device) error {
	d.ID, d.Added = factors.DeviceID(tx.Op.ID("device")), tx.Op.Now
	if err := tx.ReserveUnique(u.ID, d.Unique); err != nil {
		if errcode.Of(err) == errcode.Taken {
			return errcode.InvalidField("otpauth", "taken")
		}
		return err
	}
	u.Devices = []factors.Device{d}
	u.Status, u.Activated, u.StatusAt = account.StatusActive, tx.Op.Now, tx.Op.Now
	return nil
}

// IssueImportLink makes the link by which a person with a device from elsewhere chooses their first password. It is good for
// as long as an invitation, and worth nothing without the device.
func (s *Service) IssueImportLink(tx *account.Tx, u *account.User) (token secret.Value, expires time.Time, err error) {
	expires = tx.Op.Now.Add(account.InvitationTTL)
	token, err = tx.PutLink("password", account.Link{User: u.ID, Purpose: account.PurposePassword, Epoch: u.Epoch, Expires: expires})
	return token, expires, err
}

// RemoveImported takes the devices from elsewhere that nobody has signed in with. The caller audits and saves.
func (s *Service) RemoveImported(tx *account.Tx, u *account.User) error {
	for _, d := range u.Devices {
		if err := tx.ReleaseUnique(d); err != nil {
			return err
		}
	}
	u.Devices = nil
	u.Epoch++ // the link to choose a password dies with them
	return nil
}
