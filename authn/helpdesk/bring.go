package helpdesk

import (
	"context"
	"errors"
	"time"

	"barillet/authn"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/templates"
)

// ImportResult is what became, or would become, of one person of a list. The zero value with nothing set: they can be
// made.
type ImportResult struct {
	ID      authn.UserID   // of who was made, or was there before; "" for neither
	Known   bool           // there was somebody of that login, who is left alone (PROTOCOL 23)
	Invited bool           // a mail is on its way to them
	Faults  []*authn.Error // why they cannot be made, each by its field; nothing was changed then
}

// MayImport judges whether the operator may import at all, and with keys of another house if there are any among the
// people: CodeForbidden. Only the machine's owner brings keys, never a token over the network (PROTOCOL 23).
func (d *Desk) MayImport(op Principal, keys bool) error {
	if keys && !op.Operator {
		return authn.Refuse(authn.CodeForbidden)
	}
	return op.Require(PermInvite)
}

// Import makes one person of a list, unless there is one of that login, and mails them with invite, in the same
// Update: whoever is there was invited, if that was asked for, however often a list is given. dry only judges. Somebody
// whom an operator limited to groups may not know of is new to them, and gets a shadow, as with CreateUser (PROTOCOL 21).
// CodeForbidden: the operator may not do it to anybody, or brings a key without owning the machine.
func (d *Desk) Import(ctx context.Context, op Principal, req authn.RequestInfo, n NewUser, invite, dry bool) (ImportResult, error) {
	out, err := d.validateImport(ctx, op, n)
	if err != nil || dry || out.Known || len(out.Faults) > 0 {
		return out, err
	}
	u, invitation, err := d.CreateUser(ctx, op, req, n, invite, true)
	if authn.CodeOf(err) == authn.CodeTaken { // somebody was faster
		out, err := d.validateImport(ctx, op, n)
		if err == nil && !out.Known && len(out.Faults) == 0 {
			out.Faults = []*authn.Error{authn.Invalid("login", "taken")}
		}
		return out, err
	}
	if fault, ok := errors.AsType[*authn.Error](err); ok && fault.Code == authn.CodeInvalid {
		return ImportResult{Faults: []*authn.Error{fault}}, nil
	}
	return ImportResult{ID: u.ID, Invited: invitation.Sent}, err
}

// validateImport finds everything that is wrong with a person at once.
func (d *Desk) validateImport(ctx context.Context, op Principal, n NewUser) (out ImportResult, err error) {
	if err := d.MayImport(op, !n.OTPAuthURI.IsZero()); err != nil {
		return out, err
	}
	u, faults := draft(n)
	device, err := d.addImported(op, d.Accounts.Now(), &u, n)
	if fault, ok := errors.AsType[*authn.Error](err); ok && fault.Code == authn.CodeInvalid {
		faults = append(faults, fault)
	} else if err != nil {
		return out, err
	}
	if op.checkGives(n.Role) != nil {
		faults = append(faults, authn.Invalid("role", "unknown"))
	}
	if !op.CoversGroups(n.Groups) { // what lies outside is not told from what is not there (PROTOCOL 21)
		faults = append(faults, authn.Invalid("groupIds", "unknown"))
	}
	err = d.Accounts.View(ctx, func(r authn.Reader) error {
		found, known, err := r.ValidateNew(&u, device, func(address string) (authn.User, error) { return holderOf(r, op, address) })
		if err != nil {
			return err
		}
		out = ImportResult{ID: known, Known: known != ""}
		if !out.Known {
			out.Faults = distinct(append(faults[:len(faults):len(faults)], found...))
		}
		return nil
	})
	return out, err
}

// distinct keeps the first of the faults of each field.
func distinct(all []*authn.Error) (out []*authn.Error) {
	seen := map[string]bool{}
	for _, fault := range all {
		if !seen[fault.Field] {
			seen[fault.Field] = true
			out = append(out, fault)
		}
	}
	return out
}

// addImported reads the key that a new person comes with; nil without one.
func (d *Desk) addImported(op Principal, now time.Time, u *authn.User, n NewUser) (*factors.Device, error) {
	if n.OTPAuthURI.IsZero() {
		return nil, nil
	}
	if err := d.MayImport(op, true); err != nil {
		return nil, err
	}
	if n.Password != "" { // PROTOCOL 8: one hand would bring both halves
		return nil, authn.Refuse(authn.CodeSameProvenance)
	}
	device, err := d.enrol.ParseImport(now, u, n.OTPAuthURI)
	return &device, err
}

// sendWelcome mails a new person what lets them in: an invitation, or for whoever brings a device the choice of a password.
func (d *Desk) sendWelcome(tx *authn.Tx, op Principal, u *authn.User, sendEmail bool) (Invitation, error) {
	switch {
	case !u.HasOnlyImportedDevice():
		return d.invite(tx, op, u, sendEmail)
	case !sendEmail: // PROTOCOL 8: whoever brought the key would have both halves
		return Invitation{}, authn.Refuse(authn.CodeSameProvenance)
	}
	token, expires, err := d.enrol.IssueImportLink(tx, u)
	if err != nil {
		return Invitation{}, err
	}
	garage, err := groupOf(tx, u)
	if err != nil {
		return Invitation{}, err
	}
	m := templates.WelcomeMail{Context: templates.Context{Name: u.DisplayName()}, Garage: garage, Login: u.Login, Device: u.Devices[0].Name,
		Link: d.signIn.URL("/password/" + token.Reveal()), Until: expires}
	if err := tx.SendTo(u.Addresses()[:1], d.Accounts.Locale(u), m, expires); err != nil {
		return Invitation{}, err
	}
	e := op.event(audit.InvitationIssued, u)
	e.Detail = map[string]string{"way": "mail"}
	return Invitation{Sent: true, Expires: expires}, tx.Audit(e)
}

// removeImported takes a device that was brought from elsewhere and never used.
func (d *Desk) removeImported(tx *authn.Tx, op Principal, u *authn.User) error {
	if err := d.auditKey(tx, op, u, audit.FactorRemoved); err != nil {
		return err
	}
	return d.enrol.RemoveImported(tx, u)
}

// auditKey writes down what became of the device that a person brought.
func (d *Desk) auditKey(tx *authn.Tx, op Principal, u *authn.User, action string) error {
	e := op.event(action, u)
	for _, dev := range u.Devices {
		e.Targets = append(e.Targets, audit.Actor{Type: audit.TypeDevice, ID: string(dev.ID), Name: dev.Name})
		e.Detail = map[string]string{"kind": string(dev.Kind), "from": "import"}
	}
	return tx.Audit(e)
}
