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

// NewUser is a person to be made. Login, Email or both are given; the other takes its value.
type NewUser struct {
	Login, Email, Second string
	FirstName, LastName  string
	Profile              json.RawMessage
	Locale               string // "fr", "en" or "" for the operator's default
	Groups               []account.GroupID
	Role                 account.Role // "": none. With Groups it is limited to them, but for SUPER_ADMIN
	Password             string       // by Machine or with Secrets only; it came by the operator's hand (PROTOCOL 8)
	OTPAuthURI           secret.Value // a device of another house, as an otpauth URI; by Machine only (PROTOCOL 23)
}

// Invitation is what became of inviting somebody.
type Invitation struct {
	Sent    bool
	Link    secret.Value // only when not mailed
	Expires time.Time
}

// Added is a person who was made: what the Update of CreateUser comes to.
type Added struct {
	User       account.User
	Invitation Invitation
}

// CreateUser makes a person and, with activate, invites them: by mail, or with sendEmail false by a link in the
// answer, to Machine or with Secrets only. A password makes the person active at once, yet without a device they
// come in by the invitation alone. Whoever brings a Key is active too and is mailed a link to choose a password, which
// proves the device as well. Taken: an address is somebody's; for an operator limited to groups only if it
// is that of somebody within, else the answer is that for a new person (PROTOCOL 21). Invalid, Forbidden.
func (d *Service) CreateUser(ctx context.Context, op admin.Principal, req account.RequestInfo, n NewUser, activate, sendEmail bool) (account.User, Invitation, error) {
	return d.addUser(ctx, op, d.accounts.NewOperation(req), n, activate, sendEmail)
}

func (d *Service) addUser(ctx context.Context, op admin.Principal, a *account.Operation, n NewUser, activate, sendEmail bool) (account.User, Invitation, error) {
	u, err := d.drafted(op, n, activate, sendEmail)
	if err != nil {
		return account.User{}, Invitation{}, err
	}
	if n.Password != "" {
		if u.Password, err = d.givenPassword(ctx, op, a.Now, &u, n.Password); err != nil {
			return account.User{}, Invitation{}, err
		}
	}
	device, err := d.importedDevice(op, a.Now, &u, n)
	if err != nil {
		return account.User{}, Invitation{}, err
	}
	out, err := account.Update(ctx, d.accounts, a, func(tx *account.Tx) (Added, error) {
		return d.add(tx, op, n, u, device, activate, sendEmail)
	})
	if err == nil && len(out.User.Groups) > 0 && !out.User.Placeholder {
		err = d.accounts.DeletePlaceholders(ctx, out.User.ID)
	}
	if err == nil && n.Role == account.RoleSuperAdmin {
		err = d.Admin.NotifySuperAdmins(ctx, op, a.Request, admin.RoleChange{Action: audit.RoleGranted, Assignment: out.User.Roles[0], User: out.User}, a.Now)
	}
	return admin.WithoutSecrets(out.User), out.Invitation, err
}

// add is the Update of CreateUser, for a person who was drafted and the device that they bring, if any.
func (d *Service) add(tx *account.Tx, op admin.Principal, n NewUser, u account.User, device *factors.Device, activate, sendEmail bool) (Added, error) {
	fresh := tx.NewUser()
	u.ID, u.Handle, u.EmailProvenance.By = fresh.ID, fresh.Handle, newEmailProvenance(op)
	if err := d.handleExistingAddress(tx, op, &u); err != nil {
		return Added{}, err
	}
	if n.Role != "" {
		g := account.RoleAssignment{ID: "r" + tx.Op.ID("grant"), Role: n.Role, Created: tx.Op.Now, Changed: tx.Op.Now}
		if n.Role != account.RoleSuperAdmin {
			g.Groups = n.Groups
		}
		u.Roles = []account.RoleAssignment{g}
	}
	if device != nil {
		if err := d.enrol.AddImported(tx, &u, *device); err != nil {
			return Added{}, err
		}
	}
	if err := tx.Create(&u); err != nil {
		return Added{}, err
	}
	e := op.Event(audit.UserCreated, &u)
	e.Detail = map[string]string{}
	if n.Role != "" {
		e.Detail["role"] = string(n.Role)
	}
	if n.Password != "" { // whose half it is (PROTOCOL 22)
		e.Detail["password"] = op.Owner
	}
	err := tx.Audit(e)
	if err == nil && device != nil {
		err = d.auditImportedDevice(tx, op, &u, audit.FactorActivated)
	}
	var inv Invitation
	if err == nil && activate {
		inv, err = d.sendWelcome(tx, op, &u, sendEmail)
	}
	if err != nil {
		return Added{}, err
	}
	u, err = stated(tx, u, nil)
	return Added{u, inv}, err
}

// drafted judges what an operator wrote about a new person and what they may write; the error names the first fault.
func (d *Service) drafted(op admin.Principal, n NewUser, activate, sendEmail bool) (account.User, error) {
	u, faults := draft(n)
	if err := op.Require(admin.PermInvite); err != nil {
		return u, err
	}
	if !op.CoversGroups(n.Groups) || (n.Password != "" || activate && !sendEmail) && !op.CanSeeInvitations() {
		return u, errcode.New(errcode.Forbidden)
	}
	if err := op.CheckGives(n.Role); err != nil {
		return u, err
	}
	if len(faults) > 0 {
		return u, faults[0]
	}
	return u, nil
}

// draft reads a new person, with everything that cannot be read, each by its field.
func draft(n NewUser) (u account.User, faults []*errcode.Error) {
	if n.Login == "" {
		n.Login = n.Email
	}
	if n.Email == "" {
		n.Email = n.Login
	}
	u = account.User{FirstName: n.FirstName, LastName: n.LastName, Profile: n.Profile, Locale: n.Locale,
		Groups: n.Groups, Status: account.StatusStaged}
	var ok bool
	if u.Login, ok = account.NormalizeLogin(n.Login); !ok {
		faults = append(faults, errcode.InvalidField("login", "address"))
	}
	if u.Email, ok = account.NormalizeEmail(n.Email); !ok {
		faults = append(faults, errcode.InvalidField("email", "address"))
	}
	if n.Second != "" {
		if u.SecondEmail, ok = account.NormalizeEmail(n.Second); !ok {
			faults = append(faults, errcode.InvalidField("secondEmail", "address"))
		}
	}
	switch n.Locale {
	case "", "fr", "en":
	default:
		faults = append(faults, errcode.InvalidField("locale", "unknown"))
	}
	return u, faults
}

// givenPassword hashes a password that an operator chose, outside any transaction.
func (d *Service) givenPassword(ctx context.Context, op admin.Principal, now time.Time, u *account.User, password string) (account.Password, error) {
	phc, err := d.hashed(ctx, u, password)
	if err != nil {
		return account.Password{}, err
	}
	u.Status, u.Activated, u.StatusAt = account.StatusActive, now, now
	return account.Password{Hash: phc, Provenance: op.Owner, Set: now}, nil
}

// hashed judges and hashes a password that an operator chose for somebody.
func (d *Service) hashed(ctx context.Context, u *account.User, password string) (string, error) {
	about := []string{u.Login, u.Email, u.SecondEmail, u.FirstName, u.LastName, d.accounts.Policy.Issuer}
	if err := d.accounts.Hasher.Validate(password, about); err != nil {
		return "", err
	}
	phc, err := d.accounts.Hasher.Hash(ctx, false, password)
	if err != nil {
		return "", fmt.Errorf("hashing a password: %w", err)
	}
	return phc, nil
}

// invite makes an invitation, mails it or gives it to the operator, and saves the person.
func (d *Service) invite(tx *account.Tx, op admin.Principal, u *account.User, sendEmail bool) (Invitation, error) {
	way, by := account.ProvenanceEmail, op.DisplayName(d.accounts.Policy.Issuer)
	if !sendEmail {
		way = op.Owner
	}
	if u.HasOnlyImportedDevice() { // nobody has signed in with it here: the invitation is for another phone
		if err := d.dropImported(tx, op, u); err != nil {
			return Invitation{}, err
		}
	}
	token, err := d.signIn.Invite(tx, u, way, by)
	if err != nil {
		return Invitation{}, err
	}
	out := Invitation{Sent: sendEmail, Expires: u.Invited.Expires}
	link := d.signIn.URL("/invite/" + token.Reveal())
	e := op.Event(audit.InvitationIssued, u)
	e.Detail = map[string]string{"way": "mail"}
	if sendEmail {
		var garage string
		if garage, err = groupOf(tx, u); err != nil {
			return Invitation{}, err
		}
		// Nothing of the operator's own browser and address goes to the person.
		m := notice.Invitation{Context: notice.Context{Name: u.DisplayName()}, Inviter: by, Garage: garage,
			Login: u.Login, Link: link, Until: out.Expires}
		err = tx.SendTo(u.Addresses()[:1], d.accounts.Locale(u), m, out.Expires)
	} else {
		out.Link, e.Detail["way"] = secret.From(link), "answer"
	}
	if err != nil {
		return Invitation{}, err
	}
	if err := tx.Audit(e); err != nil {
		return Invitation{}, err
	}
	return out, tx.Save(u)
}

// groupOf is the name of the person's first garage, "" for none.
func groupOf(tx *account.Tx, u *account.User) (string, error) {
	if len(u.Groups) == 0 {
		return "", nil
	}
	g, err := tx.Group(u.Groups[0])
	if err != nil && errcode.Of(err) != errcode.NotFound {
		return "", err
	}
	return g.Name, nil
}

// Activate invites a person who never had a device, anew if need be: the earlier link is dead then, and so is a key
// from another house that they have not signed in with. WrongState for anybody else (PROTOCOL 10), but whoever was deactivated and had one is active again, without an invitation.
// The rest is as with CreateUser.
func (d *Service) Activate(ctx context.Context, op admin.Principal, req account.RequestInfo, id string, sendEmail bool) (Invitation, error) {
	return account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (Invitation, error) {
		u, err := admin.FindUser(tx.Reader, op, admin.PermInvite, id)
		if err != nil {
			return Invitation{}, err
		}
		if !sendEmail && !op.CanSeeInvitations() {
			return Invitation{}, errcode.New(errcode.Forbidden)
		}
		if u.Status == account.StatusDeactivated {
			return d.revive(tx, op, &u, sendEmail)
		}
		return d.invite(tx, op, &u, sendEmail)
	})
}

// Device reads one device of a person. Its Data is there for authn.Service.Describe and never to be shown.
func (d *Service) Device(ctx context.Context, op admin.Principal, id string, fid factors.DeviceID) (factors.Device, error) {
	u, err := d.Admin.User(ctx, op, id)
	if err != nil {
		return factors.Device{}, err
	}
	return device(&u, fid)
}

func device(u *account.User, fid factors.DeviceID) (factors.Device, error) {
	for _, dev := range u.Devices {
		if dev.ID == fid {
			return dev, nil
		}
	}
	return factors.Device{}, errcode.New(errcode.NotFound)
}

// RemoveDevice takes one device from a person, under the rules of a reset. Every session of theirs ends; no
// ticket is sent: whoever has no device left needs a reset (PROTOCOL 1). One that is still being enrolled is withdrawn.
func (d *Service) RemoveDevice(ctx context.Context, op admin.Principal, req account.RequestInfo, id string, fid factors.DeviceID) error {
	_, err := account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		u, err := admin.FindUser(tx.Reader, op, admin.PermReset, id)
		if err != nil {
			return struct{}{}, err
		}
		if err := d.enrol.CancelByAdmin(tx, d.caller(op, admin.PermReset, id), &u, fid); errcode.Of(err) != errcode.NotFound {
			if err == nil {
				err = tx.Save(&u)
			}
			return struct{}{}, err
		}
		gone, err := device(&u, fid)
		if err != nil {
			return struct{}{}, err
		}
		if err := d.signIn.DeleteDevice(tx, &u, gone); err != nil {
			return struct{}{}, err
		}
		if _, err := tx.RevokeSessions(&u, ""); err != nil {
			return struct{}{}, err
		}
		tx.AddAdminActivity(&u, audit.FactorRemoved, gone.Name)
		e := op.Event(audit.FactorRemoved, &u)
		e.Targets = []audit.Actor{{Type: audit.TypeDevice, ID: string(gone.ID), Name: gone.Name}}
		e.Detail = map[string]string{"kind": string(gone.Kind)}
		if err := tx.Audit(e); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}
