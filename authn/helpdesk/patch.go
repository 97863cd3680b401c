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

// leadsTo tells whether one state may follow another: what is closed is opened again before it is closed otherwise.
func (s State) leadsTo(t State) bool { return s == t || !s.closed() || !t.closed() }

// Patch changes a help request: its state, who has it, how the identity was checked, a note for the operators, an
// answer for the person. Each leaves a line in the history; all of it is one event, and none if nothing changes.
//
// A case is in progress while somebody has it, and open while nobody has: either is said by the other. Of two who
// take it at once one has it, and the other is told who (WrongState with Error.Holder), as is whoever answers,
// closes or gives away somebody else's case without TakeOver. Opened again it needs a new check of the identity.
// Forbidden: nobody works on their own request. TooMany: the case is full.
func (d *Service) Patch(ctx context.Context, op admin.Principal, req account.RequestInfo, id string, p RequestPatch) (Request, error) {
	if err := op.Require(admin.PermInvite); err != nil {
		return Request{}, err
	}
	p, err := p.judged()
	if err != nil {
		return Request{}, err
	}
	return account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (Request, error) {
		c, err := d.load(tx.Raw, id)
		if err != nil {
			return Request{}, err
		}
		if err := d.requestInScope(tx.Reader, op, &c); err != nil {
			return Request{}, err
		}
		if op.Owner == string(c.User) {
			return Request{}, errcode.New(errcode.Forbidden)
		}
		before := len(c.History)
		e, err := d.apply(tx, op, &c, p)
		if err != nil || len(c.History) == before {
			return c, err
		}
		if p.Answer != "" {
			if err := d.answer(tx, &c, p.Answer); err != nil {
				return Request{}, err
			}
		}
		if err := tx.Audit(e); err != nil {
			return Request{}, err
		}
		err = d.save(tx, &c)
		return c, err
	})
}

// judged is the patch with its texts made inert, if it may be applied.
func (p RequestPatch) judged() (RequestPatch, error) {
	ok, noted := true, p.Note != ""
	if p.Note, ok = admin.Sanitize(p.Note, 2000, true); !ok {
		return p, errcode.InvalidField("note", "too_long")
	}
	if noted && p.Note == "" { // blanks, or what cannot be seen
		return p, errcode.InvalidField("note", "missing")
	}
	if p.Answer, ok = admin.Sanitize(p.Answer, 2000, true); !ok {
		return p, errcode.InvalidField("answer", "too_long")
	}
	if p.Assignee != nil {
		name := strings.TrimSpace(*p.Assignee)
		if p.Assignee = &name; len(name) > 254 {
			return p, errcode.InvalidField("assignee", "too_long")
		}
	}
	if p.Status != "" && !p.Status.valid() {
		return p, errcode.InvalidField("status", "unknown")
	}
	var err error
	p.Check, err = p.Check.judged()
	return p, err
}

// complete is the patch with what it leaves unsaid about state and assignee.
func (p RequestPatch) complete(c *Request) (RequestPatch, error) {
	me, nobody := Me, ""
	switch {
	case p.Status == "" && p.Assignee != nil && c.State.closed():
		return p, errcode.WrongStateFor(errcode.ReasonRequestClosed)
	case p.Status == "" && p.Assignee != nil && *p.Assignee == "":
		p.Status = StateOpen
	case p.Status == "" && p.Assignee != nil:
		p.Status = StateInProgress
	case p.Assignee != nil:
	case p.Status == StateOpen:
		p.Assignee = &nobody
	case p.Status == StateInProgress, p.TakeOver && p.Status != "" && c.Assignee != "":
		p.Assignee = &me
	}
	if p.Status == StateOpen && *p.Assignee != "" || p.Status == StateInProgress && *p.Assignee == "" {
		return p, errcode.InvalidField("assignee", "status")
	}
	return p, nil
}

// apply changes the case and returns the event of it.
func (d *Service) apply(tx *account.Tx, op admin.Principal, c *Request, p RequestPatch) (audit.Event, error) {
	p, err := p.complete(c)
	if err != nil {
		return audit.Event{}, err
	}
	action, detail := audit.HelpUpdated, map[string]string{}
	to, name := c.Assignee, c.AssigneeName
	if p.Assignee != nil {
		if to, name, err = d.assignee(tx.Reader, op, c, *p.Assignee); err != nil {
			return audit.Event{}, err
		}
	}
	moves := p.Status != "" && p.Status != c.State
	held := !c.State.closed() && c.Assignee != "" && c.Assignee != op.Owner
	if held && !p.TakeOver && (moves || to != c.Assignee || p.Answer != "") {
		return audit.Event{}, &errcode.Error{Code: errcode.WrongState, Reason: errcode.ReasonAssigned, Assignee: c.AssigneeName + " (" + c.Assignee + ")"}
	}
	if moves && !c.State.leadsTo(p.Status) || p.Check != nil && c.State.closed() && !moves {
		return audit.Event{}, errcode.WrongStateFor(errcode.ReasonRequestClosed)
	}
	if moves && c.State.closed() { // the check was for the occasion that is over
		c.Identity, c.IdentityBy, c.IdentityAt = "", "", time.Time{}
	}
	if to != c.Assignee {
		c.Assignee, c.AssigneeName, action, detail["assignee"] = to, name, audit.HelpAssigned, to
		c.step(tx, op, HistoryEntry{What: "assigned", Text: name, Who: to})
	}
	if p.Check != nil && c.identify(tx, op, *p.Check) {
		detail["identity"], detail["identityBy"] = string(p.Check.Method), p.Check.By
	}
	if p.Note != "" {
		c.note(tx, op, "note", p.Note)
	}
	if p.Answer != "" {
		c.note(tx, op, "answer", p.Answer)
	}
	if moves {
		c.State, detail["status"] = p.Status, string(p.Status)
		c.note(tx, op, "status", string(p.Status))
		if c.State.closed() {
			action = audit.HelpClosed
		}
	}
	e := requestEvent(op, action, c)
	e.Detail = detail
	return e, nil
}

// assignee finds who is to have a case: somebody who could work on it. Whoever is limited to groups gives it to
// nobody else, for people with a role lie outside every scope (PROTOCOL 21).
func (d *Service) assignee(r account.Reader, op admin.Principal, c *Request, who string) (id, name string, err error) {
	switch {
	case who == "":
		return "", "", nil
	case who == Me || who == op.Owner:
		u, err := r.User(account.UserID(op.Owner))
		if errcode.Of(err) == errcode.NotFound { // the owner of the machine
			return op.Owner, op.Name, nil
		}
		return op.Owner, u.DisplayName(), err
	case op.Scoped():
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
		switch err := d.requestInScope(r, as, c); {
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
func (d *Service) answer(tx *account.Tx, c *Request, text string) error {
	u, err := tx.User(c.User)
	if c.User == "" || errcode.Of(err) == errcode.NotFound { // a stranger's, or deleted since
		return errcode.WrongStateFor(errcode.ReasonUnknownAddress)
	}
	if err != nil {
		return err
	}
	m := notice.HelpAnswered{Context: notice.Context{Name: u.DisplayName(), At: tx.Op.Now}, Reference: c.Reference, Answer: text,
		Rejected: c.State == StateRejected}
	return tx.SendTo(u.Addresses()[:1], d.accounts.Locale(&u), m, time.Time{})
}
