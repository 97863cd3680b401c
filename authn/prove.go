package authn

import (
	"context"
	"fmt"
	"slices"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/secret"
)

// stepUpDevices are the devices that a fresh proof may be given with: a recovery code does not do (PROTOCOL 5).
func (s *Service) stepUpDevices(u *account.User) []factors.Device {
	var out []factors.Device
	for _, d := range s.Accounts.UsableDevices(u) {
		if !s.Accounts.IsBackup(d) {
			out = append(out, d)
		}
	}
	return out
}

// BeginStepUp opens a fresh proof by one input in a session and returns what to show.
func (s *Service) BeginStepUp(ctx context.Context, req account.RequestInfo, session secret.Value, input factors.Input) (account.Prompt, error) {
	op := s.Accounts.NewOperation(req)
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (account.Prompt, error) {
		ses, u, err := s.Sessions.Load(tx.Reader, session, op.Now)
		if err != nil {
			return account.Prompt{}, err
		}
		prompt, c, err := s.beginVerify(op.Now, &u, s.stepUpDevices(&u), ses.Ceremony, input)
		if err != nil {
			return account.Prompt{}, err
		}
		ses.Ceremony = c
		return prompt, s.Sessions.Put(tx, session, ses)
	})
}

// StepUp judges a device for an act that follows; an accepted one counts for five minutes.
func (s *Service) StepUp(ctx context.Context, req account.RequestInfo, session secret.Value, input factors.Input, answer []byte) (Verification, error) {
	return s.StepUpFor(ctx, req, session, input, answer, nil, func(tx *account.Tx, ses *account.Session, u *account.User) error {
		ses.StepUp = account.StepUp{At: tx.Op.Now}
		return tx.AuditUser(u, audit.StepUp, audit.Success, string(input))
	})
}

// StepUpFor judges an answer given in a session and, when it is accepted, does then in the Update that stores it.
// prepare sees session and person as judged, outside any transaction and before the answer is: whatever it
// refuses, the answer stays unjudged and good. nil: nothing to prepare.
func (s *Service) StepUpFor(ctx context.Context, req account.RequestInfo, session secret.Value, input factors.Input, answer []byte,
	prepare func(op *account.Operation, ses *account.Session, u *account.User) error, then func(tx *account.Tx, ses *account.Session, u *account.User) error) (Verification, error) {
	return s.AnswerInSession(ctx, req, session, func(op *account.Operation, ses *account.Session, u *account.User) (DeviceQuestion, error) {
		return DeviceQuestion{input, func(known bool) (DeviceAttempt, error) {
			if prepare != nil {
				if err := prepare(op, ses, u); err != nil {
					return DeviceAttempt{}, err
				}
			}
			return s.VerifyAnswer(op, u, s.stepUpDevices(u), ses.Ceremony, input, known, answer)
		}}, nil
	}, then)
}

// DeviceQuestion is an answer that is to be judged in a session, once it is known that it may be.
type DeviceQuestion struct {
	input  factors.Input
	verify func(known bool) (DeviceAttempt, error)
}

// VerifyDevice is an answer about one device, which its kind judges in a way of its own.
func (s *Service) VerifyDevice(u *account.User, d factors.Device, judge func() (factors.Outcome, error)) DeviceQuestion {
	input := s.Accounts.Method(d.Kind).Input
	return DeviceQuestion{input, func(known bool) (DeviceAttempt, error) {
		o, err := judge()
		if err != nil {
			return DeviceAttempt{}, fmt.Errorf("judging an answer of %s: %w", d.Kind, err)
		}
		t := DeviceAttempt{input: input, known: known, Revision: u.Revision}
		t.add(d.Kind, o)
		return t, nil
	}}
}

// AnswerInSession judges an answer given in a session and, when it is accepted, does then in the Update that stores it. ask
// finds out what is answered; whatever it refuses, the answer stays unjudged and good.
func (s *Service) AnswerInSession(ctx context.Context, req account.RequestInfo, session secret.Value, ask func(op *account.Operation, ses *account.Session, u *account.User) (DeviceQuestion, error),
	then func(tx *account.Tx, ses *account.Session, u *account.User) error) (Verification, error) {
	var out Verification
	err := RetryOnConflict(ctx, func() (bool, error) {
		op := s.Accounts.NewOperation(req)
		ses, u, err := s.loadSession(ctx, op, session)
		if err != nil {
			return false, err
		}
		q, err := ask(op, &ses, &u)
		if err != nil {
			return false, err
		}
		known := u.KnowsBrowser(req.Browser, op.Now)
		if wait, err := s.WaitBefore(ctx, op, &u, q.input, known); err != nil || wait > 0 {
			out = Verification{Wait: wait}
			return true, err
		}
		t, err := q.verify(known)
		if err != nil {
			return false, err
		}
		done, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*Verification, error) { return s.storeStepUp(tx, session, t, then) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	return out, err
}

func (s *Service) loadSession(ctx context.Context, op *account.Operation, secret secret.Value) (ses account.Session, u account.User, err error) {
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		var err error
		ses, u, err = s.Sessions.Load(r, secret, op.Now)
		return err
	})
	return ses, u, err
}

// storeStepUp stores what a proof came to; nil when the record is not the one that was judged.
func (s *Service) storeStepUp(tx *account.Tx, secret secret.Value, t DeviceAttempt, then func(tx *account.Tx, ses *account.Session, u *account.User) error) (*Verification, error) {
	ses, u, err := s.Sessions.Load(tx.Reader, secret, tx.Op.Now)
	if err != nil {
		return nil, err
	}
	if u.Revision != t.Revision {
		return nil, nil
	}
	epoch := u.Epoch
	j, err := s.Count(tx, &u, t)
	if err != nil || j.Wait > 0 {
		return &j, err
	}
	ses.Ceremony = s.Remember(tx.Op.Now, ses.Ceremony, t)
	if j.Accepted() {
		ses.AMR = account.JoinAMR(false, slices.Concat(ses.AMR, t.outcome.AMR)) // the session shows more than at its sign-in: a step-up
		if slices.Contains(t.outcome.AMR, account.AMRHardwareKey) {
			ses.PhishingResistantAt = tx.Op.Now
		}
		if err := then(tx, &ses, &u); err != nil {
			return nil, err
		}
	}
	if u.Epoch != epoch {
		ses.Epoch = u.Epoch // a clone's mark ends the other sessions; this one holds the password and a device's answer
	}
	if err := s.Sessions.Put(tx, secret, ses); err != nil {
		return nil, err
	}
	return &j, tx.Save(&u)
}
