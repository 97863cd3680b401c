package helpdesk

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"barillet/authn"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/templates"
)

// NewUser is a person to be made. Login, Email or both are given; the other takes its value.
type NewUser struct {
	Login, Email, Second string
	FirstName, LastName  string
	Profile              json.RawMessage
	Locale               string // "fr", "en" or "" for the operator's default
	Groups               []authn.GroupID
	Role                 authn.Role   // "": none. With Groups it is limited to them, but for SUPER_ADMIN
	Password             string       // by Machine or with Secrets only; it came by the operator's hand (PROTOCOL 8)
	Key                  authn.Secret // a device of another house, as an otpauth URI; by Machine only (PROTOCOL 23)
}

// Invitation is what became of inviting somebody.
type Invitation struct {
	Sent    bool
	Link    authn.Secret // only when not mailed
	Expires time.Time
}

// Added is a person who was made: what the Update of AddUser comes to.
type Added struct {
	User       authn.User
	Invitation Invitation
}

// AddUser makes a person and, with activate, invites them: by mail, or with sendEmail false by a link in the
// answer, to Machine or with Secrets only. A password makes the person active at once, yet without a device they
// come in by the invitation alone. Whoever brings a Key is active too and is mailed a link to choose a password, which
// proves the device as well. CodeTaken: an address is somebody's; for an operator limited to groups only if it
// is that of somebody within, else the answer is that for a new person (PROTOCOL 21). CodeInvalid, CodeForbidden.
func (d *Desk) AddUser(ctx context.Context, op Operator, from authn.Origin, n NewUser, activate, sendEmail bool) (authn.User, Invitation, error) {
	return d.addUser(ctx, op, d.People.NewAct(from), n, activate, sendEmail)
}

func (d *Desk) addUser(ctx context.Context, op Operator, a *authn.Act, n NewUser, activate, sendEmail bool) (authn.User, Invitation, error) {
	u, err := d.drafted(op, n, activate, sendEmail)
	if err != nil {
		return authn.User{}, Invitation{}, err
	}
	if n.Password != "" {
		if u.Password, err = d.givenPassword(ctx, op, a.Now, &u, n.Password); err != nil {
			return authn.User{}, Invitation{}, err
		}
	}
	device, err := d.importedDevice(op, a.Now, &u, n)
	if err != nil {
		return authn.User{}, Invitation{}, err
	}
	out, err := authn.Do(ctx, d.People, a, func(w *authn.Work) (Added, error) {
		return d.add(w, op, n, u, device, activate, sendEmail)
	})
	if err == nil && len(out.User.Groups) > 0 && !out.User.Shadow {
		err = d.People.EndShadows(ctx, out.User.ID)
	}
	if err == nil && n.Role == authn.RoleSuperAdmin {
		err = d.tellSupers(ctx, op, a.From, roleChange{action: audit.RoleGranted, grant: out.User.Roles[0], user: out.User}, a.Now)
	}
	return shown(out.User), out.Invitation, err
}

// add is the Update of AddUser, for a person who was drafted and the device that they bring, if any.
func (d *Desk) add(w *authn.Work, op Operator, n NewUser, u authn.User, device *factors.Device, activate, sendEmail bool) (Added, error) {
	fresh := w.NewUser()
	u.ID, u.Handle, u.Mailbox.By = fresh.ID, fresh.Handle, op.mailbox()
	if err := d.judgeKnown(w, op, &u); err != nil {
		return Added{}, err
	}
	if n.Role != "" {
		g := authn.Grant{ID: "r" + w.Act.ID("grant"), Role: n.Role, Created: w.Act.Now, Changed: w.Act.Now}
		if n.Role != authn.RoleSuperAdmin {
			g.Groups = n.Groups
		}
		u.Roles = []authn.Grant{g}
	}
	if device != nil {
		if err := w.Bring(&u, *device); err != nil {
			return Added{}, err
		}
	}
	if err := w.Create(&u); err != nil {
		return Added{}, err
	}
	e := op.event(audit.UserCreated, &u)
	e.Detail = map[string]string{}
	if n.Role != "" {
		e.Detail["role"] = string(n.Role)
	}
	if n.Password != "" { // whose half it is (PROTOCOL 22)
		e.Detail["password"] = op.Owner
	}
	err := w.Audit(e)
	if err == nil && device != nil {
		err = d.auditImportedDevice(w, op, &u, audit.FactorActivated)
	}
	var inv Invitation
	if err == nil && activate {
		inv, err = d.sendWelcome(w, op, &u, sendEmail)
	}
	if err != nil {
		return Added{}, err
	}
	u, err = stated(w, u, nil)
	return Added{u, inv}, err
}

// drafted judges what an operator wrote about a new person and what they may write; the error names the first fault.
func (d *Desk) drafted(op Operator, n NewUser, activate, sendEmail bool) (authn.User, error) {
	u, faults := draft(n)
	if err := op.allowed(actInvite); err != nil {
		return u, err
	}
	if !op.covers(n.Groups) || (n.Password != "" || activate && !sendEmail) && !op.handsInvitations() {
		return u, authn.Refuse(authn.CodeForbidden)
	}
	if err := op.gives(n.Role); err != nil {
		return u, err
	}
	if len(faults) > 0 {
		return u, faults[0]
	}
	return u, nil
}

// draft reads a new person, with everything that cannot be read, each by its field.
func draft(n NewUser) (u authn.User, faults []*authn.Error) {
	if n.Login == "" {
		n.Login = n.Email
	}
	if n.Email == "" {
		n.Email = n.Login
	}
	u = authn.User{FirstName: n.FirstName, LastName: n.LastName, Profile: n.Profile, Locale: n.Locale,
		Groups: n.Groups, Status: authn.StatusStaged}
	var ok bool
	if u.Login, ok = authn.Address(n.Login); !ok {
		faults = append(faults, authn.Invalid("login", "address"))
	}
	if u.Email, ok = authn.MailAddress(n.Email); !ok {
		faults = append(faults, authn.Invalid("email", "address"))
	}
	if n.Second != "" {
		if u.Second, ok = authn.MailAddress(n.Second); !ok {
			faults = append(faults, authn.Invalid("secondEmail", "address"))
		}
	}
	switch n.Locale {
	case "", "fr", "en":
	default:
		faults = append(faults, authn.Invalid("locale", "unknown"))
	}
	return u, faults
}

// givenPassword hashes a password that an operator chose, outside any transaction.
func (d *Desk) givenPassword(ctx context.Context, op Operator, now time.Time, u *authn.User, password string) (authn.Password, error) {
	phc, err := d.hashed(ctx, u, password)
	if err != nil {
		return authn.Password{}, err
	}
	u.Status, u.Activated, u.StatusAt = authn.StatusActive, now, now
	return authn.Password{PHC: phc, Source: op.Owner, Set: now}, nil
}

// hashed judges and hashes a password that an operator chose for somebody.
func (d *Desk) hashed(ctx context.Context, u *authn.User, password string) (string, error) {
	about := []string{u.Login, u.Email, u.Second, u.FirstName, u.LastName, d.People.Policy.Issuer}
	if err := d.People.Passwords.Check(password, about); err != nil {
		return "", err
	}
	phc, err := d.People.Passwords.Hash(ctx, false, password)
	if err != nil {
		return "", fmt.Errorf("hashing a password: %w", err)
	}
	return phc, nil
}

// invite makes an invitation, mails it or gives it to the operator, and saves the person.
func (d *Desk) invite(w *authn.Work, op Operator, u *authn.User, sendEmail bool) (Invitation, error) {
	way, by := authn.HandMail, d.by(op)
	if !sendEmail {
		way = op.Owner
	}
	if u.Brought() { // nobody has signed in with it here: the invitation is for another phone
		if err := d.dropImported(w, op, u); err != nil {
			return Invitation{}, err
		}
	}
	token, err := w.Invite(u, way, by)
	if err != nil {
		return Invitation{}, err
	}
	out := Invitation{Sent: sendEmail, Expires: u.Invited.Expires}
	link := d.People.URL("/invite/" + token.Reveal())
	e := op.event(audit.InvitationIssued, u)
	e.Detail = map[string]string{"way": "mail"}
	if sendEmail {
		var garage string
		if garage, err = garageOf(w, u); err != nil {
			return Invitation{}, err
		}
		// Nothing of the operator's own browser and address goes to the person.
		m := templates.InvitationMail{About: templates.About{Name: u.DisplayName()}, Inviter: by, Garage: garage,
			Login: u.Login, Link: link, Until: out.Expires}
		err = w.PostTo(u.Addresses()[:1], d.People.Locale(u), m, out.Expires)
	} else {
		out.Link, e.Detail["way"] = authn.SecretOf(link), "answer"
	}
	if err != nil {
		return Invitation{}, err
	}
	if err := w.Audit(e); err != nil {
		return Invitation{}, err
	}
	return out, w.Save(u)
}

// garageOf is the name of the person's first garage, "" for none.
func garageOf(w *authn.Work, u *authn.User) (string, error) {
	if len(u.Groups) == 0 {
		return "", nil
	}
	g, err := w.Group(u.Groups[0])
	if err != nil && authn.CodeOf(err) != authn.CodeNotFound {
		return "", err
	}
	return g.Name, nil
}

// Activate invites a person who never had a device, anew if need be: the earlier link is dead then, and so is a key
// from another house that they have not signed in with. CodeState for anybody else (PROTOCOL 10), but whoever was deactivated and had one is active again, without an invitation.
// The rest is as with AddUser.
func (d *Desk) Activate(ctx context.Context, op Operator, from authn.Origin, id string, sendEmail bool) (Invitation, error) {
	return authn.Do(ctx, d.People, d.People.NewAct(from), func(w *authn.Work) (Invitation, error) {
		u, err := find(w.Reader, op, actInvite, id)
		if err != nil {
			return Invitation{}, err
		}
		if !sendEmail && !op.handsInvitations() {
			return Invitation{}, authn.Refuse(authn.CodeForbidden)
		}
		if u.Status == authn.StatusGone {
			return d.revive(w, op, &u, sendEmail)
		}
		return d.invite(w, op, &u, sendEmail)
	})
}

// find loads a person whom the operator may do this to. Somebody who is not there and somebody outside the
// scope are one answer.
func find(r authn.Reader, op Operator, a act, id string) (authn.User, error) {
	if err := op.allowed(a); err != nil {
		return authn.User{}, err
	}
	u, err := r.Find(id)
	if op.scoped() && (authn.CodeOf(err) == authn.CodeNotFound || err == nil && !op.sees(&u)) {
		u, err = shadowOf(r, op, id)
	}
	if err != nil {
		return authn.User{}, err
	}
	return u, may(op, a, &u)
}

// shown is a person without what only proofs need. Devices keep their Data, for authn.Service.Describe reads
// it: whoever shows them leaves it out.
func shown(u authn.User) authn.User {
	u.Password.PHC, u.Handle = "", nil
	for i := range u.Tickets {
		u.Tickets[i].Code, u.Tickets[i].Link = nil, ""
	}
	u.Invited.Link = ""
	if u.Offer != nil {
		o := *u.Offer
		o.Pending = nil
		u.Offer = &o
	}
	u.Verifying = nil
	return u
}

// User reads a person by id, login or address; CodeNotFound when there is none that this operator may know of.
func (d *Desk) User(ctx context.Context, op Operator, idOrLogin string) (authn.User, error) {
	var u authn.User
	err := d.People.View(ctx, func(r authn.Reader) (err error) {
		if u, err = find(r, op, actSee, idOrLogin); err == nil {
			u.State, err = r.State(&u, d.People.Now())
		}
		return err
	})
	if err != nil {
		return authn.User{}, err
	}
	return shown(u), nil
}

// Device reads one device of a person. Its Data is there for authn.Service.Describe and never to be shown.
func (d *Desk) Device(ctx context.Context, op Operator, id string, fid factors.DeviceID) (factors.Device, error) {
	u, err := d.User(ctx, op, id)
	if err != nil {
		return factors.Device{}, err
	}
	return device(&u, fid)
}

func device(u *authn.User, fid factors.DeviceID) (factors.Device, error) {
	for _, dev := range u.Devices {
		if dev.ID == fid {
			return dev, nil
		}
	}
	return factors.Device{}, authn.Refuse(authn.CodeNotFound)
}

// RemoveDevice takes one device from a person, under the rules of a reset. Every session of theirs ends; no
// ticket is sent: whoever has no device left needs a reset (PROTOCOL 1). One that is still being enrolled is withdrawn.
func (d *Desk) RemoveDevice(ctx context.Context, op Operator, from authn.Origin, id string, fid factors.DeviceID) error {
	_, err := authn.Do(ctx, d.People, d.People.NewAct(from), func(w *authn.Work) (struct{}, error) {
		u, err := find(w.Reader, op, actReset, id)
		if err != nil {
			return struct{}{}, err
		}
		if err := w.WithdrawOffer(d.caller(op, actReset, id), &u, fid); authn.CodeOf(err) != authn.CodeNotFound {
			if err == nil {
				err = w.Save(&u)
			}
			return struct{}{}, err
		}
		gone, err := device(&u, fid)
		if err != nil {
			return struct{}{}, err
		}
		if err := w.TakeDevice(&u, gone); err != nil {
			return struct{}{}, err
		}
		if _, err := w.EndSessions(&u, ""); err != nil {
			return struct{}{}, err
		}
		w.RememberDone(&u, audit.FactorRemoved, gone.Name)
		e := op.event(audit.FactorRemoved, &u)
		e.Targets = []audit.Actor{{Type: audit.TypeDevice, ID: string(gone.ID), Name: gone.Name}}
		e.Detail = map[string]string{"kind": string(gone.Kind)}
		if err := w.Audit(e); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, w.Save(&u)
	})
	return err
}
