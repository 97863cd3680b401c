package authn

import (
	"context"
	"fmt"
	"slices"

	"barillet/factors"
	"barillet/internal/audit"
)

// canStepUp are the devices that a fresh proof may be given with: a recovery code does not do (PROTOCOL 5).
func (s *Service) canStepUp(u *User) []factors.Device {
	var out []factors.Device
	for _, d := range s.usable(u) {
		if !s.Describe(d).Spare {
			out = append(out, d)
		}
	}
	return out
}

// BeginStepUp opens a fresh proof by one kind in a session and tells what to show.
func (s *Service) BeginStepUp(ctx context.Context, from RequestInfo, session Secret, kind factors.Kind) (Prompt, error) {
	a := s.NewOperation(from)
	return Update(ctx, s, a, func(w *Tx) (Prompt, error) {
		ses, u, err := w.session(session, a.Now)
		if err != nil {
			return Prompt{}, err
		}
		prompt, c, err := s.beginVerify(a.Now, &u, s.canStepUp(&u), ses.Ceremony, kind)
		if err != nil {
			return Prompt{}, err
		}
		ses.Ceremony = c
		return prompt, w.keepSession(session, ses)
	})
}

func (w *Tx) keepSession(secret Secret, ses Session) error {
	if err := w.s.sessions.Put(w.Raw, secret.Hash(), ses); err != nil {
		return fmt.Errorf("storing a session: %w", err)
	}
	return nil
}

// StepUp judges a device for an act that follows; an accepted one counts for five minutes.
func (s *Service) StepUp(ctx context.Context, from RequestInfo, session Secret, kind factors.Kind, answer []byte) (Verification, error) {
	return s.stepUp(ctx, from, session, kind, answer, nil, func(w *Tx, ses *Session, u *User) error {
		ses.StepUp = StepUp{At: w.Op.Now}
		return w.AuditUser(u, audit.StepUp, audit.Success, string(kind))
	})
}

// stepUp judges an answer given in a session and, when it is accepted, does then in the Update that stores it.
// prepare sees session and person as judged, outside any transaction and before the answer is: whatever it
// refuses, the answer stays unjudged and good. nil: nothing to prepare.
func (s *Service) stepUp(ctx context.Context, from RequestInfo, session Secret, kind factors.Kind, answer []byte,
	prepare func(a *Operation, ses *Session, u *User) error, then func(w *Tx, ses *Session, u *User) error) (Verification, error) {
	return s.answered(ctx, from, session, func(a *Operation, ses *Session, u *User) (asked, error) {
		return asked{kind, func(known bool) (deviceAttempt, error) {
			if prepare != nil {
				if err := prepare(a, ses, u); err != nil {
					return deviceAttempt{}, err
				}
			}
			return s.verifyAnswer(a, u, s.canStepUp(u), ses.Ceremony, kind, known, answer)
		}}, nil
	}, then)
}

// asked is an answer that is to be judged in a session, once it is known that it may be.
type asked struct {
	kind  factors.Kind
	judge func(known bool) (deviceAttempt, error)
}

// byDevice is an answer about one device, which its kind judges in a way of its own.
func (s *Service) byDevice(u *User, d factors.Device, judge func() (factors.Outcome, error)) asked {
	return asked{d.Kind, func(known bool) (deviceAttempt, error) {
		o, err := judge()
		if err != nil {
			return deviceAttempt{}, fmt.Errorf("judging an answer of %s: %w", d.Kind, err)
		}
		return deviceAttempt{kind: d.Kind, class: s.classOf(d.Kind), known: known, rev: u.Revision, outcome: o}, nil
	}}
}

// answered judges an answer given in a session and, when it is accepted, does then in the Update that stores it. ask
// finds out what is answered; whatever it refuses, the answer stays unjudged and good.
func (s *Service) answered(ctx context.Context, from RequestInfo, session Secret, ask func(a *Operation, ses *Session, u *User) (asked, error),
	then func(w *Tx, ses *Session, u *User) error) (Verification, error) {
	var out Verification
	err := retryOnConflict(ctx, func() (bool, error) {
		a := s.NewOperation(from)
		ses, u, err := s.sessionOf(ctx, a, session)
		if err != nil {
			return false, err
		}
		q, err := ask(a, &ses, &u)
		if err != nil {
			return false, err
		}
		known := u.knowsBrowser(from.Browser, a.Now)
		if wait, err := s.waiting(ctx, a, &u, q.kind, known); err != nil || wait > 0 {
			out = Verification{Wait: wait}
			return true, err
		}
		t, err := q.judge(known)
		if err != nil {
			return false, err
		}
		done, err := Update(ctx, s, a, func(w *Tx) (*Verification, error) { return w.storeStepUp(session, t, then) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	return out, err
}

func (s *Service) sessionOf(ctx context.Context, a *Operation, secret Secret) (ses Session, u User, err error) {
	err = s.View(ctx, func(r Reader) error {
		var err error
		ses, u, err = r.session(secret, a.Now)
		return err
	})
	return ses, u, err
}

// storeStepUp stores what a proof came to; nil when the record is not the one that was judged.
func (w *Tx) storeStepUp(secret Secret, t deviceAttempt, then func(w *Tx, ses *Session, u *User) error) (*Verification, error) {
	ses, u, err := w.session(secret, w.Op.Now)
	if err != nil {
		return nil, err
	}
	if u.Revision != t.rev {
		return nil, nil
	}
	epoch := u.Epoch
	j, err := w.count(&u, t)
	if err != nil || j.Wait > 0 {
		return &j, err
	}
	if j.Accepted() {
		ses.Ceremony = ses.Ceremony.with(w.Op.Now, t.kind, nil)
		ses.AMR = addAMR(false, slices.Concat(ses.AMR, t.outcome.AMR)) // the session shows more than at its sign-in: a step-up
		if slices.Contains(t.outcome.AMR, amrKey) {
			ses.PhishingResistantAt = w.Op.Now
		}
		if err := then(w, &ses, &u); err != nil {
			return nil, err
		}
	} else {
		ses.Ceremony = ses.Ceremony.with(w.Op.Now, t.kind, t.outcome.Pending)
	}
	if u.Epoch != epoch {
		ses.Epoch = u.Epoch // a clone's mark ends the other sessions; this one holds the password and a device's answer
	}
	if err := w.keepSession(secret, ses); err != nil {
		return nil, err
	}
	return &j, w.Save(&u)
}
