package authn

import (
	"context"
	"fmt"
	"slices"

	"barillet/factors"
	"barillet/internal/audit"
)

// provable are the devices that a fresh proof may be given with: a recovery code does not do (PROTOCOL 5).
func (s *Service) provable(u *User) []factors.Device {
	var out []factors.Device
	for _, d := range s.usable(u) {
		if !s.Describe(d).Spare {
			out = append(out, d)
		}
	}
	return out
}

// ChallengeProof opens a fresh proof by one kind in a session and tells what to show.
func (s *Service) ChallengeProof(ctx context.Context, from Origin, session Secret, kind factors.Kind) (Prompt, error) {
	a := s.NewAct(from)
	return Do(ctx, s, a, func(w *Work) (Prompt, error) {
		ses, u, err := w.session(session, a.Now)
		if err != nil {
			return Prompt{}, err
		}
		prompt, c, err := s.beginVerify(a.Now, &u, s.provable(&u), ses.Ceremony, kind)
		if err != nil {
			return Prompt{}, err
		}
		ses.Ceremony = c
		return prompt, w.keepSession(session, ses)
	})
}

func (w *Work) keepSession(secret Secret, ses Session) error {
	if err := w.s.sessions.Put(w.Tx, secret.Hash(), ses); err != nil {
		return fmt.Errorf("storing a session: %w", err)
	}
	return nil
}

// Prove judges a device for an act that follows; an accepted one counts for five minutes.
func (s *Service) Prove(ctx context.Context, from Origin, session Secret, kind factors.Kind, answer []byte) (Judged, error) {
	return s.prove(ctx, from, session, kind, answer, nil, func(w *Work, ses *Session, u *User) error {
		ses.Proof = Proof{At: w.Act.Now}
		return w.AuditUser(u, audit.FreshProof, audit.Success, string(kind))
	})
}

// prove judges an answer given in a session and, when it is accepted, does then in the Update that stores it.
// prepare sees session and person as judged, outside any transaction and before the answer is: whatever it
// refuses, the answer stays unjudged and good. nil: nothing to prepare.
func (s *Service) prove(ctx context.Context, from Origin, session Secret, kind factors.Kind, answer []byte,
	prepare func(a *Act, ses *Session, u *User) error, then func(w *Work, ses *Session, u *User) error) (Judged, error) {
	return s.answered(ctx, from, session, func(a *Act, ses *Session, u *User) (asked, error) {
		return asked{kind, func(known bool) (attempt, error) {
			if prepare != nil {
				if err := prepare(a, ses, u); err != nil {
					return attempt{}, err
				}
			}
			return s.judge(a, u, s.provable(u), ses.Ceremony, kind, known, answer)
		}}, nil
	}, then)
}

// asked is an answer that is to be judged in a session, once it is known that it may be.
type asked struct {
	kind  factors.Kind
	judge func(known bool) (attempt, error)
}

// byDevice is an answer about one device, which its kind judges in a way of its own.
func (s *Service) byDevice(u *User, d factors.Device, judge func() (factors.Outcome, error)) asked {
	return asked{d.Kind, func(known bool) (attempt, error) {
		o, err := judge()
		if err != nil {
			return attempt{}, fmt.Errorf("judging an answer of %s: %w", d.Kind, err)
		}
		return attempt{kind: d.Kind, class: s.classOf(d.Kind), known: known, rev: u.Rev, outcome: o}, nil
	}}
}

// answered judges an answer given in a session and, when it is accepted, does then in the Update that stores it. ask
// finds out what is answered; whatever it refuses, the answer stays unjudged and good.
func (s *Service) answered(ctx context.Context, from Origin, session Secret, ask func(a *Act, ses *Session, u *User) (asked, error),
	then func(w *Work, ses *Session, u *User) error) (Judged, error) {
	var out Judged
	err := again(ctx, func() (bool, error) {
		a := s.NewAct(from)
		ses, u, err := s.sessionOf(ctx, a, session)
		if err != nil {
			return false, err
		}
		q, err := ask(a, &ses, &u)
		if err != nil {
			return false, err
		}
		known := u.knows(from.Browser, a.Now)
		if wait, err := s.waiting(ctx, a, &u, q.kind, known); err != nil || wait > 0 {
			out = Judged{Wait: wait}
			return true, err
		}
		t, err := q.judge(known)
		if err != nil {
			return false, err
		}
		done, err := Do(ctx, s, a, func(w *Work) (*Judged, error) { return w.storeProven(session, t, then) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	return out, err
}

func (s *Service) sessionOf(ctx context.Context, a *Act, secret Secret) (ses Session, u User, err error) {
	err = s.View(ctx, func(r Reader) error {
		var err error
		ses, u, err = r.session(secret, a.Now)
		return err
	})
	return ses, u, err
}

// storeProven stores what a proof came to; nil when the record is not the one that was judged.
func (w *Work) storeProven(secret Secret, t attempt, then func(w *Work, ses *Session, u *User) error) (*Judged, error) {
	ses, u, err := w.session(secret, w.Act.Now)
	if err != nil {
		return nil, err
	}
	if u.Rev != t.rev {
		return nil, nil
	}
	epoch := u.Epoch
	j, err := w.count(&u, t)
	if err != nil || j.Wait > 0 {
		return &j, err
	}
	if j.Accepted() {
		ses.Ceremony = ses.Ceremony.with(w.Act.Now, t.kind, nil)
		ses.AMR = addAMR(false, slices.Concat(ses.AMR, t.outcome.AMR)) // the session shows more than at its sign-in: a step-up
		if slices.Contains(t.outcome.AMR, amrKey) {
			ses.Keyed = w.Act.Now
		}
		if err := then(w, &ses, &u); err != nil {
			return nil, err
		}
	} else {
		ses.Ceremony = ses.Ceremony.with(w.Act.Now, t.kind, t.outcome.Pending)
	}
	if u.Epoch != epoch {
		ses.Epoch = u.Epoch // a clone's mark ends the other sessions; this one holds the password and a device's answer
	}
	if err := w.keepSession(secret, ses); err != nil {
		return nil, err
	}
	return &j, w.Save(&u)
}
