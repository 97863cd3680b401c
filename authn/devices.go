package authn

import (
	"context"
	"slices"
	"sort"
	"time"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// RenameDevice changes the name of a device.
func (s *Service) RenameDevice(ctx context.Context, req account.RequestInfo, session secret.Value, id factors.DeviceID,
	name string) error {
	name, err := account.DeviceName(name, false)
	if err != nil {
		return err
	}
	op := s.Accounts.NewOperation(req)
	_, err = account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		_, u, err := s.Sessions.Load(tx.Reader, session, op.Now)
		if err != nil {
			return struct{}{}, err
		}
		d := u.Device(id)
		if d == nil {
			return struct{}{}, errcode.New(errcode.NotFound)
		}
		if d.Name == name {
			return struct{}{}, nil
		}
		changed := *d
		changed.Name = name
		u.Devices = ReplaceDevice(u.Devices, changed)
		if err := tx.AuditDevice(&u, audit.FactorUpdated, changed); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// RemoveDevice removes a device of the session's user after a step-up, and ends the user's other sessions. It
// returns LastDevice for the last usable primary device.
func (s *Service) RemoveDevice(ctx context.Context, req account.RequestInfo, sess secret.Value,
	id factors.DeviceID) (session.Credentials, error) {
	op := s.Accounts.NewOperation(req)
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (session.Credentials, error) {
		ses, u, err := s.RequireStepUp(tx, sess)
		if err != nil {
			return session.Credentials{}, err
		}
		d := u.Device(id)
		if d == nil {
			return session.Credentials{}, errcode.New(errcode.NotFound)
		}
		if s.Accounts.CanUse(&u, *d) && s.Accounts.Method(d.Kind).Primary && s.Accounts.CountPrimary(&u) <= 1 {
			return session.Credentials{}, errcode.New(errcode.LastDevice)
		}
		removed := *d
		if err := s.DeleteDevice(tx, &u, removed); err != nil {
			return session.Credentials{}, err
		}
		tx.AddActivity(&u, audit.FactorRemoved, removed.Name)
		if err := tx.AuditDevice(&u, audit.FactorRemoved, removed); err != nil {
			return session.Credentials{}, err
		}
		credentials, err := s.Sessions.Rotate(tx, &u, ses)
		if err != nil {
			return session.Credentials{}, err
		}
		return credentials, tx.Save(&u)
	})
}

// DeleteDevice removes a device from the user, raises the epoch (protocol rule 2) and sends the notification. The
// caller audits, ends the sessions and saves.
func (s *Service) DeleteDevice(tx *account.Tx, u *account.User, d factors.Device) error {
	u.Devices = slices.DeleteFunc(slices.Clone(u.Devices), func(x factors.Device) bool { return x.ID == d.ID })
	u.Epoch++
	if err := tx.ReleaseUnique(d); err != nil {
		return err
	}
	return tx.Notify(u, notice.DeviceRemoved{Context: tx.About(u), Device: d.Name}, time.Time{})
}

// ReplaceDevice returns a copy of the list in which d replaces the device with its ID.
func ReplaceDevice(list []factors.Device, d factors.Device) []factors.Device {
	out := make([]factors.Device, len(list))
	for i := range list {
		if out[i] = list[i]; out[i].ID == d.ID {
			out[i] = d
		}
	}
	return out
}

// DisplayDevices returns the devices without Data, the last used one first.
func DisplayDevices(devices []factors.Device) []factors.Device {
	out := slices.Clone(devices)
	for i := range out {
		out[i].Data = nil
	}
	sort.SliceStable(out, func(i, j int) bool { return lastUse(out[i]).After(lastUse(out[j])) })
	return out
}

// lastUse returns the time of the last use, or of the enrolment of a device that was never used.
func lastUse(d factors.Device) time.Time {
	if d.LastUsed.IsZero() {
		return d.Added
	}
	return d.LastUsed
}
