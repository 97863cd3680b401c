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

// maxRounds is the maximum number of attempts to store a verification whose user record changed meanwhile
// (protocol rule 32). An attempt fails only because another change was stored.
const maxRounds = 12

// Verification is the result of an answer. Its zero value is an accepted one.
type Verification struct {
	Kind      factors.Kind // of the device that decided; "": no device was verified
	Rejected  factors.Reason
	ClockOff  time.Duration // with factors.ReasonClock: how far the user's clock is ahead
	Wait      time.Duration // too many wrong answers: the answer was not verified
	CodesLeft int           // recovery codes left, after one was taken

	notified bool // the user's activity list has changed: the record must be saved
}

// Accepted reports whether the answer was accepted.
func (v Verification) Accepted() bool { return v.Rejected == factors.ReasonNone && v.Wait == 0 }

// beginVerify opens a ceremony for the first kind that has this input and a device in devices. If no kind has such a
// device, it uses the first kind with this input. Open ceremonies of other kinds remain.
func (s *Service) beginVerify(now time.Time, u *account.User, devices []factors.Device, open *factors.Ceremony,
	input factors.Input) (account.Prompt, *factors.Ceremony, error) {
	all := s.withInput(input)
	if len(all) == 0 {
		return account.Prompt{}, nil, errcode.New(errcode.NotFound)
	}
	f := all[max(0, slices.IndexFunc(all, func(f factors.Factor) bool { return holds(devices, f.Kind()) }))]
	kind := f.Kind()
	p, pending, err := f.BeginVerify(now, s.Accounts.Subject(u), devices)
	if err != nil {
		return account.Prompt{}, nil, fmt.Errorf("beginning to verify by %s: %w", kind, err)
	}
	prompt, err := account.NewPrompt(p)
	if err != nil {
		return account.Prompt{}, nil, fmt.Errorf("encoding a prompt of %s: %w", kind, err)
	}
	c := factors.Ceremony{Pending: map[factors.Kind]factors.Pending{}}
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

// holds reports whether one of the devices is of this kind.
func holds(devices []factors.Device, kind factors.Kind) bool {
	return slices.ContainsFunc(devices, func(d factors.Device) bool { return d.Kind == kind })
}

// deviceAttempt is an answer that was verified outside a transaction, and the revision of the user on which it was
// verified.
type deviceAttempt struct {
	input    factors.Input
	known    bool
	revision uint64
	admin    audit.Actor // the principal that sent the answer; zero: the user
	password time.Time   // in a sign-in that began with the right password: when; zero: another answer
	kind     factors.Kind
	outcome  factors.Outcome // of kind
	outcomes []kindOutcome   // of each kind that verified the answer
}

// kindOutcome is the outcome of one kind.
type kindOutcome struct {
	kind    factors.Kind
	outcome factors.Outcome
}

// byAdmin reports whether a principal sent the answer, outside of any sign-in of the user.
func (a *deviceAttempt) byAdmin() bool { return a.admin != (audit.Actor{}) }

// ranks orders the rejections of several kinds. The first one decides. ReasonReplayed is not counted, so it comes
// before those that are.
var ranks = []factors.Reason{factors.ReasonNone, factors.ReasonClone, factors.ReasonReplayed, factors.ReasonClock, factors.ReasonResync,
	factors.ReasonWrong, factors.ReasonPolicy, factors.ReasonPIN, factors.ReasonBackup,
	factors.ReasonTaken, factors.ReasonFormat, factors.ReasonExpired}

// name returns the kind that decided, or the input if the user has no device for it.
func (a *deviceAttempt) name() string { return cmp.Or(string(a.kind), string(a.input)) }

// add records the outcome of one more kind.
func (a *deviceAttempt) add(kind factors.Kind, o factors.Outcome) {
	if len(a.outcomes) == 0 || slices.Index(ranks, o.Rejected) < slices.Index(ranks, a.outcome.Rejected) {
		a.kind, a.outcome = kind, o
	}
	a.outcomes = append(a.outcomes, kindOutcome{kind, o})
}

// devices returns the devices as they must now be stored. If a kind accepted the answer, only its device changes.
func (a *deviceAttempt) devices() []factors.Device {
	var out []factors.Device
	for _, x := range a.outcomes {
		if x.outcome.Device.ID != "" && (x.kind == a.kind || !a.outcome.Accepted()) {
			out = append(out, x.outcome.Device)
		}
	}
	return out
}

// updateCeremony returns the ceremony with the state that the kinds need for the next attempt. After an accepted
// answer they need none.
func (s *Service) updateCeremony(now time.Time, c *factors.Ceremony, a deviceAttempt) *factors.Ceremony {
	if a.outcome.Accepted() {
		for _, f := range s.withInput(a.input) {
			c = c.With(now, f.Kind(), nil)
		}
		return c
	}
	for _, x := range a.outcomes {
		c = c.With(now, x.kind, x.outcome.Pending)
	}
	return c
}

// verifyAnswer verifies an answer against the user as read, outside a transaction. It asks each kind with the input
// that has a device in devices. The first acceptance decides. A rejection counts once, regardless of the number of
// kinds.
func (s *Service) verifyAnswer(op *account.Operation, u *account.User, devices []factors.Device,
	open *factors.Ceremony, input factors.Input, known bool, answer []byte) (deviceAttempt, error) {
	a := deviceAttempt{input: input, known: known, revision: u.Revision, outcome: factors.Outcome{Rejected: factors.ReasonExpired}}
	for _, f := range s.withInput(input) {
		kind := f.Kind()
		if !holds(devices, kind) {
			continue
		}
		pending := open.PendingFor(kind, op.Now)
		if input == factors.InputAssertion && pending == nil {
			a.add(kind, factors.Outcome{Rejected: factors.ReasonExpired})
			continue
		}
		o, err := f.FinishVerify(op.Now, s.Accounts.Subject(u), devices, pending, answer)
		if err != nil {
			return deviceAttempt{}, fmt.Errorf("verifying by %s: %w", kind, err)
		}
		if a.add(kind, o); o.Accepted() {
			break
		}
	}
	return a, nil
}

// deviceWait returns how long the user must wait before an answer of this class is verified. It returns 0 if there
// is no wait.
func (s *Service) deviceWait(r account.Reader, now time.Time, u *account.User, class throttle.Class,
	known bool) (time.Duration, throttle.Failures, error) {
	f, err := s.Accounts.Failures.Get(r.Raw, s.Accounts.FailureID(u.ID))
	if err != nil {
		return 0, f, fmt.Errorf("reading failures: %w", err)
	}
	if ok, until := f.Allowed(now, class, known); !ok {
		return max(until.Sub(now), time.Second), f, nil
	}
	return 0, f, nil
}

// recordAttempt stores what an attempt changes in the user's devices and failure counters. The caller saves the
// user. Every endpoint counts the answers of devices here (protocol rule 17).
func (s *Service) recordAttempt(tx *account.Tx, u *account.User, a deviceAttempt) (Verification, error) {
	wait, f, err := s.deviceWait(tx.Reader, tx.Op.Now, u, failureClass(a.input), a.known)
	if err != nil || wait > 0 {
		return Verification{Wait: wait}, err
	}
	o := a.outcome
	for _, d := range a.devices() {
		if u.Device(d.ID) != nil {
			u.Devices = ReplaceDevice(u.Devices, d)
		}
	}
	v := Verification{Kind: a.kind, Rejected: o.Rejected, ClockOff: o.ClockOff, CodesLeft: o.Remaining}
	switch {
	case o.Accepted():
		if f.User == "" { // no failure is stored
			return v, nil
		}
		f = f.WithSuccess(tx.Op.Now, failureClass(a.input), a.known)
		if !a.password.IsZero() {
			f = f.WithoutWrongSince(a.password)
		}
		return v, s.Accounts.Failures.Put(tx.Raw, tx.Op.Now, s.Accounts.FailureID(u.ID), f)
	case o.Rejected == factors.ReasonWrong, o.Rejected == factors.ReasonClock, o.Rejected == factors.ReasonResync:
		v.notified, err = s.recordWrong(tx, u, a, f)
	case o.Rejected == factors.ReasonClone:
		tx.AddActivity(u, audit.FactorMarked, o.Device.Name)
		if err = tx.Notify(u, notice.SecurityKeyDisabled{Context: tx.About(u), Device: o.Device.Name}, time.Time{}); err == nil {
			u.Epoch++ // a device is no longer usable (protocol rule 2)
		}
	}
	if err != nil {
		return v, err
	}
	return v, s.auditAttempt(tx, u, a, audit.Failure, a.rejection())
}

// auditAttempt records the result of an answer and its sender in the audit log.
func (s *Service) auditAttempt(tx *account.Tx, u *account.User, a deviceAttempt, outcome, reason string) error {
	return tx.Audit(a.event(u, outcome, reason))
}

func (a *deviceAttempt) event(u *account.User, outcome, reason string) audit.Event {
	e := account.UserEvent(u, audit.FactorProven, outcome, reason)
	if a.byAdmin() {
		e.Actor = a.admin
		if d := a.outcome.Device; d.ID != "" {
			e.Targets = []audit.Actor{{Type: audit.TypeDevice, ID: string(d.ID), Name: d.Name}}
		}
	}
	return e
}

func (a *deviceAttempt) rejection() string { return a.name() + ": " + string(a.outcome.Rejected) }

// storesNothing reports whether an answer changes no counter, device or ceremony, such as text that cannot be a code. It is
// refused without an Update, so that it costs the store nothing.
func (a *deviceAttempt) storesNothing(now time.Time, open *factors.Ceremony) bool {
	switch a.outcome.Rejected {
	case factors.ReasonNone, factors.ReasonWrong, factors.ReasonClock, factors.ReasonResync, factors.ReasonClone:
		return false
	}
	return len(a.devices()) == 0 && !slices.ContainsFunc(a.outcomes, func(x kindOutcome) bool {
		return x.outcome.Pending != nil || open.PendingFor(x.kind, now) != nil
	})
}

// refuse records an answer that stores nothing.
func (s *Service) refuse(ctx context.Context, op *account.Operation, u *account.User, a deviceAttempt) (Verification, error) {
	_, err := s.Accounts.Refused(ctx, op, a.event(u, audit.Failure, a.rejection()))
	return Verification{Kind: a.kind, Rejected: a.outcome.Rejected, ClockOff: a.outcome.ClockOff}, err
}

// RetryOnConflict calls attempt until it stores its result on the record on which it verified the answer. After
// maxRounds calls it returns Overloaded.
func RetryOnConflict(ctx context.Context, attempt func() (stored bool, err error)) error {
	for range maxRounds {
		stored, err := attempt()
		if stored || err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return &errcode.Error{Code: errcode.Overloaded, RetryAfter: time.Second}
}
