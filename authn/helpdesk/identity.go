package helpdesk

import (
	"slices"

	"barillet/authn"
)

// Identity is how an operator made sure who is asking (PROTOCOL 24). A reply by mail and a call from the person
// are not on the list.
type Identity string

// The ways to check an identity.
const (
	IdentityInPerson   Identity = "in_person"
	IdentityCalledBack Identity = "called_back" // on the number on file
	IdentityManager    Identity = "manager_confirmed"
	IdentityDocument   Identity = "photo_document"
)

// IdentityCheck is one check as an operator states it.
type IdentityCheck struct {
	Way Identity
	By  string // who saw the person, which manager confirmed: needed for these two; at most 128 characters
}

// judged is the check with its text made inert, if it says all that it has to.
func (k *IdentityCheck) judged() (*IdentityCheck, error) {
	if k == nil {
		return nil, nil
	}
	if !slices.Contains([]Identity{IdentityInPerson, IdentityCalledBack, IdentityManager, IdentityDocument}, k.Way) {
		return nil, authn.Invalid("identityCheck.way", "unknown")
	}
	by, ok := clean(k.By, 128, false)
	switch {
	case !ok:
		return nil, authn.Invalid("identityCheck.by", "too_long")
	case by == "" && (k.Way == IdentityInPerson || k.Way == IdentityManager):
		return nil, authn.Invalid("identityCheck.by", "missing")
	}
	return &IdentityCheck{k.Way, by}, nil
}

// identify writes down a check; false when the case says the same already.
func (c *Case) identify(w *authn.Tx, op Operator, k IdentityCheck) bool {
	if c.Identity == k.Way && c.IdentityBy == k.By {
		return false
	}
	c.Identity, c.IdentityBy, c.IdentityAt = k.Way, k.By, w.Op.Now
	text := string(k.Way)
	if k.By != "" {
		text += ": " + k.By
	}
	c.note(w, op, "identity", text)
	return true
}

// answeredBy judges whether a reset may answer the case: somebody made sure who is asking (PROTOCOL 24), and nobody
// closed it. One that a reset resolved is named again only by the repeat of that reset.
func (c *Case) answeredBy(u *authn.User, again bool) error {
	switch {
	case c == nil:
		return nil
	case c.State == StateRejected, c.State == StateResolved && (!again || c.Changed.Before(u.ResetAt)):
		return &authn.Error{Code: authn.CodeWrongState, Reason: authn.ReasonCaseClosed}
	case c.Identity == "":
		return &authn.Error{Code: authn.CodeWrongState, Reason: authn.ReasonIdentity}
	}
	return nil
}
