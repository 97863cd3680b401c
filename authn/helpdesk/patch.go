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
	"barillet/internal/notice"
)

// RequestPatch is what to change; zero values leave as it is.
type RequestPatch struct {
	Status   State
	Assignee *string // Me, the id or sign-in name of somebody who may work on it, or "" to give it back
	TakeOver bool    // also if somebody else has it
	Check    *IdentityCheck
	Note     string // for the operators, at most 2,000 characters
	Answer   string // mailed to the person, where the case is somebody's whom we know; at most 2,000 characters
}

// Me is whoever makes the call, as an assignee.
const Me = "me"

// closed tells whether nobody has to do anything any more.
func (s State) closed() bool { return s == StateResolved || s == StateRejected }

// valid tells whether there is such a state.
func (s State) valid() bool {
	return slices.Contains([]State{StateOpen, StateInProgress, StateResolved, StateRejected}, s)
}

// canBecome tells whether one state may follow another: what is closed is opened again before it is closed otherwise.
func (s State) canBecome(t State) bool { return s == t || !s.closed() || !t.closed() }

// Patch changes a help request: its state, who has it, how the identity was checked, a note for the operators, an
// answer for the person. Each leaves a line in the history; all of it is one event, and none if nothing changes.
//
// A case is in progress while somebody has it, and open while nobody has: either is said by the other. Of two who
// take it at once one has it, and the other is told who (WrongState with Error.Holder), as is whoever answers,
// closes or gives away somebody else's case without TakeOver. Opened again it needs a new check of the identity.
// Forbidden: nobody works on their own request. TooMany: the case is full.
func (s *Service) Patch(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, patch RequestPatch) (Request, error) {
	if err := p.Require(admin.PermInvite); err != nil {
		return Request{}, err
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
			return Request{}, errcode.New(errcode.Forbidden)
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

// validate is the patch with its texts made inert, if it may be applied.
func (patch RequestPatch) validate() (RequestPatch, error) {
	ok, noted := true, patch.Note != ""
	if patch.Note, ok = admin.Sanitize(patch.Note, 2000, true); !ok {
		return patch, errcode.InvalidField("note", "too_long")
	}
	if noted && patch.Note == "" { // blanks, or what cannot be seen
		return patch, errcode.InvalidField("note", "missing")
	}
	if patch.Answer, ok = admin.Sanitize(patch.Answer, 2000, true); !ok {
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

// complete is the patch with what it leaves unsaid about state and assignee.
func (patch RequestPatch) complete(c *Request) (RequestPatch, error) {
	me, nobody := Me, ""
	switch {
	case patch.Status == "" && patch.Assignee != nil && c.State.closed():
		return patch, &errcode.Error{Code: errcode.WrongState, Reason: errcode.ReasonCaseClosed}
	case patch.Status == "" && patch.Assignee != nil && *patch.Assignee == "":
		patch.Status = StateOpen
	case patch.Status == "" && patch.Assignee != nil:
		patch.Status = StateInProgress
	case patch.Assignee != nil:
	case patch.Status == StateOpen:
		patch.Assignee = &nobody
	case patch.Status == StateInProgress, patch.TakeOver && patch.Status != "" && c.Assignee != "":
		patch.Assignee = &me
	}
	if patch.Status == StateOpen && *patch.Assignee != "" || patch.Status == StateInProgress && *patch.Assignee == "" {
		return patch, errcode.InvalidField("assignee", "status")
	}
	return patch, nil
}

// apply changes the case and returns the event of it.
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
	held := !c.State.closed() && c.Assignee != "" && c.Assignee != p.Owner
	if held && !patch.TakeOver && (moves || to != c.Assignee || patch.Answer != "") {
		return audit.Event{}, &errcode.Error{Code: errcode.WrongState, Reason: errcode.ReasonAssigned, Assignee: c.AssigneeName + " (" + c.Assignee + ")"}
	}
	if moves && !c.State.canBecome(patch.Status) || patch.Check != nil && c.State.closed() && !moves {
		return audit.Event{}, &errcode.Error{Code: errcode.WrongState, Reason: errcode.ReasonCaseClosed}
	}
	if moves && c.State.closed() { // the check was for the occasion that is over
		c.Identity, c.IdentityBy, c.IdentityAt = "", "", time.Time{}
	}
	if to != c.Assignee {
		c.Assignee, c.AssigneeName, action, detail["assignee"] = to, name, audit.HelpAssigned, to
		c.addEntry(tx, p, HistoryEntry{What: "assigned", Text: name, Who: to})
	}
	if patch.Check != nil && c.recordIdentity(tx, p, *patch.Check) {
		detail["identity"], detail["identityBy"] = string(patch.Check.Method), patch.Check.By
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
		if c.State.closed() {
			action = audit.HelpClosed
		}
	}
	e := requestEvent(p, action, c)
	e.Detail = detail
	return e, nil
}

// assignee finds who is to have a case: somebody who could work on it. Whoever is limited to groups gives it to
// nobody else, for people with a role lie outside every scope (PROTOCOL 21).
func (s *Service) assignee(r account.Reader, p admin.Principal, c *Request, who string) (id, name string, err error) {
	switch {
	case who == "":
		return "", "", nil
	case who == Me || who == p.Owner:
		u, err := r.User(account.UserID(p.Owner))
		if errcode.Of(err) == errcode.NotFound { // the owner of the machine
			return p.Owner, p.Name, nil
		}
		return p.Owner, u.DisplayName(), err
	case p.Scoped():
		return "", "", errcode.New(errcode.Forbidden)
	}
	u, err := r.Find(who)
	if errcode.Of(err) == errcode.NotFound {
		return "", "", errcode.InvalidField("assignee", "unknown")
	}
	if err != nil {
		return "", "", err
	}
	for _, g := range u.Roles {
		as := admin.Principal{Owner: string(u.ID), Role: g.Role, Groups: g.Groups}
		if u.Status != account.StatusActive || u.ID == c.User || as.Require(admin.PermInvite) != nil {
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

// answer mails an operator's words to the person, at the stored address; WrongState where nobody is known, for
// an address that anybody can have typed gets no mail. A request that is rejected is said to be.
func (s *Service) answer(tx *account.Tx, c *Request, text string) error {
	u, err := tx.User(c.User)
	if c.User == "" || errcode.Of(err) == errcode.NotFound { // a stranger's, or deleted since
		return &errcode.Error{Code: errcode.WrongState, Reason: errcode.ReasonUnknownAddress}
	}
	if err != nil {
		return err
	}
	m := notice.HelpAnswered{Context: notice.Context{Name: u.DisplayName(), At: tx.Op.Now}, Reference: c.Reference, Answer: text,
		Rejected: c.State == StateRejected}
	return tx.SendTo(u.Addresses()[:1], s.accounts.Locale(&u), m, time.Time{})
}
