package authn

import (
	"context"
	"fmt"

	"barillet/internal/throttle"
)

// PasswordChange is a change of somebody's password by a program of an operator, who then knows the new one.
type PasswordChange struct {
	Who             func(Reader) (User, error) // finds the person and judges the operator, in each run
	Hand            string                     // the operator's id: the new password came by it (PROTOCOL 8)
	Current, Chosen string
	Tell            func(w *Work, u *User, changed bool) error // audits, and tells the person of what was changed
}

// ChangePasswordFor judges the present password as a sign-in from an unknown browser does, with the same limits and
// counters over all doors (PROTOCOL 22), and sets the new one. Every session ends. CodeInvalid: what was chosen may not
// be a password, or the present one ("current") is wrong, which was counted; CodeWait; CodeState: not active.
func (s *Service) ChangePasswordFor(ctx context.Context, from Origin, p PasswordChange) error {
	var out signedIn
	err := again(ctx, func() (bool, error) {
		a := s.NewAct(from)
		c, err := s.changing(ctx, a, p)
		if err != nil {
			return false, err
		}
		if c.wait > 0 {
			out = signedIn{wait: c.wait}
			return true, nil
		}
		right, _, err := s.Passwords.Verify(ctx, false, c.user.Password.PHC, p.Current)
		if CodeOf(err) == CodeInvalid { // nobody has such a password
			return false, Invalid("current", "too_long")
		}
		if err != nil {
			return false, fmt.Errorf("verifying a password: %w", err)
		}
		phc := ""
		if right {
			if phc, err = s.Passwords.Hash(ctx, false, p.Chosen); err != nil {
				return false, fmt.Errorf("hashing a password: %w", err)
			}
		}
		done, err := Do(ctx, s, a, func(w *Work) (*signedIn, error) { return w.storeChangeFor(p, c, phc) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	switch {
	case err != nil:
		return err
	case out.code != "":
		return Invalid("current", "wrong")
	}
	return out.refused()
}

// changing finds the person and whether an attempt may be judged, after what can be told without one.
func (s *Service) changing(ctx context.Context, a *Act, p PasswordChange) (candidate, error) {
	var c candidate
	err := s.View(ctx, func(r Reader) error {
		u, err := p.Who(r)
		if err != nil {
			return err
		}
		if u.Status != StatusActive {
			return wrongState(ReasonNotActive)
		}
		c = candidate{user: u, found: true, counts: s.guessID(u.ID)}
		c.wait, err = s.mayTry(r.r, a, c)
		return err
	})
	if err == nil {
		err = s.Passwords.Check(p.Chosen, s.about(&c.user))
	}
	return c, err
}

// storeChangeFor stores the change, or with phc "" a wrong password; nil when the password is no longer the one that
// was judged (PROTOCOL 32).
func (w *Work) storeChangeFor(p PasswordChange, c candidate, phc string) (*signedIn, error) {
	u, err := p.Who(w.Reader)
	if err != nil {
		return nil, err
	}
	if u.Password.PHC != c.user.Password.PHC {
		return nil, nil
	}
	wait, err := w.s.mayTry(w.Tx, w.Act, c)
	if err != nil || wait > 0 {
		return &signedIn{wait: wait}, err
	}
	if err := w.countPassword(c, phc != ""); err != nil {
		return nil, err
	}
	if phc == "" {
		return &signedIn{code: CodeSignIn}, p.Tell(w, &u, false)
	}
	if err := w.SetPassword(&u, phc, p.Hand, ""); err != nil {
		return nil, err
	}
	if err := p.Tell(w, &u, true); err != nil {
		return nil, err
	}
	return &signedIn{}, w.Save(&u)
}

// countPassword counts a password that was judged: a right one ends the row of wrong ones, a wrong one is counted for
// the person or ghost and where it came from. The one place for every door that a stranger may knock at.
func (w *Work) countPassword(c candidate, right bool) error {
	g, err := w.s.Guesses.Get(w.Tx, c.counts)
	if err != nil {
		return fmt.Errorf("reading wrong answers: %w", err)
	}
	count := g.Wrong
	if right {
		count = g.Right
	}
	if err := w.s.Guesses.Put(w.Tx, w.Act.Now, c.counts, count(w.Act.Now, throttle.Password, c.known)); err != nil {
		return fmt.Errorf("counting a password: %w", err)
	}
	if right {
		return nil
	}
	return w.countFailure(c.known)
}
