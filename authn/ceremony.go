package authn

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/throttle"
)

// maxRounds is the maximum number of attempts to store a verification whose user record changed meanwhile (protocol rule
// 32). An attempt fails only because another change was stored.
const maxRounds = 12

// failureClass returns the failure counter of an input (protocol rule 17). The input decides, not the devices that the user has.
func failureClass(input factors.Input) throttle.Class {
	switch input {
	case factors.InputAssertion:
		return throttle.Key
	case factors.InputBackup:
		return throttle.Recovery
	}
	return throttle.Code
}

// Verification is the result of an answer. Its zero value is an accepted one.
type Verification struct {
	Kind      factors.Kind // of the device that decided; "": none was asked
	Rejected  factors.Reason
	ClockOff  time.Duration // with factors.ReasonClock: how far the user's clock is ahead
	Wait      time.Duration // too many wrong answers: the answer was not verified
	CodesLeft int           // recovery codes left, after one was taken

	notified bool // the user's activity list has changed: the record must be saved
}

// Accepted reports whether the answer was accepted.
func (j Verification) Accepted() bool { return j.Rejected == factors.ReasonNone && j.Wait == 0 }

// beginVerify opens a ceremony of the first kind with this input of which have holds a device, beside the open
// ceremonies of other kinds. Without such a device it is the first kind with this input.
func (s *Service) beginVerify(now time.Time, u *account.User, have []factors.Device, open *account.Ceremony, input factors.Input) (account.Prompt, *account.Ceremony, error) {
	all := s.withInput(input)
	if len(all) == 0 {
		return account.Prompt{}, nil, errcode.New(errcode.NotFound)
	}
	f := all[max(0, slices.IndexFunc(all, func(f factors.Factor) bool { return holds(have, f.Kind()) }))]
	kind := f.Kind()
	p, pending, err := f.BeginVerify(now, s.Accounts.Subject(u), have)
	if err != nil {
		return account.Prompt{}, nil, fmt.Errorf("beginning to verify by %s: %w", kind, err)
	}
	prompt, err := account.NewPrompt(p)
	if err != nil {
		return account.Prompt{}, nil, fmt.Errorf("keeping a prompt of %s: %w", kind, err)
	}
	c := account.Ceremony{Pending: map[factors.Kind]factors.Pending{}}
	if open != nil && now.Before(open.Expires) {
		maps.Copy(c.Pending, open.Pending)
	}
	c.Pending[kind], c.At, c.Expires = pending, now, now.Add(account.StepUpTTL)
	return prompt, &c, nil
}

// withInput returns the registered kinds with this input.
func (s *Service) withInput(input factors.Input) []factors.Factor {
	var out []factors.Factor
	for _, f := range s.Accounts.Factors {
		if f.Method().Input == input {
			out = append(out, f)
		}
	}
	return out
}

func holds(devices []factors.Device, kind factors.Kind) bool {
	return slices.ContainsFunc(devices, func(d factors.Device) bool { return d.Kind == kind })
}

// DeviceAttempt is an answer that was verified outside any transaction, and the state on which it was verified.
type DeviceAttempt struct {
	input    factors.Input
	known    bool
	Revision uint64
	By       audit.Actor // the principal that sent the answer; zero: the user
	Kind     factors.Kind
	outcome  factors.Outcome // of kind, which decided
	outcomes []kindOutcome   // of every kind that was asked
}

// kindOutcome is the outcome of one kind.
type kindOutcome struct {
	kind    factors.Kind
	outcome factors.Outcome
}

// byAdmin reports whether a principal sent the answer, outside of any sign-in of the user.
func (t *DeviceAttempt) byAdmin() bool { return t.By != (audit.Actor{}) }

// ranks orders the refusals of several kinds: the first one decides. A code that was used before is not counted, so it
// comes before those that are.
var ranks = []factors.Reason{factors.ReasonNone, factors.ReasonClone, factors.ReasonReplayed, factors.ReasonClock, factors.ReasonResync,
	factors.ReasonWrong, factors.ReasonPolicy, factors.ReasonFormat, factors.ReasonExpired}

// name returns the kind that decided, or the input if the user has no device for it.
func (t *DeviceAttempt) name() string { return cmp.Or(string(t.Kind), string(t.input)) }

// add records the outcome of one more kind.
func (t *DeviceAttempt) add(kind factors.Kind, o factors.Outcome) {
	if len(t.outcomes) == 0 || slices.Index(ranks, o.Rejected) < slices.Index(ranks, t.outcome.Rejected) {
		t.Kind, t.outcome = kind, o
	}
	t.outcomes = append(t.outcomes, kindOutcome{kind, o})
}

// devices returns the devices as they must now be stored. If a kind accepted the answer, only its device changes.
func (t *DeviceAttempt) devices() []factors.Device {
	var out []factors.Device
	for _, x := range t.outcomes {
		if x.outcome.Device.ID != "" && (x.kind == t.Kind || !t.outcome.Accepted()) {
			out = append(out, x.outcome.Device)
		}
	}
	return out
}

// Remember returns the ceremony with what the kinds need for the next try. After an accepted answer they need nothing.
func (s *Service) Remember(now time.Time, c *account.Ceremony, t DeviceAttempt) *account.Ceremony {
	if t.outcome.Accepted() {
		for _, f := range s.withInput(t.input) {
			c = c.With(now, f.Kind(), nil)
		}
		return c
	}
	for _, x := range t.outcomes {
		c = c.With(now, x.kind, x.outcome.Pending)
	}
	return c
}

// VerifyAnswer verifies an answer against the user as read, outside any transaction. It asks each kind with the input of which
// have holds a device. The first acceptance wins. A refusal is one refusal, regardless of the number of kinds.
func (s *Service) VerifyAnswer(op *account.Operation, u *account.User, have []factors.Device, open *account.Ceremony, input factors.Input, known bool, answer []byte) (DeviceAttempt, error) {
	t := DeviceAttempt{input: input, known: known, Revision: u.Revision, outcome: factors.Outcome{Rejected: factors.ReasonExpired}}
	for _, f := range s.withInput(input) {
		kind := f.Kind()
		if !holds(have, kind) {
			continue
		}
		pending := open.PendingFor(kind, op.Now)
		if input == factors.InputAssertion && pending == nil {
			t.add(kind, factors.Outcome{Rejected: factors.ReasonExpired})
			continue
		}
		o, err := f.FinishVerify(op.Now, s.Accounts.Subject(u), have, pending, answer)
		if err != nil {
			return DeviceAttempt{}, fmt.Errorf("verifying by %s: %w", kind, err)
		}
		if t.add(kind, o); o.Accepted() {
			break
		}
	}
	return t, nil
}

// deviceWait returns how long to wait before an answer of this class is verified; 0: now.
func (s *Service) deviceWait(r account.Reader, now time.Time, u *account.User, class throttle.Class, known bool) (time.Duration, throttle.Failures, error) {
	f, err := s.Accounts.Failures.Get(r.Raw, s.Accounts.FailureID(u.ID))
	if err != nil {
		return 0, f, fmt.Errorf("reading wrong answers: %w", err)
	}
	if ok, until := f.Allowed(now, class, known); !ok {
		return max(until.Sub(now), time.Second), f, nil
	}
	return 0, f, nil
}

// The user is notified after the third wrong code in a row behind the right password, and after each ten more (promise
// A10). The count is the user's, because an attacker can begin a new sign-in for every two tries.
const noticeAt, noticeEach = 3, 10

// Count stores what an attempt changes in the user's devices and failure counters; the caller saves the user. Every
// endpoint counts the answers of devices here (protocol rule 17).
func (s *Service) Count(tx *account.Tx, u *account.User, t DeviceAttempt) (Verification, error) {
	wait, f, err := s.deviceWait(tx.Reader, tx.Op.Now, u, failureClass(t.input), t.known)
	if err != nil || wait > 0 {
		return Verification{Wait: wait}, err
	}
	o := t.outcome
	for _, d := range t.devices() {
		if u.Device(d.ID) != nil {
			u.Devices = ReplaceDevice(u.Devices, d)
		}
	}
	j := Verification{Kind: t.Kind, Rejected: o.Rejected, ClockOff: o.ClockOff, CodesLeft: o.Remaining}
	id := s.Accounts.FailureID(u.ID)
	switch {
	case o.Accepted():
		return j, s.Accounts.Failures.Put(tx.Raw, tx.Op.Now, id, f.WithSuccess(tx.Op.Now, failureClass(t.input), t.known))
	case o.Rejected == factors.ReasonWrong, o.Rejected == factors.ReasonClock, o.Rejected == factors.ReasonResync:
		wrong := f.WithFailure(tx.Op.Now, failureClass(t.input), t.known)
		if t.byAdmin() { // no password was given before it
			wrong.WrongAfterPassword = f.WrongAfterPassword
		}
		err = s.Accounts.Failures.Put(tx.Raw, tx.Op.Now, id, wrong)
		if err == nil && t.input == factors.InputCode && !t.byAdmin() && wrong.Streak%noticeEach == noticeAt {
			tx.AddFailedActivity(u, audit.FactorProven)
			j.notified = true
			err = tx.NotifyLimited(u, notice.WrongCodes{Context: tx.About(u), Count: wrong.Streak})
		}
	case o.Rejected == factors.ReasonClone:
		tx.AddActivity(u, audit.FactorMarked, o.Device.Name)
		if err = tx.Notify(u, notice.SecurityKeyDisabled{Context: tx.About(u), Device: o.Device.Name}, time.Time{}); err == nil {
			u.Epoch++ // a device is no longer usable (protocol rule 2)
		}
	}
	if err != nil {
		return j, err
	}
	return j, s.AuditAnswer(tx, u, t, audit.Failure, t.name()+": "+string(o.Rejected))
}

// AuditAnswer records the result of an answer, and who sent it.
func (s *Service) AuditAnswer(tx *account.Tx, u *account.User, t DeviceAttempt, outcome, reason string) error {
	if !t.byAdmin() {
		return tx.AuditUser(u, audit.FactorProven, outcome, reason)
	}
	e := audit.Event{Actor: t.By, Subject: string(u.ID), SubjectName: u.Login, Action: audit.FactorProven, Outcome: outcome, Reason: reason}
	if d := t.outcome.Device; d.ID != "" {
		e.Targets = []audit.Actor{{Type: audit.TypeDevice, ID: string(d.ID), Name: d.Name}}
	}
	return tx.Audit(e)
}

// ReplaceDevice returns a copy of the list with one device replaced.
func ReplaceDevice(list []factors.Device, d factors.Device) []factors.Device {
	out := make([]factors.Device, len(list))
	for i := range list {
		if out[i] = list[i]; out[i].ID == d.ID {
			out[i] = d
		}
	}
	return out
}

// RetryOnConflict calls round until it has stored its result on the record on which it verified the answer.
func RetryOnConflict(ctx context.Context, round func() (stored bool, err error)) error {
	for range maxRounds {
		stored, err := round()
		if stored || err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return &errcode.Error{Code: errcode.Overloaded, RetryAfter: time.Second}
}
