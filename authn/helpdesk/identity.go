package helpdesk

import (
	"slices"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
)

// IdentityMethod is how an operator made sure who is asking (PROTOCOL 24). A reply by mail and a call from the person
// are not on the list.
type IdentityMethod string

// The ways to check an identity.
const (
	IdentityInPerson   IdentityMethod = "in_person"
	IdentityCalledBack IdentityMethod = "called_back" // on the number on file
	IdentityManager    IdentityMethod = "manager_confirmed"
	IdentityDocument   IdentityMethod = "photo_document"
)

// IdentityCheck is one check as an operator states it.
type IdentityCheck struct {
	Method IdentityMethod
	By     string // who saw the person, which manager confirmed: needed for these two; at most 128 characters
}

// judged is the check with its text made inert, if it says all that it has to.
func (k *IdentityCheck) judged() (*IdentityCheck, error) {
	if k == nil {
		return nil, nil
	}
	if !slices.Contains([]IdentityMethod{IdentityInPerson, IdentityCalledBack, IdentityManager, IdentityDocument}, k.Method) {
		return nil, errcode.InvalidField("identityCheck.way", "unknown")
	}
	by, ok := admin.Sanitize(k.By, 128, false)
	switch {
	case !ok:
		return nil, errcode.InvalidField("identityCheck.by", "too_long")
	case by == "" && (k.Method == IdentityInPerson || k.Method == IdentityManager):
		return nil, errcode.InvalidField("identityCheck.by", "missing")
	}
	return &IdentityCheck{k.Method, by}, nil
}

// identify writes down a check; false when the case says the same already.
func (c *Request) identify(tx *account.Tx, op admin.Principal, k IdentityCheck) bool {
	if c.Identity == k.Method && c.IdentityBy == k.By {
		return false
	}
	c.Identity, c.IdentityBy, c.IdentityAt = k.Method, k.By, tx.Op.Now
	text := string(k.Method)
	if k.By != "" {
		text += ": " + k.By
	}
	c.note(tx, op, "identity", text)
	return true
}

// answeredBy judges whether a reset may answer the case: somebody made sure who is asking (PROTOCOL 24), and nobody
// closed it. One that a reset resolved is named again only by the repeat of that reset.
func (c *Request) answeredBy(u *account.User, again bool) error {
	switch {
	case c == nil:
		return nil
	case c.State == StateRejected, c.State == StateResolved && (!again || c.Changed.Before(u.ResetAt)):
		return errcode.WrongStateFor(errcode.ReasonRequestClosed)
	case c.Identity == "":
		return errcode.WrongStateFor(errcode.ReasonIdentity)
	}
	return nil
}
