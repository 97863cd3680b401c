package authn

import (
	"context"
	"fmt"
	"slices"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// stepUpDevices returns the devices that are accepted for a step-up. Recovery codes are not (protocol rule 5).
func (s *Service) stepUpDevices(u *account.User) []factors.Device {
	var out []factors.Device
	for _, d := range s.Accounts.UsableDevices(u) {
		if !s.Accounts.IsBackup(d) {
			out = append(out, d)
		}
	}
	return out
}

// BeginStepUp opens a step-up by one input in a session and returns its prompt.
func (s *Service) BeginStepUp(ctx context.Context, req account.RequestInfo, session secret.Value,
	input factors.Input) (account.Prompt, error) {
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

// StepUp verifies a device in a session. An accepted answer permits sensitive operations for account.StepUpTTL.
func (s *Service) StepUp(ctx context.Context, req account.RequestInfo, session secret.Value, input factors.Input,
	answer []byte) (Verification, error) {
	var device factors.DeviceID // of the last attempt, whose Update calls the function below
	return s.answerInSession(ctx, req, session, func(op *account.Operation, ses *account.Session, u *account.User) (deviceQuestion, error) {
		return deviceQuestion{input, func(known bool) (deviceAttempt, error) {
			a, err := s.verifyAnswer(op, u, s.stepUpDevices(u), ses.Ceremony, input, known, answer)
			device = a.outcome.Device.ID
			return a, err
		}}, nil
	}, func(tx *account.Tx, ses *account.Session, u *account.User) error {
		ses.StepUp = account.StepUp{At: tx.Op.Now, Device: device}
		return tx.AuditUser(u, audit.StepUp, audit.Success, string(input))
	})
}

// StepUpFor verifies an answer in a session. If the answer is accepted, apply runs in the Update that stores it.
// prepare reads session and user outside a transaction, before the answer is verified. If prepare fails, the answer
// is neither verified nor counted. prepare may be nil.
func (s *Service) StepUpFor(ctx context.Context, req account.RequestInfo, session secret.Value, input factors.Input,
	answer []byte, prepare func(op *account.Operation, ses *account.Session, u *account.User) error,
	apply SessionChange) (Verification, error) {
	return s.answerInSession(ctx, req, session, func(op *account.Operation, ses *account.Session, u *account.User) (deviceQuestion, error) {
		return deviceQuestion{input, func(known bool) (deviceAttempt, error) {
			if prepare != nil {
				if err := prepare(op, ses, u); err != nil {
					return deviceAttempt{}, err
				}
			}
			return s.verifyAnswer(op, u, s.stepUpDevices(u), ses.Ceremony, input, known, answer)
		}}, nil
	}, apply)
}

// SessionChange changes session and user in the Update that stores an accepted answer.
type SessionChange func(tx *account.Tx, ses *account.Session, u *account.User) error

// deviceQuestion is the input of an answer and its verification, which runs only if the limits allow it.
type deviceQuestion struct {
	input  factors.Input
	verify func(known bool) (deviceAttempt, error)
}

// DeviceCheck verifies an answer for one device by a method of its kind other than Factor.FinishVerify.
type DeviceCheck struct {
	Device factors.Device
	Verify func() (factors.Outcome, error)
}

// VerifyInSession verifies an answer in a session by the check that begin returns, with the limits of Verify. If
// the answer is accepted, apply runs in the Update that stores it. If begin fails, the answer is neither verified nor
// counted.
func (s *Service) VerifyInSession(ctx context.Context, req account.RequestInfo, session secret.Value,
	begin func(op *account.Operation, ses *account.Session, u *account.User) (DeviceCheck, error),
	apply SessionChange) (Verification, error) {
	return s.answerInSession(ctx, req, session, func(op *account.Operation, ses *account.Session, u *account.User) (deviceQuestion, error) {
		check, err := begin(op, ses, u)
		if err != nil {
			return deviceQuestion{}, err
		}
		kind := check.Device.Kind
		input := s.Accounts.Method(kind).Input
		return deviceQuestion{input, func(known bool) (deviceAttempt, error) {
			o, err := check.Verify()
			if err != nil {
				return deviceAttempt{}, fmt.Errorf("verifying an answer of %s: %w", kind, err)
			}
			a := deviceAttempt{input: input, known: known, revision: u.Revision}
			a.add(kind, o)
			return a, nil
		}}, nil
	}, apply)
}

// answerInSession verifies an answer in a session. If the answer is accepted, apply runs in the Update that stores
// it. ask selects the verification. If ask fails, the answer is neither verified nor counted.
func (s *Service) answerInSession(ctx context.Context, req account.RequestInfo, session secret.Value,
	ask func(op *account.Operation, ses *account.Session, u *account.User) (deviceQuestion, error),
	apply SessionChange) (Verification, error) {
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
		if wait, err := s.waitFor(ctx, op, &u, q.input, known); err != nil || wait > 0 {
			out = Verification{Wait: wait}
			return true, err
		}
		a, err := q.verify(known)
		if err != nil {
			return false, err
		}
		if a.storesNothing(op.Now, ses.Ceremony) {
			out, err = s.refuse(ctx, op, &u, a)
			return true, err
		}
		done, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*Verification, error) { return s.storeStepUp(tx, session, a, apply) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	return out, err
}

func (s *Service) loadSession(ctx context.Context, op *account.Operation,
	session secret.Value) (ses account.Session, u account.User, err error) {
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		var err error
		ses, u, err = s.Sessions.Load(r, session, op.Now)
		return err
	})
	return ses, u, err
}

// storeStepUp stores the result of an answer in a session. It returns nil if the user record is not the one on which
// the answer was verified.
func (s *Service) storeStepUp(tx *account.Tx, session secret.Value, a deviceAttempt, apply SessionChange) (*Verification, error) {
	ses, u, err := s.Sessions.Load(tx.Reader, session, tx.Op.Now)
	if err != nil {
		return nil, err
	}
	if u.Revision != a.revision {
		return nil, nil
	}
	epoch := u.Epoch
	v, err := s.recordAttempt(tx, &u, a)
	if err != nil || v.Wait > 0 {
		return &v, err
	}
	ses.Ceremony = s.updateCeremony(tx.Op.Now, ses.Ceremony, a)
	if v.Accepted() {
		ses.AMR = joinAMR(false, slices.Concat(ses.AMR, a.outcome.AMR)) // the session has verified more than at sign-in
		if slices.Contains(a.outcome.AMR, account.AMRHardwareKey) {
			ses.PhishingResistantAt = tx.Op.Now
		}
		if err := apply(tx, &ses, &u); err != nil {
			return nil, err
		}
	}
	if u.Epoch != epoch {
		ses.Epoch = u.Epoch // a disabled security key ends the other sessions; this one has verified password and device
	}
	if err := s.Sessions.Put(tx, session, ses); err != nil {
		return nil, err
	}
	return &v, tx.Save(&u)
}

// RequireStepUp loads a session that has a valid step-up, for an operation of the user on their own account. It returns
// StepUpRequired if the session has none, or one that permits only enrolment.
func (s *Service) RequireStepUp(tx *account.Tx, session secret.Value) (account.Session, account.User, error) {
	ses, u, err := s.Sessions.Load(tx.Reader, session, tx.Op.Now)
	if err == nil && (!ses.StepUp.Fresh(tx.Op.Now) || ses.StepUp.EnrolOnly) {
		err = errcode.New(errcode.StepUpRequired)
	}
	return ses, u, err
}
