package roster_test

import (
	"slices"
	"testing"

	"barillet/authn/account"
	"barillet/authn/account/index"
	"barillet/authn/authntest"
	"barillet/authn/roster"
	"barillet/store"
)

func put(t *testing.T, s store.Store, key string, value []byte) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Put(key, value) }); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s store.Store, key string) (value []byte) {
	t.Helper()
	err := s.View(t.Context(), func(snap store.Snapshot) (err error) {
		value, err = snap.Get(key)
		return err
	})
	if err != nil {
		t.Fatalf("reading %s: %v", key, err)
	}
	return value
}

// rebuild repairs the indexes, and returns how many entries were at fault.
func rebuild(t *testing.T, g *authntest.Garage) (faults int, err error) {
	t.Helper()
	found, err := roster.NewChecker(g.Accounts, g.Ring).Check(t.Context(), true)
	for _, x := range found {
		faults += x.Missing + x.Wrong
	}
	return faults, err
}

// TestAttack_ForgedIndexEntryMakesAnAdministrator: an entry of the index is found, and the record of the user decides.
func TestAttack_ForgedIndexEntryMakesAnAdministrator(t *testing.T) {
	g := authntest.NewGarage(t)
	limited := g.CreateUser("limited@garage.example", func(u *account.User) {
		u.Roles = []account.RoleAssignment{{ID: "r1", Role: account.RoleHelpDesk, Groups: []account.GroupID{g.Lumiere}}}
	})
	for _, u := range []account.User{g.Amelie, limited} {
		put(t, g.Store, store.RoleHolders.Prefix+"all/9/"+string(u.ID), []byte{1})
		put(t, g.Store, store.RoleHolders.Prefix+string(g.Nord)+"/9/"+string(u.ID), []byte{1})
	}
	for name, q := range map[string]roster.HolderQuery{
		"for all users": {All: true},
		"of a group":    {Groups: []account.GroupID{g.Nord}},
		"with the rank": {Everywhere: true, MinRank: account.RoleSuperAdmin.Rank()},
	} {
		found, err := roster.Holders(t.Context(), g.Accounts, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range found {
			if u.ID == g.Amelie.ID || u.ID == limited.ID {
				t.Errorf("%s: got %s by a forged entry", name, u.Login)
			}
		}
	}
}

// TestAttack_ForgedIndexEntryMakesAMember: the record of a user decides of which groups they are a member, and which state they have.
func TestAttack_ForgedIndexEntryMakesAMember(t *testing.T) {
	g := authntest.NewGarage(t)
	other := g.CreateUser("other@garage.example", func(u *account.User) { u.Groups = []account.GroupID{g.Nord} })
	put(t, g.Store, store.Members.Prefix+string(g.Lumiere)+"/"+string(other.ID), []byte{1})
	put(t, g.Store, store.UserStates.Prefix+"SUSPENDED/2/-/"+string(other.ID), []byte{1})
	for name, q := range map[string]roster.UserQuery{
		"of a group": {Group: g.Lumiere},
		"of a scope": {Scope: []account.GroupID{g.Lumiere}},
		"by state":   {Statuses: []account.Status{account.StatusSuspended}},
		"by id":      {IDs: []account.UserID{other.ID}, Group: g.Lumiere},
	} {
		users, _, err := roster.Users(t.Context(), g.Accounts, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			if u.ID == other.ID {
				t.Errorf("%s: got %s by a forged entry", name, u.Login)
			}
		}
	}
}

// TestAttack_LoginOfAnotherUser: a login that leads to another user is found and repaired.
func TestAttack_LoginOfAnotherUser(t *testing.T) {
	g := authntest.NewGarage(t)
	const login = "zoe@garage.example"
	u := g.CreateUser(login, func(*account.User) {})
	addresses := store.NewTable[account.UserID](g.Ring, store.Addresses)
	if err := g.Store.Update(t.Context(), func(tx store.Tx) error { return addresses.Put(tx, store.Escape(login), g.Amelie.ID) }); err != nil {
		t.Fatal(err)
	}
	if n, err := rebuild(t, g); n != 1 || err != nil {
		t.Errorf("rebuilt %d entries: %v, want 1", n, err)
	}
	err := g.Store.View(t.Context(), func(snap store.Snapshot) error {
		owner, err := addresses.Get(snap, store.Escape(login))
		if owner != u.ID {
			t.Errorf("the login leads to %s, want %s", owner, u.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A damaged record may be restored from a backup: the user then has their login and their groups again.
func TestCheck_KeepsTheEntriesOfAUserWhoCannotBeRead(t *testing.T) {
	g := authntest.NewGarage(t)
	u := g.CreateUser("zoe@garage.example", func(u *account.User) { u.Groups = []account.GroupID{g.Nord} })
	kept := []string{store.Summaries.Prefix + string(u.ID), store.Addresses.Prefix + store.Escape("zoe@garage.example"),
		store.Members.Prefix + string(g.Nord) + "/" + string(u.ID)}
	for _, key := range kept {
		get(t, g.Store, key)
	}
	put(t, g.Store, store.Users.Prefix+string(u.ID), []byte("damaged"))
	if n, err := rebuild(t, g); n != 0 || err != nil {
		t.Errorf("rebuilt %d entries: %v, want none", n, err)
	}
	for _, key := range kept {
		get(t, g.Store, key)
	}
}

// A placeholder is no user of the service: no list without a group scope has it.
func TestUsers_ListsNoPlaceholder(t *testing.T) {
	g := authntest.NewGarage(t)
	hidden := g.CreateUser("zoe@garage.example", func(u *account.User) { u.Groups, u.Placeholder = []account.GroupID{g.Nord}, true })
	for name, q := range map[string]roster.UserQuery{"all": {}, "of a group": {Group: g.Nord}, "by id": {IDs: []account.UserID{hidden.ID}},
		"by status": {Statuses: []account.Status{hidden.Status}}} {
		users, _, err := roster.Users(t.Context(), g.Accounts, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			if u.ID == hidden.ID {
				t.Errorf("%s: got the placeholder", name)
			}
		}
	}
}

// An index entry that leads to another user is one fault, with or without repair.
func TestCheck_CountsAnEntryOfAnotherUserOnce(t *testing.T) {
	for _, repair := range []bool{false, true} {
		g := authntest.NewGarage(t)
		other := g.CreateUser("other@garage.example", nil)
		addresses := store.NewTable[account.UserID](g.Ring, store.Addresses)
		if err := g.Store.Update(t.Context(), func(tx store.Tx) error {
			return addresses.Put(tx, store.Escape(authntest.Technician), other.ID)
		}); err != nil {
			t.Fatal(err)
		}
		found, err := roster.NewChecker(g.Accounts, g.Ring).Check(t.Context(), repair)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range found {
			if want := store.NewIndexReport(store.Addresses); x.Name == want.Name && (x.Missing != 1 || x.Wrong != 0) || x.Name != want.Name && x.Missing+x.Wrong > 0 {
				t.Errorf("repair %v: got %+v, want one missing entry of %s", repair, x, want.Name)
			}
		}
	}
}

// TestAttack_ForgedIndexEntryListsAUser: the entries of these indexes are not sealed, so a list confirms each by the record of the user.
func TestAttack_ForgedIndexEntryListsAUser(t *testing.T) {
	g := authntest.NewGarage(t)
	for _, u := range []account.User{g.Amelie, g.CreateUser("other@garage.example", nil)} {
		id := string(u.ID)
		for _, key := range []string{
			store.Members.Prefix + string(g.Lumiere) + "/" + id,
			store.Members.Prefix + string(g.Nord) + "/0/" + id,
			store.Members.Prefix + string(g.Nord) + "/",
			store.UserStates.Prefix + index.StatePrefix("ACTIVE", 0) + string(g.Nord) + "/" + id,
			store.UserStates.Prefix + index.StatePrefix("ACTIVE", 1) + string(g.Nord) + "/0/" + id,
			store.UserStates.Prefix + index.StatePrefix("ACTIVE", 1),
			store.Names.Prefix + "aaa/" + id,
			store.Names.Prefix + "ame/" + id,
		} {
			put(t, g.Store, key, []byte{1})
		}
	}
	for name, q := range map[string]roster.UserQuery{
		"a group":            {Group: g.Lumiere},
		"another group":      {Group: g.Nord},
		"groups":             {Scope: []account.GroupID{g.Lumiere, g.Nord}},
		"a status":           {Statuses: []account.Status{account.StatusActive}},
		"a status in groups": {Statuses: []account.Status{account.StatusActive}, Scope: []account.GroupID{g.Lumiere, g.Nord}},
		"at risk":            {AtRisk: true},
		"a name":             {Prefix: "ame"},
		"a false name":       {Prefix: "aaa"},
	} {
		users, _, err := roster.Users(t.Context(), g.Accounts, q)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		seen := map[account.UserID]bool{}
		for _, u := range users {
			if seen[u.ID] {
				t.Errorf("%s: %s is listed twice", name, u.Login)
			}
			if seen[u.ID] = true; q.Group != "" && !slices.Contains(u.Groups, q.Group) || q.Prefix != "" && !u.MatchesPrefix(q.Prefix) {
				t.Errorf("%s: %s is listed by a forged entry", name, u.Login)
			}
		}
	}
}
