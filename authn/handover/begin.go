package handover

import (
	"context"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// Request describes a handover to begin.
type Request struct {
	User    string // id or login
	Witness string // id or login
	Reason  string // for the audit log and the managers; at most 500 characters
}

// Begin asks a witness to confirm that a user stands before the administrator of a session. It uses up the step-up of that session and
// sends the witness an email.
//
// It returns Forbidden with ReasonNeedsSession unless p is the administrator of the session: a token, a client or the operator hands no
// code over. It returns StepUpRequired if the session has no step-up by a device within five minutes that no handover used. It returns
// the errors of a reset by p alone. It returns WrongState with ReasonHasARole for a user with a role, ReasonHandoverOpen if another
// handover to the user has not ended, and ReasonNoneWaits if none of the user's sign-ins waits. It returns SameProvenance if the
// administrator or the witness may know the password (protocol rule 8), RateLimited after five handovers to the user in 24 hours, and
// Forbidden with ReasonWitness if the witness cannot be one or does not exist.
func (s *Service) Begin(ctx context.Context, p admin.Principal, req account.RequestInfo, session secret.Value, r Request) (Handover, error) {
	reason, ok := input.Text(r.Reason, 500, false)
	if !ok {
		return Handover{}, errcode.InvalidField("reason", "too_long")
	}
	r.Reason = reason
	return account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (Handover, error) {
		return s.begin(tx, p, session, r)
	})
}

func (s *Service) begin(tx *account.Tx, p admin.Principal, session secret.Value, r Request) (Handover, error) {
	now := tx.Op.Now
	if err := requireSession(p); err != nil {
		return Handover{}, err
	}
	u, err := admin.FindUser(tx.Reader, p, admin.PermReset, r.User)
	if err != nil {
		return Handover{}, err
	}
	rec, err := s.checkUser(tx, &u)
	if err != nil {
		return Handover{}, err
	}
	_, h, err := s.signIn.SpendStepUp(tx, session)
	switch {
	case err != nil:
		return Handover{}, err
	case string(h.ID) != p.Owner:
		return Handover{}, errcode.ForbiddenFor(errcode.ReasonNeedsSession)
	}
	w, err := s.findWitness(tx.Reader, now, &h, &u, r.Witness)
	if err != nil {
		return Handover{}, err
	}
	if account.ShareProvenance([]string{u.Password.Provenance}, []string{string(h.ID), string(w.ID)}) {
		return Handover{}, errcode.New(errcode.SameProvenance)
	}
	if rec.Handover != nil {
		if err := s.forget(tx, rec.Handover); err != nil {
			return Handover{}, err
		}
	}
	out := Handover{ID: string(u.ID) + "-" + tx.Op.ID("handover"), User: u.ID, Login: u.Login, Name: u.DisplayName(), By: h.ID, ByName: h.DisplayName(),
		Witness: w.ID, WitnessName: w.DisplayName(), Reason: r.Reason, State: StateAsked, At: now, Until: now.Add(TTL)}
	if out.Group, err = groupName(tx.Reader, &u); err != nil {
		return Handover{}, err
	}
	rec.Handover, rec.SignIn, rec.Wrong, rec.Begun = &out, "", 0, append(rec.Begun, now)
	return out, s.ask(tx, p, rec, &w)
}

// requireSession returns Forbidden unless p is an administrator in a session.
func requireSession(p admin.Principal) error {
	if !p.FromSession() {
		return errcode.ForbiddenFor(errcode.ReasonNeedsSession)
	}
	return nil
}

// checkUser returns the record of u if a code can be handed to them now.
func (s *Service) checkUser(tx *account.Tx, u *account.User) (record, error) {
	now := tx.Op.Now
	if len(u.Roles) > 0 {
		return record{}, errcode.WrongStateFor(errcode.ReasonHasARole)
	}
	if err := helpdesk.CheckHadDevice(u); err != nil {
		return record{}, err
	}
	rec, err := s.load(tx.Raw, u.ID, now)
	switch {
	case err != nil:
		return rec, err
	case rec.Handover.live(now):
		return rec, errcode.WrongStateFor(errcode.ReasonHandoverOpen)
	case len(rec.Begun) >= maxADay:
		return rec, errcode.RateLimit(rec.Begun[0].Add(24 * time.Hour).Sub(now))
	}
	waits, err := s.anyWaits(tx.Reader, &rec, now)
	if err == nil && !waits {
		err = errcode.WrongStateFor(errcode.ReasonNoneWaits)
	}
	return rec, err
}

// ask stores a new handover and asks its witness.
func (s *Service) ask(tx *account.Tx, p admin.Principal, rec record, w *account.User) error {
	h := rec.Handover
	if err := s.save(tx, h.User, rec); err != nil {
		return err
	}
	if err := s.records.Put(tx.Raw, witnessKey(h.Witness, h.User), record{Changed: h.At, Expires: h.Until}); err != nil {
		return err
	}
	if err := tx.Audit(event(p.Actor(), audit.HandoverBegun, audit.Success, h)); err != nil {
		return err
	}
	m := notice.WitnessAsked{Context: notice.Context{Name: w.DisplayName(), At: h.At}, User: h.Name, Group: h.Group, By: h.ByName,
		Link: s.signIn.URL("/account/witness/" + h.ID), Until: h.Until}
	return tx.SendByAdmin(w, w.Addresses(), m, h.Until)
}

// groupName returns the name of the first group of u; "" if there is none.
func groupName(r account.Reader, u *account.User) (string, error) {
	if len(u.Groups) == 0 {
		return "", nil
	}
	g, err := r.Group(u.Groups[0])
	if errcode.Of(err) == errcode.NotFound {
		return "", nil
	}
	return g.Name, err
}

// event returns the audit event of an operation on a handover. It names the witness by id only: the event is about the user.
func event(actor audit.Actor, action, outcome string, h *Handover) audit.Event {
	e := audit.Event{Actor: actor, Subject: string(h.User), SubjectName: h.Login, Action: action, Outcome: outcome,
		Detail: map[string]string{"owner": string(h.By), "witness": string(h.Witness), "handoverId": h.ID}}
	if h.Reason != "" {
		e.Detail["reason"] = h.Reason
	}
	return e
}

// Handover returns the handover with an id, in its state now. It returns NotFound unless p may read the user.
func (s *Service) Handover(ctx context.Context, p admin.Principal, id string) (out Handover, err error) {
	now := s.accounts.Now()
	err = s.accounts.View(ctx, func(r account.Reader) error {
		rec, err := s.find(r.Raw, id, now)
		if err != nil {
			return err
		}
		if _, err := admin.FindUser(r, p, admin.PermRead, string(rec.Handover.User)); err != nil {
			return err
		}
		out = rec.Handover.at(now)
		return nil
	})
	return out, err
}

// Of returns the last handover to a user in the scope of p, in its state now. It returns NotFound if there was none in the last day.
func (s *Service) Of(ctx context.Context, p admin.Principal, user string) (out Handover, err error) {
	now := s.accounts.Now()
	err = s.accounts.View(ctx, func(r account.Reader) error {
		u, err := admin.FindUser(r, p, admin.PermRead, user)
		if err != nil {
			return err
		}
		rec, err := s.load(r.Raw, u.ID, now)
		switch {
		case err != nil:
			return err
		case rec.Handover == nil:
			return errcode.New(errcode.NotFound)
		}
		out = rec.Handover.at(now)
		return nil
	})
	return out, err
}

// Cancel ends a handover that has not ended. p is its administrator or may reset the user.
func (s *Service) Cancel(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	_, err := account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		rec, err := s.find(tx.Raw, id, tx.Op.Now)
		if err != nil {
			return struct{}{}, err
		}
		h := rec.Handover
		perm := admin.PermReset
		if p.Owner == string(h.By) {
			perm = admin.PermRead
		}
		if _, err := admin.FindUser(tx.Reader, p, perm, string(h.User)); err != nil {
			return struct{}{}, err
		}
		if !h.live(tx.Op.Now) {
			return struct{}{}, errcode.New(errcode.WrongState)
		}
		if err := tx.Audit(event(p.Actor(), audit.HandoverCancelled, audit.Success, h)); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.end(tx, rec, StateCancelled)
	})
	return err
}

// end stores the state of a handover that has ended.
func (s *Service) end(tx *account.Tx, rec record, state State) error {
	rec.Handover.State = state
	if err := s.forget(tx, rec.Handover); err != nil {
		return err
	}
	return s.save(tx, rec.Handover.User, rec)
}
