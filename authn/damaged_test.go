package authn_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/authn/roster"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/throttle"
	"barillet/store"
	"barillet/store/storetest"
)

// damage changes one byte of each record whose key has the prefix, and returns their number.
func (env *testEnv) damage(prefix string) (n int) {
	env.t.Helper()
	for key, value := range env.allRecords() {
		if strings.HasPrefix(key, prefix) {
			n++
			raw := []byte(value)
			raw[len(raw)-1] ^= 1
			must(env.t, env.Store.Update(env.t.Context(), func(tx store.Tx) error { return tx.Put(key, raw) }), "damaging "+key)
		}
	}
	if n == 0 {
		env.t.Fatalf("no record of %s", prefix)
	}
	return n
}

func TestDamagedRecord_EverybodyElseIsServed(t *testing.T) {
	env := newTestEnv(t)
	ctx := t.Context()
	member, p, session := env.Member(amelie, nil)
	group, other := env.CreateGroup("Lyon"), env.CreateGroup("Paris")
	lost := env.CreateUser("zoe@garage.example", func(u *account.User) {
		u.Groups = []account.GroupID{group}
		u.Roles = []account.RoleAssignment{{Role: account.RoleHelpDesk}}
	})
	kept := env.CreateUser("ines@garage.example", func(u *account.User) {
		u.Groups = []account.GroupID{group, other}
		u.Roles = []account.RoleAssignment{{Role: account.RoleSuperAdmin}}
	})
	for _, address := range []string{amelie, "zoe@garage.example"} {
		_, err := env.Directory.HelpDesk.Submit(ctx, env.From, helpdesk.Submission{Email: address, Message: "lost"})
		must(t, err, "requesting help")
	}
	events := func(p admin.Principal) int {
		t.Helper()
		entries, _, err := env.Directory.Admin.Events(ctx, p, audit.Query{Limit: 1000})
		must(t, err, "reading the log")
		return len(entries)
	}
	all := admin.Principal{Role: account.RoleSuperAdmin, Owner: "operator:0", ID: "operator:0"}
	scoped := all
	scoped.Groups = []account.GroupID{group}
	before := events(all)

	env.damage("user/" + string(lost.ID))
	env.damage("group/" + string(other))
	for key := range env.allRecords() {
		if strings.HasPrefix(key, "auditpending/") {
			env.damage(key)
			break
		}
	}
	for _, q := range []roster.UserQuery{{}, {Prefix: "ines"}, {Prefix: ""}, {Group: group}, {WithDisplayStatus: true}} {
		users, _, err := roster.Users(ctx, env.Accounts, q)
		if err != nil || len(users) == 0 {
			t.Errorf("listing users %+v: got %d, %v", q, len(users), err)
		}
	}
	if users, _, err := roster.Users(ctx, env.Accounts, roster.UserQuery{Prefix: "zoe"}); err != nil || len(users) != 0 {
		t.Errorf("listing the damaged user: got %d, %v", len(users), err)
	}
	if admins, err := roster.Holders(ctx, env.Accounts, roster.HolderQuery{Everywhere: true}); err != nil || len(admins) != 1 || admins[0].ID != kept.ID {
		t.Errorf("listing administrators: got %d, %v", len(admins), err)
	}
	if groups, _, err := env.Accounts.Groups(ctx, account.GroupQuery{}); err != nil || len(groups) != 1 {
		t.Errorf("listing groups: got %d, %v", len(groups), err)
	}
	if got := events(all); got != before-1 {
		t.Errorf("got %d events, want %d", got, before-1)
	}
	events(scoped)
	for _, p := range []admin.Principal{all, scoped} {
		_, _, err := env.Directory.HelpDesk.Requests(ctx, p, helpdesk.RequestQuery{})
		must(t, err, "listing help requests")
	}
	env.SignIn(amelie, authntest.Password, p)

	// A session, a limit or a counter that cannot be read affects neither sign-in nor the end of the other sessions.
	for range 3 {
		_, err := env.Authn.StartWithPassword(ctx, env.From, amelie, "wrong")
		wantCode(t, err, errcode.SignInFailed, "a wrong password")
	}
	env.damage("throttle/" + throttle.LoginNetwork.Name)
	env.damage("failures/")
	env.damage("session/")
	if env.sessionValid(session) {
		t.Error("a damaged session is valid")
	}
	env.SignIn(amelie, authntest.Password, p)
	_, err := account.Update(ctx, env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (struct{}, error) {
		u, err := tx.User(member.ID)
		if err != nil {
			return struct{}{}, err
		}
		_, err = tx.RevokeAllSessions(&u, false)
		return struct{}{}, err
	})
	must(t, err, "ending the sessions")
	for _, expire := range []error{storetest.Sweep(ctx, env.Store, env.Authn.Sweep()), storetest.Sweep(ctx, env.Store, env.Accounts.Sweeps()...), storetest.Sweep(ctx, env.Store, env.Sessions.Sweeps()...),
		env.Sessions.FlushLastSeen(ctx), storetest.Sweep(ctx, env.Store, env.Approvals.Sweep())} {
		must(t, expire, "deleting expired records")
	}
	if env.Ring.DamagedRecords() < 5 {
		t.Errorf("got %d damaged records counted", env.Ring.DamagedRecords())
	}
}

// A user whose record is damaged is not a deleted one: a backup or a repair may bring the record back. Nothing of the user goes.
func TestDamagedRecord_OfAUserDeletesNothing(t *testing.T) {
	env := newTestEnv(t)
	ctx := t.Context()
	member, p, _ := env.Member(amelie, nil)
	browser := env.SignIn(amelie, authntest.Password, p).Browser
	_, err := env.Directory.HelpDesk.Submit(ctx, env.From, helpdesk.Submission{Email: amelie, Message: "lost"})
	must(t, err, "requesting help")
	counts, err := storetest.Count(ctx, env.Store)
	must(t, err, "counting")
	requests := counts[store.HelpRequests.Prefix]
	env.EmptyOutbox()
	_, err = account.Update(ctx, env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (struct{}, error) {
		return struct{}{}, tx.Notify(&member, notice.PasswordChanged{}, time.Time{})
	})
	must(t, err, "notifying")
	env.damage("user/" + string(member.ID))
	env.damage("summary/" + string(member.ID))
	silent := func([]string) func(store.Tx) error { return func(store.Tx) error { return nil } }
	must(t, storetest.Sweep(ctx, env.Store, slices.Concat([]store.TableSweep{env.Directory.Admin.SweepMail(), env.Directory.HelpDesk.SweepOld(time.Hour, silent)}, env.Sessions.Sweeps())...), "sweeping")
	if got := len(env.Mails()); got != 1 {
		t.Errorf("got %d emails to the user, want the notification", got)
	}
	if counts, err := storetest.Count(ctx, env.Store); err != nil || counts[store.HelpRequests.Prefix] != requests {
		t.Errorf("got %v, %v, want the %d records of the help request", counts, err, requests)
	}
	if user, err := env.Sessions.BrowserUser(ctx, browser); err != nil || user != member.ID {
		t.Errorf("got the user %q of the browser, %v", user, err)
	}
	operator := admin.Principal{Role: account.RoleSuperAdmin, Owner: "operator:0", ID: "operator:0", Operator: true}
	_, err = env.Directory.Admin.EraseEvents(ctx, operator, string(member.ID))
	wantCode(t, err, errcode.WrongState, "erasing events about a user who exists")
}
