package freeze

import (
	"context"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// ProofAge is the age from which another device can end a freeze. A thief of an unlocked phone could have enrolled a device, or
// shown a QR code again, shortly before the freeze; the emails about it give the user this time.
const ProofAge = 72 * time.Hour

// Proofs returns the devices whose step-up ends the freeze of a device, without Data. Each is usable and not a recovery code. Its
// secret was seen by the user alone, and neither it nor a copy of it is younger than ProofAge.
func (s *Service) Proofs(u *account.User, id factors.DeviceID, now time.Time) []factors.Device {
	var out []factors.Device
	for _, d := range s.accounts.UsableDevices(u) {
		young := func(t time.Time) bool { return now.Before(t.Add(ProofAge)) }
		if d.ID == id || s.accounts.IsBackup(d) || d.SecretSeenBy != "" || young(d.Added) ||
			slices.ContainsFunc(d.Copies, func(c factors.Copy) bool { return young(c.Shown) }) {
			continue
		}
		d.Data = nil
		out = append(out, d)
	}
	return out
}

// EndState says what a user needs to end the freeze of a device.
type EndState struct {
	Device factors.Device   // without Data
	Proofs []factors.Device // see Service.Proofs
	Proven bool             // the session has a step-up by one of them
	Other  bool             // it has a step-up, but by no such device
}

// CanEnd returns the state for a frozen device. It returns NotFound if the device is not frozen.
func (s *Service) CanEnd(ctx context.Context, session secret.Value, id factors.DeviceID) (out EndState, err error) {
	now := s.accounts.Now()
	err = s.accounts.View(ctx, func(r account.Reader) error {
		ses, u, err := s.sessions.Load(r, session, now)
		if err == nil {
			out, err = s.endState(&ses, &u, id, now)
		}
		return err
	})
	return out, err
}

func (s *Service) endState(ses *account.Session, u *account.User, id factors.DeviceID, now time.Time) (EndState, error) {
	d := u.Device(id)
	if d == nil || !d.IsFrozen() {
		return EndState{}, errcode.New(errcode.NotFound)
	}
	out := EndState{Device: *d, Proofs: s.Proofs(u, id, now)}
	out.Device.Data = nil
	fresh := ses.StepUp.Fresh(now) && !ses.StepUp.EnrolOnly && ses.StepUp.Device != ""
	out.Proven = fresh && slices.ContainsFunc(out.Proofs, func(p factors.Device) bool { return p.ID == ses.StepUp.Device })
	out.Other = fresh && !out.Proven
	return out, nil
}

// End ends the freeze of a device in a session whose step-up was by one of Proofs. It returns WrongState with ReasonNoDevice if the
// user has none, and StepUpRequired without such a step-up. The user's other sessions end.
func (s *Service) End(ctx context.Context, req account.RequestInfo, sess secret.Value, id factors.DeviceID) (session.Credentials, error) {
	op := s.accounts.NewOperation(req)
	return account.Update(ctx, s.accounts, op, func(tx *account.Tx) (session.Credentials, error) {
		ses, u, err := s.sessions.Load(tx.Reader, sess, op.Now)
		if err != nil {
			return session.Credentials{}, err
		}
		state, err := s.endState(&ses, &u, id, op.Now)
		switch {
		case err != nil:
			return session.Credentials{}, err
		case len(state.Proofs) == 0:
			return session.Credentials{}, errcode.WrongStateFor(errcode.ReasonNoDevice)
		case !state.Proven:
			return session.Credentials{}, errcode.New(errcode.StepUpRequired)
		}
		u.Devices = slices.Clone(u.Devices)
		d := u.Device(id)
		d.Frozen, d.FrozenBy = time.Time{}, ""
		u.Epoch++
		tx.AddActivity(&u, audit.FactorUnfrozen, d.Name)
		if err := tx.AuditDevice(&u, audit.FactorUnfrozen, *d); err != nil {
			return session.Credentials{}, err
		}
		if err := tx.Notify(&u, notice.DeviceUnfrozen{Context: tx.About(&u), Device: d.Name}, time.Time{}); err != nil {
			return session.Credentials{}, err
		}
		credentials, err := s.sessions.Rotate(tx, &u, ses)
		if err != nil {
			return session.Credentials{}, err
		}
		return credentials, tx.Save(&u)
	})
}
