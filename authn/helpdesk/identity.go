package helpdesk

import (
	"cmp"
	"slices"
	"time"

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

// CallResult is the result of a call back. Only CallConfirmed is an identity check.
type CallResult string

// The results of a call back.
const (
	CallConfirmed   CallResult = "confirmed"    // reached, and the user asks for help
	CallNotReached  CallResult = "not_reached"  // nobody answered
	CallWrongPerson CallResult = "wrong_person" // another person answered
	CallRefused     CallResult = "refused"      // the user asked for nothing, or confirmed nothing
)

// IdentityCheck is an identity check as an administrator states it, or a call back that was none.
type IdentityCheck struct {
	Method IdentityMethod
	By     string     // who met the user, or which manager confirmed; required for these two methods; at most 128 characters
	Number string     // with IdentityCalledBack: the Member of the number; "": the first one that is not young
	Result CallResult // with IdentityCalledBack; "": CallConfirmed

	called string // the masked number, set by resolve
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
	called := k.Method == IdentityCalledBack
	switch {
	case !ok:
		return nil, errcode.InvalidField("identityCheck.by", "too_long")
	case by == "" && (k.Method == IdentityInPerson || k.Method == IdentityManager):
		return nil, errcode.InvalidField("identityCheck.by", "missing")
	case !called && k.Number != "":
		return nil, errcode.InvalidField("identityCheck.number", "unsupported")
	case !called && k.Result != "":
		return nil, errcode.InvalidField("identityCheck.result", "unsupported")
	case !slices.Contains([]string{"", memberMobile, memberPrimary}, k.Number):
		return nil, errcode.InvalidField("identityCheck.number", "unknown")
	case !slices.Contains([]CallResult{"", CallConfirmed, CallNotReached, CallWrongPerson, CallRefused}, k.Result):
		return nil, errcode.InvalidField("identityCheck.result", "unknown")
	}
	out := &IdentityCheck{Method: k.Method, By: by, Number: k.Number}
	if called {
		out.Result = cmp.Or(k.Result, CallConfirmed)
	}
	return out, nil
}

// resolve returns the valid check with the number that was called. It returns WrongState if the user was called back, but has no such
// number that is not young (protocol rule 24). It returns nil for nil.
func (k *IdentityCheck) resolve(u *account.User, now time.Time) (*IdentityCheck, error) {
	if k == nil || k.Method != IdentityCalledBack {
		return k, nil
	}
	for _, n := range Numbers(u, now) {
		if !n.Young && (k.Number == "" || k.Number == n.Member) {
			out := *k
			out.called = input.MaskPhone(n.Number)
			return &out, nil
		}
	}
	return nil, errcode.WrongStateFor(errcode.ReasonNoNumber)
}

// confirmed reports whether k proves who asks. A call back that confirmed nothing does not.
func (k *IdentityCheck) confirmed() bool { return k.Result == "" || k.Result == CallConfirmed }

// detail adds the check to the detail of an event.
func (k *IdentityCheck) detail(detail map[string]string) {
	named := map[string]string{"identity": string(k.Method), "identityBy": k.By, "identityNumber": k.called}
	if !k.confirmed() { // not under the names of a check
		named = map[string]string{"call": string(k.Result), "callNumber": k.called}
	}
	for key, text := range named {
		if text != "" {
			detail[key] = text
		}
	}
}

// identityCheck returns the present check of the request.
func (c *Request) identityCheck() *IdentityCheck {
	return &IdentityCheck{Method: c.Identity, By: c.IdentityBy, called: c.IdentityNumber}
}

// recordIdentity stores a resolved check in the request. A call back that confirmed nothing is no check: it is added to the history, and
// ends an earlier check if another person answered or the user refused. recordIdentity returns false if the request already has
// this check.
func (c *Request) recordIdentity(tx *account.Tx, p admin.Principal, k IdentityCheck) bool {
	what, text := "identity", string(k.Method)
	for _, more := range []string{k.called, k.By} {
		if more != "" {
			text += ": " + more
		}
	}
	switch {
	case !k.confirmed():
		what, text = "call", string(k.Result)+": "+k.called
		if k.Result != CallNotReached {
			c.clearIdentity()
		}
	case *c.identityCheck() == IdentityCheck{Method: k.Method, By: k.By, called: k.called}:
		return false
	default:
		c.Identity, c.IdentityBy, c.IdentityNumber, c.IdentityAt = k.Method, k.By, k.called, tx.Op.Now
	}
	c.addNote(tx, p, what, text)
	return true
}

// clearIdentity ends the identity check of the request.
func (c *Request) clearIdentity() {
	c.Identity, c.IdentityBy, c.IdentityNumber, c.IdentityAt = "", "", "", time.Time{}
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

// checkDelivery returns WrongState if the user was called back and the ticket is not mailed to the address on file: a code that is read
// out proves nothing more than the call (protocol rule 24). A code on screen is for a user who is present (protocol rule 9).
func (j resetJob) checkDelivery(c *Request) error {
	check := j.request.Check
	if c != nil {
		check = c.identityCheck()
	}
	if check != nil && check.Method == IdentityCalledBack && j.delivery != byEmail {
		return errcode.WrongStateFor(errcode.ReasonCalledBack)
	}
	if check != nil && check.Method != IdentityInPerson && j.delivery == onScreen {
		return errcode.WrongStateFor(errcode.ReasonNotPresent)
	}
	return nil
}

// CheckHadDevice returns WrongState if the user is deactivated or never had a device.
func CheckHadDevice(u *account.User) error {
	switch {
	case u.Status == account.StatusDeactivated:
		return errcode.New(errcode.WrongState)
	case !u.EverHadDevice: // nor a password that could be used with a ticket (protocol rule 23)
		return errcode.WrongStateFor(errcode.ReasonNeverHadDevice)
	}
	return nil
}
