package roster_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/account/index"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/freeze"
	"barillet/authn/helpdesk"
	"barillet/authn/roster"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/store"
)

// history is a service whose users change at random.
type history struct {
	*authntest.Garage
	t      *testing.T
	random *rand.Rand
	groups []account.GroupID
	made   int
	done   map[string]int // acts that were not refused, by name
}

func newHistory(t *testing.T, seed uint64, done map[string]int) *history {
	h := &history{Garage: authntest.NewGarage(t), t: t, random: rand.New(rand.NewPCG(seed, 1)), done: done}
	h.groups = []account.GroupID{h.Lumiere, h.Nord}
	for i := range 20 {
		h.groups = append(h.groups, h.CreateGroup(fmt.Sprintf("Garage %d", i)))
	}
	h.NewSuperAdmin("chef@garage.example")
	return h
}

// some returns up to n groups.
func (h *history) some(n int) (out []account.GroupID) {
	for range h.random.IntN(n + 1) {
		out = append(out, h.groups[h.random.IntN(len(h.groups))])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// users returns the stored users in the order of their ids.
func (h *history) users() (all []account.User) {
	err := h.Store.View(h.t.Context(), func(snap store.Snapshot) error {
		all = nil
		return h.Accounts.Reader(snap).ScanUsers(snap, "", func(u account.User) error {
			all = append(all, u)
			return nil
		})
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// step does one random act. Many are refused, which must change no index either.
func (h *history) step() {
	users := h.users()
	u := users[h.random.IntN(len(users))]
	id, d, ctx, from := string(u.ID), h.Directory, h.t.Context(), h.From
	super := authntest.WithSecrets(authntest.AsSuperAdmin)
	if h.random.IntN(2) == 0 {
		super = authntest.AsOperator
	}
	h.made++
	login := fmt.Sprintf("p%d@garage.example", h.made)
	group := h.groups[h.random.IntN(len(h.groups))]
	device, role := factors.DeviceID("none"), "none"
	if len(u.Devices) > 0 {
		device = u.Devices[h.random.IntN(len(u.Devices))].ID
	}
	if len(u.Roles) > 0 {
		role = u.Roles[h.random.IntN(len(u.Roles))].ID
	}
	h.Clock.Advance(time.Duration(h.random.IntN(40)) * time.Minute)
	acts := []struct {
		name string
		do   func() error
	}{
		{"create", func() error {
			_, _, err := d.CreateUser(ctx, super, from, directory.NewUser{Login: login, Email: login, FirstName: "Zoé", LastName: "Lambert", Groups: h.some(20),
				Role: []account.Role{"", account.RoleHelpDesk, account.RoleSuperAdmin}[h.random.IntN(3)]}, h.random.IntN(2) == 0, true)
			return err
		}},
		{"member", func() error { h.Member(login, func(u *account.User) { u.Groups = h.some(5) }); return nil }},
		{"placeholder", func() error {
			_, _, err := d.CreateUser(ctx, authntest.Limited(authntest.AsHelpDesk, group), from, directory.NewUser{Login: u.Login, Email: u.Email, Groups: []account.GroupID{group}}, true, true)
			return err
		}},
		{"import", func() error {
			_, err := d.Import(ctx, super, from, []directory.ImportRow{{NewUser: directory.NewUser{Login: login, Email: login, Groups: h.some(3)}}}, true, false)
			return err
		}},
		{"update", func() error {
			name := fmt.Sprintf("Nom%d", h.made)
			_, err := d.UpdateUser(ctx, super, from, id, directory.ProfileChange{LastName: &name, Login: &login, Email: &login})
			return err
		}},
		{"activate", func() error { _, err := d.Activate(ctx, super, from, id, true); return err }},
		{"suspend", func() error { return d.Suspend(ctx, super, from, id) }},
		{"unsuspend", func() error { return d.Unsuspend(ctx, super, from, id) }},
		{"deactivate", func() error { return d.Deactivate(ctx, super, from, id) }},
		{"reactivate", func() error { _, err := d.Reactivate(ctx, super, from, id, true); return err }},
		{"delete", func() error { return d.Delete(ctx, super, from, id) }},
		{"expire password", func() error { _, err := d.ExpirePassword(ctx, super, from, id); return err }},
		{"temporary password", func() error { _, err := d.TemporaryPassword(ctx, super, from, id); return err }},
		{"password link", func() error { _, err := d.ResetPassword(ctx, super, from, id, true); return err }},
		{"end sessions", func() error { return d.RevokeSessions(ctx, super, from, id, true) }},
		{"unlock", func() error { return d.Unlock(ctx, super, from, id) }},
		{"wrong passwords", func() error {
			for range 6 {
				_, _ = h.Authn.StartWithPassword(ctx, from, u.Login, "wrong")
			}
			return nil
		}},
		{"remove device", func() error { return d.RemoveDevice(ctx, super, from, id, device) }},
		{"enrol", func() error {
			out, err := d.Enrol(ctx, super, from, id, directory.NewDevice{Type: "token:software:totp", Provider: "OKTA", Name: "P"})
			if err != nil {
				return err
			}
			phone := &authntest.Phone{Env: h.Env, Secret: out.Secret.Secret}
			_, _, _, err = d.ActivateDevice(ctx, super, from, id, out.Device.ID, phone.Next())
			return err
		}},
		{"freeze", func() error { _, err := d.Freeze.ByAdmin(ctx, super, from, id, device, ""); return err }},
		{"freeze all", func() error { _, err := d.Freeze.ByAdmin(ctx, super, from, id, freeze.All, ""); return err }},
		{"reset", func() error {
			_, err := d.HelpDesk.Reset(ctx, super, from, id, helpdesk.ResetRequest{Reason: "lost"})
			return err
		}},
		{"join", func() error { return d.AddMember(ctx, super, from, group, id) }},
		{"leave", func() error { return d.RemoveMember(ctx, super, from, group, id) }},
		{"delete group", func() error {
			if h.random.IntN(3) > 0 {
				return errcode.New(errcode.Forbidden)
			}
			h.groups = append(slices.DeleteFunc(h.groups, func(g account.GroupID) bool { return g == group }), h.CreateGroup("Garage "+login))
			return d.DeleteGroup(ctx, super, from, group)
		}},
		{"grant", func() error {
			_, err := d.Admin.AssignRole(ctx, super, from, id, admin.NewRoleAssignment{Role: account.Roles()[h.random.IntN(4)], Targets: h.some(20)})
			return err
		}},
		{"revoke", func() error { return d.Admin.RevokeRole(ctx, super, from, id, role) }},
		{"add target", func() error {
			holder, scoped := h.holder(users)
			return d.Admin.AddTarget(ctx, super, from, holder, scoped, group)
		}},
		{"remove target", func() error {
			holder, scoped := h.holder(users)
			return d.Admin.RemoveTarget(ctx, super, from, holder, scoped, group)
		}},
	}
	act := acts[h.random.IntN(len(acts))]
	if act.do() == nil {
		h.done[act.name]++
	}
}

// holder returns a random user who has a role with targets, and that role. Few have one, and a wider role waits for a second
// administrator except by the operator: with any user and role, whole runs would widen none.
func (h *history) holder(users []account.User) (id, role string) {
	for _, i := range h.random.Perm(len(users)) {
		for _, a := range users[i].Roles {
			if len(a.Groups) > 0 {
				return string(users[i].ID), a.ID
			}
		}
	}
	return "none", "none"
}

// check compares the indexes with a full scan. It wants at least a number of faults, or none at all.
func (h *history) check(what string, want int) {
	h.t.Helper()
	if n := h.faults(false); n < want || want == 0 && n > 0 {
		h.t.Fatalf("%s: got %d faults, want %d", what, n, want)
	}
}

// faults returns how many entries are missing or wrong. With repair it repairs them.
func (h *history) faults(repair bool) (n int) {
	h.t.Helper()
	found, err := roster.NewChecker(h.Accounts, h.Ring).Check(h.t.Context(), repair)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, x := range found {
		if n += x.Missing + x.Wrong; x.Missing+x.Wrong > 0 {
			h.t.Logf("%+v", x)
		}
	}
	return n
}

// successful are the acts of which each run has one that is not refused.
var successful = []string{"create", "placeholder", "import", "update", "suspend", "delete", "password link", "enrol", "freeze", "reset", "join", "delete group", "grant", "revoke", "add target"}

// TestIndexes_EqualAFullScanAfterAnyHistory also damages them at random, and repairs them.
func TestIndexes_EqualAFullScanAfterAnyHistory(t *testing.T) {
	const histories, most = 4, 2000
	done := map[string]int{}
	missing := func() []string {
		return slices.DeleteFunc(slices.Clone(successful), func(name string) bool { return done[name] > 0 })
	}
	for seed := range uint64(histories) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			h := newHistory(t, seed, done)
			for i := 0; i < 150 || seed == histories-1 && i < most && len(missing()) > 0; i++ {
				if h.step(); i%10 == 9 {
					h.check(fmt.Sprint("after ", i+1, " acts"), 0)
					h.lists()
				}
			}
			h.repair()
		})
	}
	if left := missing(); len(left) > 0 {
		t.Errorf("no history has the acts %v", left)
	}
}

// lists compares what the indexes find with a full scan.
func (h *history) lists() {
	h.t.Helper()
	users := h.users()
	scan := func(keep func(u *account.User) bool) (ids []string) {
		for i := range users {
			if keep(&users[i]) {
				ids = append(ids, string(users[i].ID))
			}
		}
		return ids
	}
	find := func(q roster.UserQuery) (ids []string) {
		for q.Limit = 1 + h.random.IntN(20); ; {
			found, next, err := roster.Users(h.t.Context(), h.Accounts, q)
			if err != nil {
				h.t.Fatal(err)
			}
			for _, u := range found {
				ids = append(ids, string(u.ID))
			}
			if q.After = next; next == "" {
				slices.Sort(ids)
				return ids
			}
		}
	}
	status := map[account.UserID]account.Status{}
	err := h.Accounts.View(h.t.Context(), func(r account.Reader) (err error) {
		for i := range users {
			if status[users[i].ID], err = r.DisplayStatus(&users[i], h.Clock.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	atRisk := func(u *account.User) bool { return u.Status == account.StatusActive && h.Accounts.CountPrimary(u) <= 1 }
	scoped := authntest.Limited(authntest.AsHelpDesk, append(h.some(12), h.groups[0])...)
	for _, p := range []admin.Principal{authntest.AsSuperAdmin, scoped} {
		q := roster.UserQuery{Visible: p.InScope}
		if p.Scoped() {
			q.Scope = p.Groups
		}
		for _, want := range account.Statuses() {
			q := q
			q.Statuses = []account.Status{want}
			authntest.SameStrings(h.t, string(want), find(q), scan(func(u *account.User) bool { return p.InScope(u) && status[u.ID] == want }))
		}
		for devices := range index.MaxDevices + 1 {
			q := q
			q.Devices = []int{devices}
			authntest.SameStrings(h.t, fmt.Sprint(devices, " devices"), find(q), scan(func(u *account.User) bool {
				return p.InScope(u) && min(h.Accounts.CountPrimary(u), index.MaxDevices) == devices
			}))
			q.Statuses = []account.Status{account.StatusActive}
			authntest.SameStrings(h.t, fmt.Sprint("active with ", devices), find(q), scan(func(u *account.User) bool {
				return p.InScope(u) && min(h.Accounts.CountPrimary(u), index.MaxDevices) == devices && status[u.ID] == account.StatusActive
			}))
		}
		for _, role := range account.Roles() {
			q := q
			q.Role, q.Scope = role, nil
			authntest.SameStrings(h.t, string(role), find(q), scan(func(u *account.User) bool {
				return p.InScope(u) && slices.ContainsFunc(u.Roles, func(a account.RoleAssignment) bool { return a.Role == role })
			}))
		}
		q.AtRisk = true
		authntest.SameStrings(h.t, "at risk", find(q), scan(func(u *account.User) bool { return p.InScope(u) && atRisk(u) }))
		q.AtRisk = false
		authntest.SameStrings(h.t, "all", find(q), scan(p.InScope))
	}
	super := account.RoleSuperAdmin.Rank()
	for what, q := range map[string]roster.HolderQuery{"of all": {All: true}, "super": {All: true, MinRank: super}, "of groups": {Groups: scoped.Groups}, "any": {Everywhere: true, MinRank: 3}} {
		found, err := roster.Holders(h.t.Context(), h.Accounts, q)
		if err != nil {
			h.t.Fatal(err)
		}
		var ids []string
		for _, u := range found {
			ids = append(ids, string(u.ID))
		}
		authntest.SameStrings(h.t, "administrators "+what, ids, scan(func(u *account.User) bool {
			return slices.ContainsFunc(u.Roles, func(a account.RoleAssignment) bool {
				switch {
				case a.Role.Rank() < q.MinRank:
					return false
				case q.All:
					return len(a.Groups) == 0
				case q.Everywhere:
					return true
				}
				return slices.ContainsFunc(a.Groups, func(g account.GroupID) bool { return slices.Contains(q.Groups, g) })
			})
		}))
	}
}

// repair damages the indexes at random and rebuilds them.
func (h *history) repair() {
	h.t.Helper()
	prefixes := []string{"roleholder/", "userstate/", "name/", "member/", "address/", "summary/"}
	read := func() map[string][]byte {
		all := map[string][]byte{}
		err := h.Store.View(h.t.Context(), func(s store.Snapshot) error {
			return s.Scan("", "", 0, func(key string, value []byte) error {
				if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) }) {
					all[key] = value
				}
				return nil
			})
		})
		if err != nil {
			h.t.Fatal(err)
		}
		return all
	}
	keys := read()
	changed := 0
	for key, value := range keys {
		if h.random.IntN(5) > 0 || strings.Contains(key, "group") {
			continue
		}
		changed++
		err := h.Store.Update(h.t.Context(), func(tx store.Tx) error {
			if changed%3 == 0 && !strings.HasPrefix(key, "address/") && !strings.HasPrefix(key, "summary/") {
				prefix, _, _ := strings.Cut(key, "/")
				if err := tx.Put(prefix+"/zz/9/"+key[strings.LastIndexByte(key, '/')+1:], value); err != nil {
					return err
				}
			}
			return tx.Delete(key)
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
	h.check("after the damage", changed)
	if n := h.faults(true); n < changed {
		h.t.Errorf("repaired %d of %d entries", n, changed)
	}
	h.check("after the repair", 0)
	if n := h.faults(true); n != 0 {
		h.t.Errorf("a second repair changes %d entries", n)
	}
	after := read()
	for key := range keys {
		if _, ok := after[key]; !ok {
			h.t.Errorf("%s is missing after the repair", key)
		}
	}
	if len(after) != len(keys) {
		h.t.Errorf("got %d entries after the repair, want %d", len(after), len(keys))
	}
}
