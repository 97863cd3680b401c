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

// ParseImport reads a device of another service for a new user. The first kind that recognises the URI reads it.
// Invalid states why it is rejected.
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
			return factors.Device{}, fmt.Errorf("reading an imported device: %w", err)
		}
		d.Unique = s.Accounts.UniqueSecret(d.Unique)
		return d, nil
	}
	return factors.Device{}, errcode.InvalidField("otpauth", string(factors.ImportOtherKind))
}

// AddImported adds an imported device to a user who is about to be created. The user is active at once. They can
// request a password link, and the password takes effect when they use it together with the device.
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

// IssueImportLink issues a link with which a user who has an imported device chooses the first password. It is valid
// for account.InvitationTTL and worthless without the device.
func (s *Service) IssueImportLink(tx *account.Tx, u *account.User) (token secret.Value, expires time.Time, err error) {
	expires = tx.Op.Now.Add(account.InvitationTTL)
	token, err = tx.PutLink("password", account.Link{User: u.ID, Purpose: account.PurposePassword, Epoch: u.Epoch, Expires: expires})
	return token, expires, err
}

// RemoveImported removes imported devices that were never used. The caller audits and saves.
func (s *Service) RemoveImported(tx *account.Tx, u *account.User) error {
	for _, d := range u.Devices {
		if err := tx.ReleaseUnique(d); err != nil {
			return err
		}
	}
	u.Devices = nil
	u.Epoch++ // this ends the password link too
	return nil
}
