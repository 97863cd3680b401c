package helpdesk

import (
	"context"
	"fmt"
	"slices"
	"time"

	"barillet/authn"
	"barillet/internal/audit"
	"barillet/store"
	"barillet/templates"
)

// CaseQuery asks for cases, oldest first: who has waited longest stands on top. The zero value is all.
type CaseQuery struct {
	Status    State
	User      authn.UserID
	Reference string // as the person names it
	After     string // the cursor of an earlier call: a case's id
	Limit     int    // 1 to 200; 0 means 200
}

// CasePatch is what to change; zero values leave as it is.
type CasePatch struct {
	Status   State
	Assignee *string
	Note     string // for the operators, at most 2,000 characters
	Identity Identity
	Answer   string // mailed to the person, where the case is somebody's whom we know; at most 2,000 characters
}

// casesRead is how many cases one call reads at most before it gives what it has with a cursor.
const casesRead = 2000

// Cases lists help requests. An operator limited to groups sees those of people within, and none of addresses
// that nobody has. next is the cursor for more, "" at the end.
func (d *Desk) Cases(ctx context.Context, op Operator, q CaseQuery) (cases []Case, next string, err error) {
	if err := op.allowed(actSee); err != nil {
		return nil, "", err
	}
	if q.Status != "" && !q.Status.valid() {
		return nil, "", authn.Invalid("status", "unknown")
	}
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	if op.scoped() {
		return d.casesWithin(ctx, op, q)
	}
	return d.scan(ctx, q, false)
}

// casesWithin is Cases for an operator limited to groups. It reads on until a page is full of what lies within:
// a short page, or a cursor, would tell of cases outside and when they were sent (PROTOCOL 21).
func (d *Desk) casesWithin(ctx context.Context, op Operator, q CaseQuery) (cases []Case, next string, err error) {
	for limit := q.Limit; ; q.After = next {
		var found []Case
		if found, next, err = d.scan(ctx, q, true); err != nil {
			return nil, "", err
		}
		var within []Case
		if err := d.People.View(ctx, func(r authn.Reader) error {
			within = nil
			for _, c := range found {
				switch err := d.caseIn(r, op, &c); {
				case err == nil:
					within = append(within, c)
				case authn.CodeOf(err) != authn.CodeNotFound:
					return err
				}
			}
			return nil
		}); err != nil {
			return nil, "", err
		}
		if cases = append(cases, within...); len(cases) > limit {
			return cases[:limit], cases[limit-1].ID, nil
		}
		if next == "" {
			return cases, "", nil
		}
	}
}

// scan reads the cases that a query asks for; of known people only, if so.
func (d *Desk) scan(ctx context.Context, q CaseQuery, known bool) (found []Case, next string, err error) {
	err = d.People.Store.View(ctx, func(s store.Snapshot) error {
		found, next = nil, ""
		read, last, more := 0, "", false
		err := d.cases.Scan(s, "", q.After, 0, func(id string, c Case) error {
			if !isCase(id) {
				return store.ErrStop // they sort behind all cases
			}
			if more = read == casesRead || len(found) == q.Limit; more {
				return store.ErrStop
			}
			read, last = read+1, id
			if (q.Status == "" || c.State == q.Status) && (q.User == "" || c.User == q.User) &&
				(q.Reference == "" || c.has(q.Reference)) && (!known || c.User != "") {
				found = append(found, c)
			}
			return nil
		})
		if more {
			next = last
		}
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing help requests: %w", err)
	}
	return found, next, nil
}

// has tells whether the case goes by a reference, its own or of a text that joined it.
func (c *Case) has(reference string) bool {
	return c.Reference == reference || slices.ContainsFunc(c.Texts, func(t Text) bool { return t.Reference == reference })
}

// caseIn judges whether the operator may know of a case: CodeNotFound if not.
func (d *Desk) caseIn(r authn.Reader, op Operator, c *Case) error {
	if !op.scoped() {
		return nil
	}
	if c.User == "" || c.forEverybodyOnly() {
		return authn.Refuse(authn.CodeNotFound)
	}
	u, err := r.User(c.User)
	if err != nil {
		return err
	}
	return may(op, actSee, &u)
}

// Case reads one help request; CodeNotFound when there is none that this operator may know of.
func (d *Desk) Case(ctx context.Context, op Operator, id string) (Case, error) {
	if err := op.allowed(actSee); err != nil {
		return Case{}, err
	}
	var c Case
	if err := d.People.Store.View(ctx, func(s store.Snapshot) (err error) {
		c, err = d.load(s, id)
		return err
	}); err != nil {
		return Case{}, err
	}
	if err := d.People.View(ctx, func(r authn.Reader) error { return d.caseIn(r, op, &c) }); err != nil {
		return Case{}, err
	}
	return c, nil
}

// Patch changes a help request: its state, whose it is, how the identity was checked, a note for the operators,
// an answer for the person. Each leaves a line in the history. CodeTooMany when the case is full.
func (d *Desk) Patch(ctx context.Context, op Operator, from authn.Origin, id string, p CasePatch) (Case, error) {
	if err := op.allowed(actInvite); err != nil {
		return Case{}, err
	}
	p, err := p.judged()
	if err != nil {
		return Case{}, err
	}
	return authn.Do(ctx, d.People, d.People.NewAct(from), func(w *authn.Work) (Case, error) {
		c, err := d.load(w.Tx, id)
		if err != nil {
			return Case{}, err
		}
		if err := d.caseIn(w.Reader, op, &c); err != nil {
			return Case{}, err
		}
		action := c.apply(w, op, p)
		if p.Answer != "" {
			if err := d.answer(w, &c, p.Answer); err != nil {
				return Case{}, err
			}
		}
		if err := w.Audit(op.caseEvent(action, &c)); err != nil {
			return Case{}, err
		}
		return c, d.save(w, &c)
	})
}

// judged is the patch with its texts made inert, if it may be applied.
func (p CasePatch) judged() (CasePatch, error) {
	ok := true
	if p.Note, ok = clean(p.Note, 2000, true); !ok {
		return p, authn.Invalid("note", "too_long")
	}
	if p.Answer, ok = clean(p.Answer, 2000, true); !ok {
		return p, authn.Invalid("answer", "too_long")
	}
	if p.Assignee != nil {
		name, ok := clean(*p.Assignee, 128, false)
		if p.Assignee = &name; !ok {
			return p, authn.Invalid("assignee", "too_long")
		}
	}
	if p.Status != "" && !p.Status.valid() {
		return p, authn.Invalid("status", "unknown")
	}
	if p.Identity != "" && !slices.Contains([]Identity{IdentityInPerson, IdentityCalledBack, IdentityManager, IdentityDocument}, p.Identity) {
		return p, authn.Invalid("identityCheck", "unknown")
	}
	return p, nil
}

// apply changes the case and returns what the log calls it.
func (c *Case) apply(w *authn.Work, op Operator, p CasePatch) (action string) {
	action = audit.HelpUpdated
	if p.Assignee != nil && *p.Assignee != c.Assignee {
		c.Assignee, action = *p.Assignee, audit.HelpAssigned
		c.note(w, op, "assigned", c.Assignee)
	}
	if p.Identity != "" && p.Identity != c.Identity {
		c.Identity = p.Identity
		c.note(w, op, "identity", string(p.Identity))
	}
	if p.Note != "" {
		c.note(w, op, "note", p.Note)
	}
	if p.Answer != "" {
		c.note(w, op, "answer", p.Answer)
	}
	if p.Status != "" && p.Status != c.State {
		c.State = p.Status
		c.note(w, op, "status", string(p.Status))
		if c.State.closed() {
			action = audit.HelpClosed
		}
	}
	return action
}

// answer mails an operator's words to the person, at the stored address; CodeState where nobody is known, for
// an address that anybody can have typed gets no mail.
func (d *Desk) answer(w *authn.Work, c *Case, text string) error {
	if c.User == "" {
		return authn.Refuse(authn.CodeState)
	}
	u, err := w.User(c.User)
	if err != nil {
		return err
	}
	m := templates.HelpAnsweredMail{About: templates.About{Name: u.DisplayName(), At: w.Act.Now}, Reference: c.Reference, Answer: text}
	return w.PostTo(u.Addresses()[:1], d.People.Locale(&u), m, time.Time{})
}
