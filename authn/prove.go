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
	var out Judged
	err := again(ctx, func() (bool, error) {
		a := s.NewAct(from)
		ses, u, err := s.sessionOf(ctx, a, session)
		if err != nil {
			return false, err
		}
		known := u.knows(from.Browser, a.Now)
		if wait, err := s.waiting(ctx, a, &u, kind, known); err != nil || wait > 0 {
			out = Judged{Wait: wait}
			return true, err
		}
		if prepare != nil {
			if err := prepare(a, &ses, &u); err != nil {
				return false, err
			}
		}
		t, err := s.judge(a, &u, s.provable(&u), ses.Ceremony, kind, known, answer)
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
		ses.AMR = addAMR(slices.Contains(ses.AMR, "pwd"), slices.Concat(ses.AMR, t.outcome.AMR)) // what applications are told
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
