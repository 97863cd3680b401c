package admin

import (
	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// Consent is that of two administrators of different owners to one operation: of the principal that performs it, and of the one that
// asked for it (protocol rule 11). Only authn/approval makes one.
type Consent struct {
	Approval string // id of the approval
	By       string // ID of the principal that asked
	Owner    string // of that principal

	// Spend checks the consent again and spends it, in the transaction of the operation on u, who has not changed yet.
	Spend func(tx *account.Tx, u *account.User) error

	spent bool // in this transaction
}

// WithConsent returns p with the consent of the administrator who asked for the operation.
func (p Principal) WithConsent(c *Consent) Principal {
	p.consent = c
	return p
}

// HasConsent reports whether another administrator asked for the operation that p performs.
func (p Principal) HasConsent() bool { return p.consent != nil }

// SpendConsent spends the consent of p, if there is one. An operation that may need it calls SpendConsent before it changes u.
func (p Principal) SpendConsent(tx *account.Tx, u *account.User) error {
	if p.consent == nil {
		return nil
	}
	err := p.consent.Spend(tx, u)
	p.consent.spent = err == nil
	return err
}

// RequireConsent returns ApprovalRequired if p is one administrator, who may be fooled, without the consent of another that was spent.
// Operations that give a role, or write an address or number of a user in use, call it after all other checks. The operator and
// their tokens act alone.
func (p Principal) RequireConsent() error {
	if p.Operator || ownedByOperator(p.Owner) || p.consent != nil && p.consent.spent {
		return nil
	}
	return errcode.New(errcode.ApprovalRequired)
}

// Owners returns the owners of the principals that perform the operation, that of the requesting one first.
func (p Principal) Owners() []string {
	if p.consent == nil {
		return []string{p.Owner}
	}
	return []string{p.consent.Owner, p.Owner}
}

// Sponsor records that the account of u rests on the owners of p (protocol rule 9).
func (p Principal) Sponsor(tx *account.Tx, u *account.User) {
	for _, owner := range p.Owners() {
		u.Sponsors = u.Sponsors.Add(owner, tx.Op.Now)
	}
}

// DescribeConsent adds the consent of p to the detail of an event.
func (p Principal) DescribeConsent(e *audit.Event) {
	if p.consent != nil {
		e.Detail["owner"] = p.Owner
		e.Detail["approvalId"], e.Detail["requestedBy"], e.Detail["requestedByOwner"] = p.consent.Approval, p.consent.By, p.consent.Owner
	}
}
