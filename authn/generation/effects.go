package generation

import (
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/webhook"
	"barillet/store"
)

// targets returns the ids of the targets of an event with a type.
func targets(e *audit.Event, kind string) (ids []string) {
	for _, t := range e.Targets {
		if t.Type == kind {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// named reports whether an event names a device. An event that names none is about each.
func named(e *audit.Event, d *factors.Device) bool {
	ids := targets(e, audit.TypeDevice)
	return len(ids) == 0 || slices.Contains(ids, string(d.ID))
}

// freeze freezes the devices that match and are not frozen.
func (r *run) freeze(tx *account.Tx, u *account.User, match func(d *factors.Device) bool) {
	u.Devices = slices.Clone(u.Devices)
	for i := range u.Devices {
		if d := &u.Devices[i]; match(d) && !d.IsFrozen() {
			d.Frozen, d.FrozenBy = tx.Op.Now, r.Accounts.Policy.Issuer
		}
	}
}

// proven returns the kind of devices that an event of a proof ends: those that count, and a clone. The event does not name the device.
func (r *run) proven(e *audit.Event) (kind factors.Kind, ends bool) {
	name, why, _ := strings.Cut(e.Reason, ": ")
	kind = factors.Kind(name)
	return kind, e.Outcome == audit.Success && r.counts(kind) || e.Outcome == audit.Failure && why == string(factors.ReasonClone)
}

// freezeProven freezes the devices of a proof that ends them.
func freezeProven(r *run, tx *account.Tx, u *account.User, e *audit.Event) error {
	kind, _ := r.proven(e)
	r.freeze(tx, u, func(d *factors.Device) bool { return d.Kind == kind })
	return nil
}

func freezeDevices(r *run, tx *account.Tx, u *account.User, e *audit.Event) error {
	r.freeze(tx, u, func(d *factors.Device) bool { return e.Detail["all"] != "" || named(e, d) })
	return nil
}

// endRecoveryLists removes each list of recovery codes: an event does not tell which code of which list was used.
func endRecoveryLists(r *run, _ *account.Tx, u *account.User, _ *audit.Event) error {
	u.Devices = slices.DeleteFunc(slices.Clone(u.Devices), r.Accounts.IsBackup)
	return nil
}

func removeDevices(_ *run, tx *account.Tx, u *account.User, e *audit.Event) error {
	var left []factors.Device
	for _, d := range u.Devices {
		if !named(e, &d) {
			left = append(left, d)
		} else if err := tx.ReleaseUnique(d); err != nil {
			return err
		}
	}
	u.Devices = left
	return nil
}

// removeAllDevices does what a reset did. A new ticket needs an administrator: that of the reset was used, or has ended.
func removeAllDevices(_ *run, tx *account.Tx, u *account.User, _ *audit.Event) error {
	if _, err := tx.ResetDevices(u); err != nil {
		return err
	}
	u.ResetAt = time.Time{}
	return nil
}

func suspend(_ *run, tx *account.Tx, u *account.User, _ *audit.Event) error {
	if u.Status != account.StatusActive {
		return nil
	}
	return tx.Suspend(u)
}

func deactivate(_ *run, tx *account.Tx, u *account.User, _ *audit.Event) error {
	if u.Status == account.StatusDeactivated {
		return nil
	}
	return tx.Deactivate(u)
}

func remove(r *run, tx *account.Tx, u *account.User, e *audit.Event) error {
	if err := deactivate(r, tx, u, e); err != nil {
		return err
	}
	return tx.Delete(u)
}

// endAddresses removes the addresses and numbers that were replaced: the new ones are not in the log, and the old ones may be another
// person's. A user must have an address, so the primary one becomes one that no mail server has (RFC 2606 §2). A login stays.
func endAddresses(_ *run, tx *account.Tx, u *account.User, e *audit.Event) error {
	old, changed := *u, strings.Fields(e.Detail["changed"])
	has := func(member string) bool { return len(changed) == 0 || slices.Contains(changed, member) }
	if has("email") {
		u.SetEmail(string(u.ID) + "@replaced.invalid")
		u.EmailProvenance = account.EmailProvenance{}
	}
	if has("secondEmail") {
		u.SecondEmail, u.Given.SecondEmail = "", ""
	}
	if has("primaryPhone") {
		u.PrimaryPhone = account.Phone{}
	}
	if has("mobilePhone") {
		u.MobilePhone = account.Phone{}
	}
	return tx.UpdateProfile(u, &old)
}

// endPassword removes a password that was replaced. The user chooses another by a link and a device, or an administrator sets one.
func endPassword(_ *run, _ *account.Tx, u *account.User, _ *audit.Event) error {
	u.Password = account.Password{}
	return nil
}

// expirePassword applies an event that stands for an expired password and for a temporary one, which replaced it.
func expirePassword(r *run, tx *account.Tx, u *account.User, e *audit.Event) error {
	if e.Detail["method"] != "" {
		return endPassword(r, tx, u, e)
	}
	if u.Password.Hash != "" {
		u.Password.MustChange = account.ChangeExposed // also if others know it
	}
	return nil
}

func revokeRole(_ *run, _ *account.Tx, u *account.User, e *audit.Event) error {
	id := e.Detail["roleId"]
	u.Roles = slices.DeleteFunc(slices.Clone(u.Roles), func(a account.RoleAssignment) bool { return id == "" || a.ID == id })
	return nil
}

// limitRole keeps the groups of a role that it had before and after. A role without such a group, and one whose groups the event does
// not name completely, is removed.
func limitRole(r *run, tx *account.Tx, u *account.User, e *audit.Event) error {
	const most = 500 // bytes; a longer detail may be cut
	scope, is := strings.CutPrefix(e.Detail["scope"], "groups: ")
	after := strings.Fields(scope)
	u.Roles = slices.Clone(u.Roles)
	for i := range u.Roles {
		a := &u.Roles[i]
		if a.ID != e.Detail["roleId"] {
			continue
		}
		if !is || len(scope) > most {
			return revokeRole(r, tx, u, e)
		}
		left := []account.GroupID{}
		for _, g := range after {
			if len(a.Groups) == 0 || slices.Contains(a.Groups, account.GroupID(g)) {
				left = append(left, account.GroupID(g))
			}
		}
		if len(left) == 0 {
			return revokeRole(r, tx, u, e)
		}
		a.Groups, a.Changed = left, tx.Op.Now
	}
	return nil
}

func leaveGroup(_ *run, tx *account.Tx, u *account.User, e *audit.Event) error {
	for _, id := range targets(e, audit.TypeGroup) {
		if _, err := tx.RemoveFromGroup(u, account.GroupID(id)); err != nil {
			return err
		}
	}
	return nil
}

// deleteGroup deletes a group. The service removes its members when it runs.
func deleteGroup(_ *run, tx *account.Tx, e *audit.Event) error {
	for _, id := range targets(e, audit.TypeGroup) {
		g, err := tx.Group(account.GroupID(id))
		if errcode.Of(err) == errcode.NotFound {
			continue
		}
		if err == nil {
			err = tx.DeleteGroup(&g)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func disableWebhook(r *run, tx *account.Tx, e *audit.Event) error {
	return r.Hooks.Change(tx.Raw, func(all *webhook.EndpointList) error {
		for _, id := range targets(e, audit.TypeWebhook) {
			if hook := all.Find(id); hook != nil && hook.DisabledReason == "" {
				hook.DisabledReason = webhook.DisabledByAdmin
			}
		}
		return nil
	})
}

func deleteWebhook(r *run, tx *account.Tx, e *audit.Event) error {
	return r.Hooks.Change(tx.Raw, func(all *webhook.EndpointList) error {
		all.Hooks = slices.DeleteFunc(all.Hooks, func(h webhook.Endpoint) bool { return slices.Contains(targets(e, audit.TypeWebhook), h.ID) })
		return nil
	})
}

func closeClient(r *run, tx *account.Tx, e *audit.Event) error  { return r.closeClients(tx, e, false) }
func deleteClient(r *run, tx *account.Tx, e *audit.Event) error { return r.closeClients(tx, e, true) }

func (r *run) closeClients(tx *account.Tx, e *audit.Event, remove bool) error {
	for _, id := range targets(e, audit.TypeApplication) {
		if err := r.Clients.Close(tx, id, remove); err != nil {
			return err
		}
	}
	return nil
}

// endSigningKeys notes that the signing keys end: the service makes new ones when it starts.
func endSigningKeys(r *run, tx *account.Tx, _ *audit.Event) error {
	for _, id := range r.SigningKeys {
		if err := tx.Raw.Delete(store.SignKeys.Prefix + id); err != nil {
			return err
		}
	}
	return nil
}

// eraseAgain notes a user whose personal data was erased from the log: the events of the backup have it still.
func eraseAgain(r *run, tx *account.Tx, e *audit.Event) error {
	return r.Accounts.Log.EraseLater(tx.Raw, e.Subject, time.Time{})
}
