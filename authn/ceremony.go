package authn

import (
	"context"
	"fmt"
	"maps"
	"time"

	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/throttle"
	"barillet/templates"
)

// rounds is how often a judgement begins again because the person's record changed meanwhile (PROTOCOL 32).
// Each round loses only to a change that was stored.
const rounds = 12

// class is which counter an answer of this kind moves (PROTOCOL 17).
func class(d factors.Description) throttle.Class {
	switch {
	case d.Strong:
		return throttle.Key
	case d.Spare:
		return throttle.Recovery
	}
	return throttle.Code
}

// classOf is the class of a kind, whether or not the person has a device of it: what is asked for decides which
// counter moves, not what is found.
func (s *SignInService) classOf(kind factors.Kind) throttle.Class {
	return class(s.Accounts.Describe(factors.Device{Kind: kind}))
}

// Verification is what an answer came to. Its zero value is an answer that was accepted.
type Verification struct {
	Rejected  factors.Reason
	ClockOff  time.Duration // with factors.ReasonClock: how far the person's clock is ahead
	Wait      time.Duration // too many wrong answers: nothing was judged
	CodesLeft int           // recovery codes left, after one was taken

	told bool // the person was told of it on their own page: their record is to be saved
}

// Accepted tells whether the answer was right and taken.
func (j Verification) Accepted() bool { return j.Rejected == factors.ReasonNone && j.Wait == 0 }

// beginVerify opens a ceremony of one kind, beside those of other kinds that are open.
func (s *SignInService) beginVerify(now time.Time, u *User, have []factors.Device, open *Ceremony, kind factors.Kind) (Prompt, *Ceremony, error) {
	f := s.Accounts.factor(kind)
	if f == nil {
		return Prompt{}, nil, Refuse(CodeNotFound)
	}
	p, pending, err := f.BeginVerify(now, s.Accounts.subject(u), have)
	if err != nil {
		return Prompt{}, nil, fmt.Errorf("beginning to verify by %s: %w", kind, err)
	}
	prompt, err := keepDevice(p)
	if err != nil {
		return Prompt{}, nil, fmt.Errorf("keeping a prompt of %s: %w", kind, err)
	}
	c := Ceremony{Pending: map[factors.Kind]factors.Pending{}}
	if open != nil && now.Before(open.Expires) {
		maps.Copy(c.Pending, open.Pending)
	}
	c.Pending[kind], c.At, c.Expires = pending, now, now.Add(StepUpTTL)
	return prompt, &c, nil
}

// deviceAttempt is an answer that was judged outside any transaction, with what it was judged on.
type deviceAttempt struct {
	kind    factors.Kind
	class   throttle.Class
	known   bool
	rev     uint64
	by      audit.Actor // who brought the answer; zero: the person
	pending factors.Pending
	outcome factors.Outcome
}

// apart tells that an operator's program brought the answer, outside of any sign-in of the person.
func (t *deviceAttempt) apart() bool { return t.by != (audit.Actor{}) }

// verifyAnswer verifies an answer against the person as read, outside any transaction.
func (s *SignInService) verifyAnswer(op *Operation, u *User, have []factors.Device, open *Ceremony, kind factors.Kind, known bool, answer []byte) (deviceAttempt, error) {
	f := s.Accounts.factor(kind)
	if f == nil {
		return deviceAttempt{}, Refuse(CodeNotFound)
	}
	t := deviceAttempt{kind: kind, class: s.classOf(kind), known: known, rev: u.Revision, pending: open.pending(kind, op.Now)}
	if t.class == throttle.Key && t.pending == nil {
		t.outcome.Rejected = factors.ReasonExpired
		return t, nil
	}
	var err error
	if t.outcome, err = f.FinishVerify(op.Now, s.Accounts.subject(u), have, t.pending, answer); err != nil {
		return deviceAttempt{}, fmt.Errorf("verifying by %s: %w", kind, err)
	}
	return t, nil
}

// deviceWait tells how long to wait before an answer of this class is judged; 0: now.
func (s *SignInService) deviceWait(r Reader, now time.Time, u *User, class throttle.Class, known bool) (time.Duration, throttle.Failures, error) {
	f, err := s.Accounts.Failures.Get(r.r, s.Accounts.failureID(u.ID))
	if err != nil {
		return 0, f, fmt.Errorf("reading wrong answers: %w", err)
	}
	if ok, until := f.Allowed(now, class, known); !ok {
		return max(until.Sub(now), time.Second), f, nil
	}
	return 0, f, nil
}

// The person is told after the third wrong code in a row behind the right password, and after each ten more
// (BAR A10): by the person's own count, since a guesser opens a new login for every two tries.
const noticeAt, noticeEach = 3, 10

// count stores what an attempt means for the person's devices and counters; the caller saves the person. The
// one place where the answer to any secret of a device is counted, for every door (PROTOCOL 17).
func (s *SignInService) count(tx *Tx, u *User, t deviceAttempt) (Verification, error) {
	wait, f, err := s.deviceWait(tx.Reader, tx.Op.Now, u, t.class, t.known)
	if err != nil || wait > 0 {
		return Verification{Wait: wait}, err
	}
	o := t.outcome
	if o.Device.ID != "" {
		if d := u.device(o.Device.ID); d != nil {
			u.Devices = replaceDevice(u.Devices, o.Device)
		}
	}
	j := Verification{Rejected: o.Rejected, ClockOff: o.ClockOff, CodesLeft: o.Remaining}
	id := s.Accounts.failureID(u.ID)
	switch {
	case o.Accepted():
		return j, s.Accounts.Failures.Put(tx.Raw, tx.Op.Now, id, f.WithSuccess(tx.Op.Now, t.class, t.known))
	case o.Rejected == factors.ReasonWrong, o.Rejected == factors.ReasonClock:
		wrong := f.WithFailure(tx.Op.Now, t.class, t.known)
		if t.apart() { // no password was given before it
			wrong.WrongAfterPassword = f.WrongAfterPassword
		}
		err = s.Accounts.Failures.Put(tx.Raw, tx.Op.Now, id, wrong)
		if err == nil && t.class == throttle.Code && !t.apart() && wrong.Streak%noticeEach == noticeAt {
			tx.AddFailedActivity(u, audit.FactorProven)
			j.told = true
			err = tx.NotifyLimited(u, templates.WrongCodesMail{Context: tx.About(u), Count: wrong.Streak})
		}
	case o.Rejected == factors.ReasonClone:
		tx.AddActivity(u, audit.FactorMarked, o.Device.Name)
		if err = tx.Notify(u, templates.KeyClonedMail{Context: tx.About(u), Device: o.Device.Name}, time.Time{}); err == nil {
			u.Epoch++ // a device that counts for nothing was taken away (PROTOCOL 2)
		}
	}
	if err != nil {
		return j, err
	}
	return j, s.auditAnswer(tx, u, t, audit.Failure, string(t.kind)+": "+string(o.Rejected))
}

// auditAnswer writes down what an answer came to, and who brought it.
func (s *SignInService) auditAnswer(tx *Tx, u *User, t deviceAttempt, outcome, reason string) error {
	if !t.apart() {
		return tx.AuditUser(u, audit.FactorProven, outcome, reason)
	}
	e := audit.Event{Actor: t.by, Subject: string(u.ID), SubjectName: u.Login, Action: audit.FactorProven, Outcome: outcome, Reason: reason}
	if d := t.outcome.Device; d.ID != "" {
		e.Targets = []audit.Actor{{Type: audit.TypeDevice, ID: string(d.ID), Name: d.Name}}
	}
	return tx.Audit(e)
}

// replaceDevice is the list with one device as it must now be stored; the list given is left alone.
func replaceDevice(list []factors.Device, d factors.Device) []factors.Device {
	out := make([]factors.Device, len(list))
	for i := range list {
		if out[i] = list[i]; out[i].ID == d.ID {
			out[i] = d
		}
	}
	return out
}

// retryOnConflict runs one round of judging after another until its outcome was stored on the record it was judged on.
func retryOnConflict(ctx context.Context, round func() (stored bool, err error)) error {
	for range rounds {
		stored, err := round()
		if stored || err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return &Error{Code: CodeOverloaded, RetryAfter: time.Second}
}
