package helpdesk

import (
	"slices"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/internal/input"
)

// IdentityMethod is the method by which an administrator checked the identity of the user (protocol rule 24). A reply
// by email and a call from the user are not methods.
type IdentityMethod string

// The methods of an identity check.
const (
	IdentityInPerson   IdentityMethod = "in_person"
	IdentityCalledBack IdentityMethod = "called_back" // at the stored telephone number
	IdentityManager    IdentityMethod = "manager_confirmed"
	IdentityDocument   IdentityMethod = "photo_document"
)

// IdentityCheck is an identity check as an administrator states it.
type IdentityCheck struct {
	Method IdentityMethod
	By     string // who met the user, or which manager confirmed; required for these two methods; at most 128 characters
}

// validate returns the check with a sanitized text, or Invalid. It returns nil for nil.
func (k *IdentityCheck) validate() (*IdentityCheck, error) {
	if k == nil {
		return nil, nil
	}
	if !slices.Contains([]IdentityMethod{IdentityInPerson, IdentityCalledBack, IdentityManager, IdentityDocument}, k.Method) {
		return nil, errcode.InvalidField("identityCheck.method", "unknown")
	}
	by, ok := input.Text(k.By, 128, false)
	switch {
	case !ok:
		return nil, errcode.InvalidField("identityCheck.by", "too_long")
	case by == "" && (k.Method == IdentityInPerson || k.Method == IdentityManager):
		return nil, errcode.InvalidField("identityCheck.by", "missing")
	}
	return &IdentityCheck{k.Method, by}, nil
}

// recordIdentity stores an identity check in the request. It returns false if the request already has this check.
func (c *Request) recordIdentity(tx *account.Tx, p admin.Principal, k IdentityCheck) bool {
	if c.Identity == k.Method && c.IdentityBy == k.By {
		return false
	}
	c.Identity, c.IdentityBy, c.IdentityAt = k.Method, k.By, tx.Op.Now
	text := string(k.Method)
	if k.By != "" {
		text += ": " + k.By
	}
	c.addNote(tx, p, "identity", text)
	return true
}

// checkResettable returns nil if a reset may answer the request: its identity check is done and it is open (protocol
// rule 24). A request that a reset resolved is acceptable only for a repeat of that reset.
func (c *Request) checkResettable(u *account.User, repeat bool) error {
	switch {
	case c == nil:
		return nil
	case c.State == StateRejected, c.State == StateResolved && (!repeat || c.Changed.Before(u.ResetAt)):
		return errcode.WrongStateFor(errcode.ReasonRequestClosed)
	case c.Identity == "":
		return errcode.WrongStateFor(errcode.ReasonIdentity)
	}
	return nil
}
