package directory

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// NewUser describes a user to create. Login or Email is required; an empty one takes the value of the other.
type NewUser struct {
	Login, Email, SecondEmail string
	FirstName, LastName       string
	PrimaryPhone, MobilePhone string // as input.Phone accepts them
	Profile                   json.RawMessage
	Locale                    string // of Policy.Locales, or "" for the default
	Groups                    []account.GroupID
	Role                      account.Role // "": none; except for SUPER_ADMIN it is limited to Groups, if there are any
	Password                  string       // requires RequireInvitationLink; its provenance is the owner of the principal (protocol rule 8)
	OTPAuthURI                secret.Value // an imported device, as an otpauth URI; operator only (protocol rule 23)
}

// Invitation is the result of an invitation.
type Invitation struct {
	Sent    bool
	Link    secret.Value // zero if sent by email
	Expires time.Time
}

// CreateResult is the result of the transaction of CreateUser.
type CreateResult struct {
	User       account.User
	Invitation Invitation
}

// CreateUser creates a user and, if activate is set, invites them: by email, or with sendEmail false by a link in the
// result, which requires RequireInvitationLink.
//
// A user with a password is active, but without a device can sign in only by the invitation. A user with an OTPAuthURI
// is active too. They receive a link to choose a password, which also confirms the device.
//
// CreateUser returns Taken if an address belongs to another user. For a principal with a group scope it does so only if
// that user is in the scope, and otherwise creates a placeholder with the same result (protocol rule 21). It returns
// Invalid or Forbidden.
func (s *Service) CreateUser(ctx context.Context, p admin.Principal, req account.RequestInfo, n NewUser, activate, sendEmail bool) (account.User, Invitation, error) {
	return s.createUser(ctx, p, s.accounts.NewOperation(req), n, activate, sendEmail)
}

// createUser is CreateUser as part of an operation.
func (s *Service) createUser(ctx context.Context, p admin.Principal, op *account.Operation, n NewUser, activate, sendEmail bool) (account.User, Invitation, error) {
	u, err := s.validateNew(p, n, activate, sendEmail)
	if err != nil {
		return account.User{}, Invitation{}, err
	}
	if n.Password != "" {
		if u.Password, err = s.initialPassword(ctx, p, op.Now, &u, n.Password); err != nil {
			return account.User{}, Invitation{}, err
		}
	}
	device, err := s.importedDevice(p, op.Now, &u, n)
	if err != nil {
		return account.User{}, Invitation{}, err
	}
	out, err := account.Update(ctx, s.accounts, op, func(tx *account.Tx) (CreateResult, error) {
		return s.storeUser(tx, p, n, u, device, activate, sendEmail)
	})
	if err == nil && len(out.User.Groups) > 0 && !out.User.Placeholder {
		err = s.accounts.DeletePlaceholders(ctx, out.User.ID, false)
	}
	if err == nil && n.Role == account.RoleSuperAdmin {
		err = s.Admin.NotifySuperAdmins(ctx, p, op.Request, admin.RoleChange{Action: audit.RoleGranted, Assignment: out.User.Roles[0], User: out.User}, op.Now)
	}
	return admin.WithoutSecrets(out.User), out.Invitation, err
}

// storeUser is the transaction of CreateUser. device is nil without an OTPAuthURI.
func (s *Service) storeUser(tx *account.Tx, p admin.Principal, n NewUser, u account.User, device *factors.Device, activate, sendEmail bool) (CreateResult, error) {
	fresh := tx.NewUser()
	u.ID, u.Handle, u.EmailProvenance.By = fresh.ID, fresh.Handle, emailProvenance(p)
	u.StampPhones(emailProvenance(p), tx.Op.Now)
	u.Sponsors = u.Sponsors.Add(p.Owner, tx.Op.Now)
	if err := s.handleExistingAddress(tx, p, &u); err != nil {
		return CreateResult{}, err
	}
	if n.Role != "" {
		g := account.RoleAssignment{ID: "r" + tx.Op.ID("grant"), Role: n.Role, Created: tx.Op.Now, Changed: tx.Op.Now}
		if n.Role != account.RoleSuperAdmin {
			g.Groups = n.Groups
		}
		u.Roles = []account.RoleAssignment{g}
	}
	if device != nil {
		if err := s.enrol.AddImported(tx, &u, *device); err != nil {
			return CreateResult{}, err
		}
	}
	if err := tx.Create(&u); err != nil {
		return CreateResult{}, err
	}
	e := p.Event(audit.UserCreated, &u)
	e.Detail = map[string]string{}
	if n.Role != "" {
		e.Detail["role"] = string(n.Role)
	}
	if n.Password != "" { // the provenance (protocol rule 22)
		e.Detail["password"] = p.Owner
	}
	err := tx.Audit(e)
	if err == nil && device != nil {
		err = s.auditImportedDevice(tx, p, &u, audit.FactorActivated)
	}
	var inv Invitation
	if err == nil && activate {
		inv, err = s.sendWelcome(tx, p, &u, sendEmail)
	}
	if err != nil {
		return CreateResult{}, err
	}
	u, err = withDisplayStatus(tx, u, nil)
	return CreateResult{u, inv}, err
}

// validateNew returns the user that n describes. It returns Forbidden if p may not create it, or the first fault of n.
func (s *Service) validateNew(p admin.Principal, n NewUser, activate, sendEmail bool) (account.User, error) {
	u, faults := parseUser(n, &s.accounts.Policy)
	if err := p.Require(admin.PermInvite); err != nil {
		return u, err
	}
	if !p.CoversGroups(n.Groups) {
		return u, errcode.ForbiddenFor(errcode.ReasonGroupsOutside)
	}
	if n.Password != "" || activate && !sendEmail {
		if err := p.RequireInvitationLink(); err != nil {
			return u, err
		}
	}
	if err := checkRole(p, n.Role); err != nil {
		return u, err
	}
	if len(faults) > 0 {
		return u, faults[0]
	}
	return u, nil
}

// checkRole returns nil if p may create a user with role r; an empty r means no role. One administrator may not: their request for the
// role of an existing user waits for an approval (protocol rule 11).
func checkRole(p admin.Principal, r account.Role) error {
	err := p.CheckInitialRole(r)
	if err == nil && r != "" {
		err = p.RequireConsent()
	}
	return err
}

// parseUser returns the user that n describes, and one fault for each invalid field.
func parseUser(n NewUser, policy *account.Policy) (u account.User, faults []*errcode.Error) {
	if n.Login == "" {
		n.Login = n.Email
	}
	if n.Email == "" {
		n.Email = n.Login
	}
	u = account.User{FirstName: n.FirstName, LastName: n.LastName, Profile: n.Profile, Locale: n.Locale,
		Groups: n.Groups, Status: account.StatusStaged}
	if !u.SetLogin(n.Login) {
		faults = append(faults, errcode.InvalidField("login", "address"))
	}
	if !u.SetEmail(n.Email) {
		faults = append(faults, errcode.InvalidField("email", "address"))
	}
	if !u.SetSecondEmail(n.SecondEmail) {
		faults = append(faults, errcode.InvalidField("secondEmail", "address"))
	}
	if !u.PrimaryPhone.Set(n.PrimaryPhone) {
		faults = append(faults, errcode.InvalidField("primaryPhone", "phone"))
	}
	if !u.MobilePhone.Set(n.MobilePhone) {
		faults = append(faults, errcode.InvalidField("mobilePhone", "phone"))
	}
	if n.Locale != "" && !policy.HasLocale(n.Locale) {
		faults = append(faults, errcode.InvalidField("locale", "unknown"))
	}
	return u, faults
}

// initialPassword activates u and returns the password that an administrator chose. It hashes, so it runs outside any
// transaction.
func (s *Service) initialPassword(ctx context.Context, p admin.Principal, now time.Time, u *account.User, password string) (account.Password, error) {
	hash, err := s.hashPassword(ctx, u, password)
	if err != nil {
		return account.Password{}, err
	}
	u.Status, u.Activated, u.StatusAt = account.StatusActive, now, now
	return account.Password{Hash: hash, Provenance: p.Owner, Set: now}, nil
}

// hashPassword validates and hashes a password that an administrator chose for u.
func (s *Service) hashPassword(ctx context.Context, u *account.User, password string) (string, error) {
	about := []string{u.Login, u.Email, u.SecondEmail, u.FirstName, u.LastName, s.accounts.Policy.Issuer}
	if err := s.accounts.Hasher.Validate(password, about); err != nil {
		return "", err
	}
	hash, err := s.accounts.Hasher.Hash(ctx, false, password)
	if err != nil {
		return "", fmt.Errorf("hashing password: %w", err)
	}
	return hash, nil
}

// invite creates an invitation, sends it by email or returns its link, and saves the user.
func (s *Service) invite(tx *account.Tx, p admin.Principal, u *account.User, sendEmail bool) (Invitation, error) {
	provenance, by := account.ProvenanceEmail, p.DisplayName(s.accounts.Policy.Issuer)
	if !sendEmail {
		provenance, u.Sponsors = p.Owner, u.Sponsors.Add(p.Owner, tx.Op.Now)
	}
	if u.HasOnlyImportedDevice() { // the user never signed in with it; the invitation replaces it
		if err := s.dropImported(tx, p, u); err != nil {
			return Invitation{}, err
		}
	}
	token, err := s.signIn.Invite(tx, u, provenance, by)
	if err != nil {
		return Invitation{}, err
	}
	out := Invitation{Sent: sendEmail, Expires: u.Invited.Expires}
	link := s.signIn.URL("/invite/" + token.Reveal())
	e := p.Event(audit.InvitationIssued, u)
	e.Detail = map[string]string{"method": "email"}
	if sendEmail {
		var group string
		if group, err = groupName(tx, u); err != nil {
			return Invitation{}, err
		}
		// The email does not contain the browser and address of the administrator.
		m := notice.Invitation{Context: notice.Context{Name: u.DisplayName()}, Inviter: by, Group: group,
			Login: u.AsGiven().Login, Link: link, Until: out.Expires}
		err = tx.SendByAdmin(u, u.Addresses()[:1], m, out.Expires)
	} else {
		out.Link, e.Detail["method"] = secret.From(link), "response"
	}
	if err != nil {
		return Invitation{}, err
	}
	if err := tx.Audit(e); err != nil {
		return Invitation{}, err
	}
	return out, tx.Save(u)
}

// groupName returns the name of the first group of u, or an empty string.
func groupName(tx *account.Tx, u *account.User) (string, error) {
	if len(u.Groups) == 0 {
		return "", nil
	}
	g, err := tx.Group(u.Groups[0])
	if err != nil && errcode.Of(err) != errcode.NotFound {
		return "", err
	}
	return g.Name, nil
}

// Activate invites a user who never had a device. It replaces an earlier invitation and an imported device that the
// user never used. A deactivated user who had a device becomes active again without an invitation. It returns
// WrongState for other users (protocol rule 10); sendEmail is as for CreateUser.
func (s *Service) Activate(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, sendEmail bool) (Invitation, error) {
	return account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (Invitation, error) {
		u, err := admin.FindUser(tx.Reader, p, admin.PermInvite, id)
		if err != nil {
			return Invitation{}, err
		}
		if !sendEmail {
			if err := p.RequireInvitationLink(); err != nil {
				return Invitation{}, err
			}
		}
		if u.Status == account.StatusDeactivated {
			return s.reactivate(tx, p, &u, sendEmail)
		}
		return s.invite(tx, p, &u, sendEmail)
	})
}

// Device returns one device of a user. It contains Data, which Describe reads; the caller must not publish it.
func (s *Service) Device(ctx context.Context, p admin.Principal, id string, fid factors.DeviceID) (factors.Device, error) {
	u, err := s.Admin.User(ctx, p, id)
	if err != nil {
		return factors.Device{}, err
	}
	return device(&u, fid)
}

// device returns the device of u with this id, or NotFound.
func device(u *account.User, fid factors.DeviceID) (factors.Device, error) {
	for _, dev := range u.Devices {
		if dev.ID == fid {
			return dev, nil
		}
	}
	return factors.Device{}, errcode.New(errcode.NotFound)
}

// RemoveDevice removes one device of a user and ends all their sessions, with the permission of a reset. It issues no
// ticket; a user without a device needs a reset (protocol rule 1). If the device is an unfinished admin enrolment, it
// cancels that.
func (s *Service) RemoveDevice(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, fid factors.DeviceID) error {
	_, err := account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		u, err := admin.FindUser(tx.Reader, p, admin.PermReset, id)
		if err != nil {
			return struct{}{}, err
		}
		if err := s.enrol.CancelByAdmin(tx, s.adminCall(p, admin.PermReset, id), &u, fid); errcode.Of(err) != errcode.NotFound {
			if err == nil {
				err = tx.Save(&u)
			}
			return struct{}{}, err
		}
		removed, err := device(&u, fid)
		if err != nil {
			return struct{}{}, err
		}
		if err := s.signIn.DeleteDevice(tx, &u, removed); err != nil {
			return struct{}{}, err
		}
		if _, err := tx.RevokeSessions(&u, ""); err != nil {
			return struct{}{}, err
		}
		tx.AddAdminActivity(&u, audit.FactorRemoved, removed.Name)
		e := p.Event(audit.FactorRemoved, &u)
		e.Targets = []audit.Actor{{Type: audit.TypeDevice, ID: string(removed.ID), Name: removed.Name}}
		e.Detail = map[string]string{"kind": string(removed.Kind)}
		if err := tx.Audit(e); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}
