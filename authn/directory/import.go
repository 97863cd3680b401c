package directory

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// ImportRow is one user of an import.
type ImportRow struct {
	NewUser
	GroupNames []string         // names or ids of groups, in addition to Groups
	Faults     []*errcode.Error // faults that the caller found; a row with faults is not imported

	duplicates []*errcode.Error
}

// ImportResult is the result of one row. A zero value means that a dry run found no fault.
type ImportResult struct {
	ID      account.UserID   // the user that was created or that existed
	Exists  bool             // a user with that login existed and was not changed (protocol rule 23)
	Invited bool             // an email is queued
	Faults  []*errcode.Error // the first fault of each field; nothing was written
}

// Import creates the users of a list, each in its own transaction, unless a user with that login exists. With invite it
// queues an email in the same transaction, so a list that is imported again invites no user twice. These emails are
// paced. A dry run only validates.
//
// A row that repeats an earlier row is invalid. To a principal with a group scope, a user outside the scope does not
// exist, and the result is a placeholder, as with CreateUser (protocol rule 21). Import returns Forbidden if the
// principal cannot import, or if a token imports a key: only the operator can (protocol rule 23).
func (s *Service) Import(ctx context.Context, p admin.Principal, req account.RequestInfo, rows []ImportRow, invite, dry bool) ([]ImportResult, error) {
	if slices.ContainsFunc(rows, func(r ImportRow) bool { return !r.OTPAuthURI.IsZero() }) && !p.Operator {
		return nil, errcode.ForbiddenFor(errcode.ReasonNeedsOperator)
	}
	if err := p.Require(admin.PermInvite); err != nil {
		return nil, err
	}
	if err := s.resolveGroups(ctx, p, rows); err != nil {
		return nil, err
	}
	users := make([]NewUser, len(rows))
	for i, r := range rows {
		users[i] = r.NewUser
	}
	duplicates := FindDuplicates(users, func(key secret.Value) (string, bool) {
		device, err := s.enrol.ParseImport(s.accounts.Now(), &account.User{}, key)
		return device.Unique, err == nil
	})
	out := make([]ImportResult, len(rows))
	for i, r := range rows {
		r.duplicates = duplicates[i]
		var err error
		if out[i], err = s.importRow(ctx, p, req, r, invite, dry); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// importRow validates one row and creates its user.
func (s *Service) importRow(ctx context.Context, p admin.Principal, req account.RequestInfo, r ImportRow, invite, dry bool) (ImportResult, error) {
	out, err := s.validateImport(ctx, p, r)
	if err != nil || dry || out.Exists || len(out.Faults) > 0 {
		return out, err
	}
	op := s.accounts.NewOperation(req)
	if invite {
		op.SendAfter = s.accounts.Outbox.NextBulk(op.Now)
	}
	u, invitation, err := s.createUser(ctx, p, op, r.NewUser, invite, true)
	if errcode.Of(err) == errcode.Taken { // another request created a user with one of the addresses
		out, err := s.validateImport(ctx, p, r)
		if err == nil && !out.Exists && len(out.Faults) == 0 {
			out.Faults = []*errcode.Error{errcode.InvalidField("login", "taken")}
		}
		return out, err
	}
	if fault, ok := errors.AsType[*errcode.Error](err); ok && fault.Code == errcode.Invalid {
		return ImportResult{Faults: []*errcode.Error{fault}}, nil
	}
	return ImportResult{ID: u.ID, Invited: invitation.Sent}, err
}

// validateImport returns all faults of a row.
func (s *Service) validateImport(ctx context.Context, p admin.Principal, r ImportRow) (out ImportResult, err error) {
	u, faults := parseUser(r.NewUser, &s.accounts.Policy)
	device, err := s.importedDevice(p, s.accounts.Now(), &u, r.NewUser)
	if fault, ok := errors.AsType[*errcode.Error](err); ok && fault.Code == errcode.Invalid {
		faults = append(faults, fault)
	} else if err != nil {
		return out, err
	}
	switch err := checkRole(p, r.Role); {
	case errcode.Of(err) == errcode.ApprovalRequired:
		faults = append(faults, errcode.InvalidField("role", "approval"))
	case err != nil:
		faults = append(faults, errcode.InvalidField("role", "unknown"))
	}
	if !p.CoversGroups(r.Groups) { // a group outside the scope does not exist (protocol rule 21)
		faults = append(faults, errcode.InvalidField("groupIds", "unknown"))
	}
	err = s.accounts.View(ctx, func(reader account.Reader) error {
		found, known, err := reader.ValidateNew(&u, device, func(address string) (account.User, error) { return findByAddress(reader, p, address) })
		if err != nil {
			return err
		}
		out = ImportResult{ID: known, Exists: known != ""}
		if !out.Exists {
			out.Faults = firstOfEachField(slices.Concat(r.Faults, faults, found, r.duplicates))
		}
		return nil
	})
	return out, err
}

// resolveGroups adds the groups that the rows name to their Groups. A name that no group in the scope of the principal
// has is a fault. Case and the kind of apostrophes and spaces do not matter: no two groups differ only by them.
func (s *Service) resolveGroups(ctx context.Context, p admin.Principal, rows []ImportRow) error {
	found := map[string]account.GroupID{}
	err := s.accounts.View(ctx, func(reader account.Reader) error {
		clear(found)
		for _, r := range rows {
			for _, name := range r.GroupNames {
				if _, known := found[name]; known {
					continue
				}
				g, err := groupNamed(reader, name)
				if err != nil && !account.Missing(err) {
					return err
				}
				if err == nil && (!p.Scoped() || slices.Contains(p.Groups, g.ID)) { // a group outside the scope does not exist (protocol rule 21)
					found[name] = g.ID
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		for _, name := range r.GroupNames {
			switch id := found[name]; {
			case id == "":
				r.Faults = append(r.Faults, errcode.InvalidField("groupIds", "unknown"))
			case !slices.Contains(r.Groups, id):
				r.Groups = append(r.Groups, id)
			}
		}
	}
	return nil
}

// groupNamed returns the group with an id or a name.
func groupNamed(r account.Reader, idOrName string) (account.Group, error) {
	if len(idOrName) <= 64 && !strings.ContainsFunc(idOrName, func(r rune) bool { return r < 0x21 || r > 0x7E }) {
		if g, err := r.Group(account.GroupID(idOrName)); !account.Missing(err) {
			return g, err
		}
	}
	return r.GroupNamed(idOrName)
}

// FindDuplicates returns, for each user of a list, a fault for each address or key that an earlier user has. keyID
// identifies a key independently of its spelling; it returns false for an invalid key.
func FindDuplicates(users []NewUser, keyID func(key secret.Value) (string, bool)) [][]*errcode.Error {
	out := make([][]*errcode.Error, len(users))
	seen := map[string]int{}
	check := func(i int, field, value string) {
		if first, found := seen[value]; !found {
			seen[value] = i
		} else if first != i {
			out[i] = append(out[i], errcode.InvalidField(field, "duplicate"))
		}
	}
	for i, u := range users {
		for _, a := range []struct{ field, address string }{{"login", u.Login}, {"email", u.Email}, {"secondEmail", u.SecondEmail}} {
			if address, ok := account.NormalizeLogin(a.address); ok {
				check(i, a.field, address)
			}
		}
		if !u.OTPAuthURI.IsZero() {
			if id, ok := keyID(u.OTPAuthURI); ok {
				check(i, "otpauth", "key:"+id) // no address contains a colon
			}
		}
	}
	return out
}

// firstOfEachField returns the first fault of each field.
func firstOfEachField(all []*errcode.Error) (out []*errcode.Error) {
	seen := map[string]bool{}
	for _, fault := range all {
		if !seen[fault.Field] {
			seen[fault.Field] = true
			out = append(out, fault)
		}
	}
	return out
}

// importedDevice returns the device of an imported key, or nil without a key. Only the operator can import a key.
func (s *Service) importedDevice(p admin.Principal, now time.Time, u *account.User, n NewUser) (*factors.Device, error) {
	if n.OTPAuthURI.IsZero() {
		return nil, nil
	}
	if !p.Operator {
		return nil, errcode.ForbiddenFor(errcode.ReasonNeedsOperator)
	}
	if n.Password != "" { // password and device would have the same provenance (protocol rule 8)
		return nil, errcode.New(errcode.SameProvenance)
	}
	device, err := s.enrol.ParseImport(now, u, n.OTPAuthURI)
	return &device, err
}

// sendWelcome queues the first email of a new user: an invitation or, with an imported device, a link to choose a password.
func (s *Service) sendWelcome(tx *account.Tx, p admin.Principal, u *account.User, sendEmail bool) (Invitation, error) {
	switch {
	case !u.HasOnlyImportedDevice():
		return s.invite(tx, p, u, sendEmail)
	case !sendEmail: // password and device would have the same provenance (protocol rule 8)
		return Invitation{}, errcode.New(errcode.SameProvenance)
	}
	token, expires, err := s.enrol.IssueImportLink(tx, u)
	if err != nil {
		return Invitation{}, err
	}
	group, err := groupName(tx, u)
	if err != nil {
		return Invitation{}, err
	}
	m := notice.Welcome{Context: notice.Context{Name: u.DisplayName()}, Group: group, Login: u.AsGiven().Login, Device: u.Devices[0].Name,
		Link: s.signIn.URL("/password/" + token.Reveal()), Until: expires}
	if err := tx.SendTo(u, u.Addresses()[:1], m, expires); err != nil {
		return Invitation{}, err
	}
	e := p.Event(audit.InvitationIssued, u)
	e.Detail = map[string]string{"method": "email"}
	return Invitation{Sent: true, Expires: expires}, tx.Audit(e)
}

// dropImported removes an imported device that the user never used.
func (s *Service) dropImported(tx *account.Tx, p admin.Principal, u *account.User) error {
	if err := s.auditImportedDevice(tx, p, u, audit.FactorRemoved); err != nil {
		return err
	}
	return s.enrol.RemoveImported(tx, u)
}

// auditImportedDevice records an operation on an imported device in the audit log.
func (s *Service) auditImportedDevice(tx *account.Tx, p admin.Principal, u *account.User, action string) error {
	e := p.Event(action, u)
	for _, dev := range u.Devices {
		e.Targets = append(e.Targets, audit.Actor{Type: audit.TypeDevice, ID: string(dev.ID), Name: dev.Name})
		e.Detail = map[string]string{"kind": string(dev.Kind), "from": "import"}
	}
	return tx.Audit(e)
}
