package authn

import (
	"context"
	"fmt"
	"slices"

	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/secret"
)

// canStepUp are the devices that a fresh proof may be given with: a recovery code does not do (PROTOCOL 5).
func (s *SignInService) canStepUp(u *User) []factors.Device {
	var out []factors.Device
	for _, d := range s.Accounts.usable(u) {
		if !s.Accounts.backup(d) {
			out = append(out, d)
		}
	}
	return out
}

// BeginStepUp opens a fresh proof by one input in a session and returns what to show.
func (s *SignInService) BeginStepUp(ctx context.Context, req RequestInfo, session secret.Value, input factors.Input) (Prompt, error) {
	op := s.Accounts.NewOperation(req)
	return Update(ctx, s.Accounts, op, func(tx *Tx) (Prompt, error) {
		ses, u, err := s.Sessions.session(tx.Reader, session, op.Now)
		if err != nil {
			return Prompt{}, err
		}
		prompt, c, err := s.beginVerify(op.Now, &u, s.canStepUp(&u), ses.Ceremony, input)
		if err != nil {
			return Prompt{}, err
		}
		ses.Ceremony = c
		return prompt, s.Sessions.keepSession(tx, session, ses)
	})
}

// StepUp judges a device for an act that follows; an accepted one counts for five minutes.
func (s *SignInService) StepUp(ctx context.Context, req RequestInfo, session secret.Value, input factors.Input, answer []byte) (Verification, error) {
	return s.stepUp(ctx, req, session, input, answer, nil, func(tx *Tx, ses *Session, u *User) error {
		ses.StepUp = StepUp{At: tx.Op.Now}
		return tx.AuditUser(u, audit.StepUp, audit.Success, string(input))
	})
}

// stepUp judges an answer given in a session and, when it is accepted, does then in the Update that stores it.
// prepare sees session and person as judged, outside any transaction and before the answer is: whatever it
// refuses, the answer stays unjudged and good. nil: nothing to prepare.
func (s *SignInService) stepUp(ctx context.Context, req RequestInfo, session secret.Value, input factors.Input, answer []byte,
	prepare func(op *Operation, ses *Session, u *User) error, then func(tx *Tx, ses *Session, u *User) error) (Verification, error) {
	return s.answered(ctx, req, session, func(op *Operation, ses *Session, u *User) (asked, error) {
		return asked{input, func(known bool) (deviceAttempt, error) {
			if prepare != nil {
				if err := prepare(op, ses, u); err != nil {
					return deviceAttempt{}, err
				}
			}
			return s.verifyAnswer(op, u, s.canStepUp(u), ses.Ceremony, input, known, answer)
		}}, nil
	}, then)
}

// asked is an answer that is to be judged in a session, once it is known that it may be.
type asked struct {
	input factors.Input
	judge func(known bool) (deviceAttempt, error)
}

// byDevice is an answer about one device, which its kind judges in a way of its own.
func (s *SignInService) byDevice(u *User, d factors.Device, judge func() (factors.Outcome, error)) asked {
	input := s.Accounts.Method(d.Kind).Input
	return asked{input, func(known bool) (deviceAttempt, error) {
		o, err := judge()
		if err != nil {
			return deviceAttempt{}, fmt.Errorf("judging an answer of %s: %w", d.Kind, err)
		}
		t := deviceAttempt{input: input, known: known, rev: u.Revision}
		t.add(d.Kind, o)
		return t, nil
	}}
}

// answered judges an answer given in a session and, when it is accepted, does then in the Update that stores it. ask
// finds out what is answered; whatever it refuses, the answer stays unjudged and good.
func (s *SignInService) answered(ctx context.Context, req RequestInfo, session secret.Value, ask func(op *Operation, ses *Session, u *User) (asked, error),
	then func(tx *Tx, ses *Session, u *User) error) (Verification, error) {
	var out Verification
	err := retryOnConflict(ctx, func() (bool, error) {
		op := s.Accounts.NewOperation(req)
		ses, u, err := s.sessionOf(ctx, op, session)
		if err != nil {
			return false, err
		}
		q, err := ask(op, &ses, &u)
		if err != nil {
			return false, err
		}
		known := u.knowsBrowser(req.Browser, op.Now)
		if wait, err := s.waiting(ctx, op, &u, q.input, known); err != nil || wait > 0 {
			out = Verification{Wait: wait}
			return true, err
		}
		t, err := q.judge(known)
		if err != nil {
			return false, err
		}
		done, err := Update(ctx, s.Accounts, op, func(tx *Tx) (*Verification, error) { return s.storeStepUp(tx, session, t, then) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	return out, err
}

func (s *SignInService) sessionOf(ctx context.Context, op *Operation, secret secret.Value) (ses Session, u User, err error) {
	err = s.Accounts.View(ctx, func(r Reader) error {
		var err error
		ses, u, err = s.Sessions.session(r, secret, op.Now)
		return err
	})
	return ses, u, err
}

// storeStepUp stores what a proof came to; nil when the record is not the one that was judged.
func (s *SignInService) storeStepUp(tx *Tx, secret secret.Value, t deviceAttempt, then func(tx *Tx, ses *Session, u *User) error) (*Verification, error) {
	ses, u, err := s.Sessions.session(tx.Reader, secret, tx.Op.Now)
	if err != nil {
		return nil, err
	}
	if u.Revision != t.rev {
		return nil, nil
	}
	epoch := u.Epoch
	j, err := s.count(tx, &u, t)
	if err != nil || j.Wait > 0 {
		return &j, err
	}
	ses.Ceremony = s.remember(tx.Op.Now, ses.Ceremony, t)
	if j.Accepted() {
		ses.AMR = addAMR(false, slices.Concat(ses.AMR, t.outcome.AMR)) // the session shows more than at its sign-in: a step-up
		if slices.Contains(t.outcome.AMR, amrKey) {
			ses.PhishingResistantAt = tx.Op.Now
		}
		if err := then(tx, &ses, &u); err != nil {
			return nil, err
		}
	}
	if u.Epoch != epoch {
		ses.Epoch = u.Epoch // a clone's mark ends the other sessions; this one holds the password and a device's answer
	}
	if err := s.Sessions.keepSession(tx, secret, ses); err != nil {
		return nil, err
	}
	return &j, tx.Save(&u)
}
