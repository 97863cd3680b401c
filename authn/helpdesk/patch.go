package helpdesk

import (
	"context"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/internal/notice"
)

// RequestPatch describes a change of a help request. Zero values change nothing.
type RequestPatch struct {
	Status   State
	Assignee *string // Me, the id or login of an administrator, or "" for no assignee
	TakeOver bool    // even if another administrator is the assignee
	Untaken  bool    // only if nobody is, not even the caller in another tab
	Check    *IdentityCheck
	Note     string // for administrators; at most 2,000 characters
	Answer   string // sent to the user by email; at most 2,000 characters
}

// Me is the assignee that means the caller.
const Me = "me"

// Closed reports whether the request needs no more work.
func (s State) Closed() bool { return s == StateResolved || s == StateRejected }

// valid reports whether s is a known state.
func (s State) valid() bool {
	return slices.Contains([]State{StateOpen, StateInProgress, StateResolved, StateRejected}, s)
}

// canBecome reports whether state t may follow s. A closed request must be reopened before it gets another closed
// state.
func (s State) canBecome(t State) bool { return s == t || !s.Closed() || !t.Closed() }

// Patch changes a help request: its state, assignee, identity check, notes and answer. Each change adds an entry to the
// history. The call writes one audit event, or none if nothing changes.
//
// A request with an assignee is in progress, and one without is open; each implies the other. If two administrators
// take a request at once, one of them gets WrongState with Assignee. So does an administrator who answers, closes or
// reassigns a request of another one without TakeOver. A reopened request needs a new identity check. Administrators
// cannot work on their own request (Forbidden). Patch returns TooMany if the request is full.
func (s *Service) Patch(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, patch RequestPatch) (Request, error) {
	if err := p.Require(admin.PermHelp); err != nil {
		return Request{}, err
	}
	if patch.Check != nil {
		if err := p.Require(admin.PermVouch); err != nil {
			return Request{}, err
		}
	}
	patch, err := patch.validate()
	if err != nil {
		return Request{}, err
	}
	return account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (Request, error) {
		c, err := s.find(tx.Raw, id)
		if err != nil {
			return Request{}, err
		}
		if err := s.requestInScope(tx.Reader, p, &c); err != nil {
			return Request{}, err
		}
		if p.Owner == string(c.User) {
			return Request{}, errcode.ForbiddenFor(errcode.ReasonOneself)
		}
		before := len(c.History)
		e, err := s.apply(tx, p, &c, patch)
		if err != nil || len(c.History) == before {
			return c, err
		}
		if patch.Answer != "" {
			if err := s.answer(tx, &c, patch.Answer); err != nil {
				return Request{}, err
			}
		}
		if err := tx.Audit(e); err != nil {
			return Request{}, err
		}
		err = s.save(tx, &c)
		return c, err
	})
}

// validate returns the patch with sanitized texts, or Invalid.
func (patch RequestPatch) validate() (RequestPatch, error) {
	ok, noted := true, patch.Note != ""
	if patch.Note, ok = input.Text(patch.Note, 2000, true); !ok {
		return patch, errcode.InvalidField("note", "too_long")
	}
	if noted && patch.Note == "" { // only spaces or invisible characters
		return patch, errcode.InvalidField("note", "missing")
	}
	if patch.Answer, ok = input.Text(patch.Answer, 2000, true); !ok {
		return patch, errcode.InvalidField("answer", "too_long")
	}
	if patch.Assignee != nil {
		name := strings.TrimSpace(*patch.Assignee)
		if patch.Assignee = &name; len(name) > 254 {
			return patch, errcode.InvalidField("assignee", "too_long")
		}
	}
	if patch.Status != "" && !patch.Status.valid() {
		return patch, errcode.InvalidField("status", "unknown")
	}
	var err error
	patch.Check, err = patch.Check.validate()
	return patch, err
}

// complete returns the patch with the state that its assignee implies, and the reverse.
func (patch RequestPatch) complete(c *Request) (RequestPatch, error) {
	me, none := Me, ""
	switch {
	case patch.Status == "" && patch.Assignee != nil && c.State.Closed():
		return patch, errcode.WrongStateFor(errcode.ReasonRequestClosed)
	case patch.Status == "" && patch.Assignee != nil && *patch.Assignee == "":
		patch.Status = StateOpen
	case patch.Status == "" && patch.Assignee != nil:
		patch.Status = StateInProgress
	case patch.Assignee != nil:
	case patch.Status == StateOpen:
		patch.Assignee = &none
	case patch.Status == StateInProgress, patch.TakeOver && patch.Status != "" && c.Assignee != "":
		patch.Assignee = &me
	}
	if patch.Status == StateOpen && *patch.Assignee != "" || patch.Status == StateInProgress && *patch.Assignee == "" {
		return patch, errcode.InvalidField("assignee", "status")
	}
	return patch, nil
}

// apply changes the request and returns the audit event.
func (s *Service) apply(tx *account.Tx, p admin.Principal, c *Request, patch RequestPatch) (audit.Event, error) {
	patch, err := patch.complete(c)
	if err != nil {
		return audit.Event{}, err
	}
	action, detail := audit.HelpUpdated, map[string]string{}
	to, name := c.Assignee, c.AssigneeName
	if patch.Assignee != nil {
		if to, name, err = s.assignee(tx.Reader, p, c, *patch.Assignee); err != nil {
			return audit.Event{}, err
		}
	}
	moves := patch.Status != "" && patch.Status != c.State
	held := !c.State.Closed() && c.Assignee != "" && (c.Assignee != p.Owner || patch.Untaken)
	if held && (patch.Untaken || !patch.TakeOver && (moves || to != c.Assignee || patch.Answer != "")) {
		return audit.Event{}, &errcode.Error{Code: errcode.WrongState, Reason: errcode.ReasonAssigned, Assignee: c.AssigneeName + " (" + c.Assignee + ")"}
	}
	if moves && !c.State.canBecome(patch.Status) || patch.Check != nil && c.State.Closed() && !moves {
		return audit.Event{}, errcode.WrongStateFor(errcode.ReasonRequestClosed)
	}
	if moves && c.State.Closed() { // the check was valid for the closed request
		c.clearIdentity()
	}
	if to != c.Assignee {
		c.Assignee, c.AssigneeName, action, detail["assignee"] = to, name, audit.HelpAssigned, to
		c.addEntry(tx, p, HistoryEntry{What: "assigned", Text: name, Who: to})
	}
	if check, err := c.resolveCheck(tx, patch.Check); err != nil {
		return audit.Event{}, err
	} else if check != nil && c.recordIdentity(tx, p, *check) {
		check.detail(detail)
	}
	if patch.Note != "" {
		c.addNote(tx, p, "note", patch.Note)
	}
	if patch.Answer != "" {
		c.addNote(tx, p, "answer", patch.Answer)
	}
	if moves {
		c.State, detail["status"] = patch.Status, string(patch.Status)
		c.addNote(tx, p, "status", string(patch.Status))
		if c.State.Closed() {
			action = audit.HelpClosed
		}
	}
	e := requestEvent(p, action, c)
	e.Detail = detail
	return e, nil
}

// resolveCheck is IdentityCheck.resolve for the user of a request, who may be unknown or deleted.
func (c *Request) resolveCheck(tx *account.Tx, k *IdentityCheck) (*IdentityCheck, error) {
	var u account.User
	if k != nil && c.User != "" {
		var err error
		if u, err = tx.User(c.User); err != nil && errcode.Of(err) != errcode.NotFound {
			return nil, err
		}
	}
	return k.resolve(&u, tx.Op.Now)
}

// assignee returns the id and name of an administrator who may work on the request. A principal with a group scope can
// assign a request only to themselves, because administrators are outside every scope (protocol rule 21).
func (s *Service) assignee(r account.Reader, p admin.Principal, c *Request, subject string) (id, name string, err error) {
	switch {
	case subject == "":
		return "", "", nil
	case subject == Me || subject == p.Owner:
		u, err := r.User(account.UserID(p.Owner))
		if errcode.Of(err) == errcode.NotFound { // the operator
			return p.Owner, p.PersonalName(), nil
		}
		return p.Owner, u.DisplayName(), err
	case p.Scoped():
		return "", "", errcode.ForbiddenFor(errcode.ReasonGroupScope)
	}
	u, err := r.Find(subject)
	if errcode.Of(err) == errcode.NotFound {
		return "", "", errcode.InvalidField("assignee", "unknown")
	}
	if err != nil {
		return "", "", err
	}
	for _, g := range u.Active().Roles {
		as := admin.Principal{Owner: string(u.ID), Role: g.Role, Groups: g.Groups}
		if u.Status != account.StatusActive || u.ID == c.User || as.Require(admin.PermHelp) != nil {
			continue
		}
		switch err := s.requestInScope(r, as, c); {
		case err == nil:
			return string(u.ID), u.DisplayName(), nil
		case errcode.Of(err) != errcode.NotFound:
			return "", "", err
		}
	}
	return "", "", errcode.InvalidField("assignee", "role")
}

// answer sends a text to the stored address of the user. It returns WrongState if the address of the request is
// unknown, because an unverified address gets no email. The email states if the request is rejected.
func (s *Service) answer(tx *account.Tx, c *Request, text string) error {
	u, err := tx.User(c.User)
	if c.User == "" || errcode.Of(err) == errcode.NotFound { // never known, or deleted after the request
		return errcode.WrongStateFor(errcode.ReasonUnknownAddress)
	}
	if err != nil {
		return err
	}
	m := notice.HelpAnswered{Context: notice.Context{Name: u.DisplayName(), At: tx.Op.Now}, Reference: c.Reference, Answer: text,
		Rejected: c.State == StateRejected}
	return tx.SendByAdmin(&u, u.Addresses()[:1], m, time.Time{})
}
