package authn_test

import (
	"fmt"
	"slices"
	"testing"

	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/store"
)

// markDeleted marks a group as deleted, which is all that is stored if the service stops then.
func (env *testEnv) markDeleted(id account.GroupID) {
	env.T.Helper()
	_, err := account.Update(env.T.Context(), env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (struct{}, error) {
		g, err := tx.Group(id)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.DeleteGroup(&g)
	})
	must(env.T, err, "marking a group as deleted")
}

// memberCount counts the index entries of a group.
func (env *testEnv) memberCount(id account.GroupID) int {
	n := 0
	for key := range env.allRecords() {
		if prefix := store.Members.Prefix + string(id) + "/"; len(key) > len(prefix) && key[:len(prefix)] == prefix {
			n++
		}
	}
	return n
}

func TestEmptyGroup_ContinuesAfterCrash(t *testing.T) {
	env := newTestEnv(t)
	gone, stays := env.Group("Garage Nord"), env.Group("Garage Sud")
	grant := []account.RoleAssignment{{ID: "r1", Role: account.RoleHelpDesk, Groups: []account.GroupID{gone}}}
	var people []account.User
	for i := range 40 { // more than two Updates
		people = append(people, env.Person(fmt.Sprintf("p%d@garage.example", i), func(u *account.User) {
			u.Groups = []account.GroupID{stays, gone}
			if i%2 == 0 {
				u.Groups = []account.GroupID{gone}
			}
			u.Roles = grant
		}))
	}
	_, _, session := env.Member(amelie, func(u *account.User) { u.Groups = []account.GroupID{gone, stays} })
	env.markDeleted(gone)
	if got := env.memberCount(gone); got != 41 {
		t.Fatalf("got %d members before it is emptied, want all", got)
	}
	_, err := account.Update(t.Context(), env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (struct{}, error) {
		u, err := tx.User(people[0].ID)
		if err != nil {
			return struct{}{}, err
		}
		_, err = tx.AddToGroup(&u, gone)
		return struct{}{}, err
	})
	wantCode(t, err, errcode.NotFound, "joining a group that is being deleted")
	for _, id := range []account.UserID{people[1].ID, people[7].ID} { // the crash came between two Updates
		_, err := account.Update(t.Context(), env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (struct{}, error) {
			u, err := tx.User(id)
			if err != nil {
				return struct{}{}, err
			}
			if _, err := tx.RemoveFromGroup(&u, gone); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, tx.Save(&u)
		})
		must(t, err, "removing a user")
	}
	for range 2 {
		must(t, env.Accounts.DeleteExpired(t.Context()), "sweeping")
		if got := env.memberCount(gone); got != 0 {
			t.Errorf("got %d members after it is emptied", got)
		}
	}
	if got := env.memberCount(stays); got != 21 {
		t.Errorf("the other group: got %d members, want 21", got)
	}
	for i, p := range people {
		u := env.User(string(p.ID))
		if want := i % 2; len(u.Groups) != want || slices.Contains(u.Groups, gone) {
			t.Errorf("user %d: got groups %v, want %d", i, u.Groups, want)
		}
		if len(u.Roles) != 1 || !slices.Equal(u.Roles[0].Groups, []account.GroupID{gone}) {
			t.Errorf("user %d: got the role %+v, want it limited to the deleted group, else it applies to all users", i, u.Roles)
		}
	}
	if info, err := env.Sessions.Authenticate(t.Context(), session); err != nil || !slices.Equal(info.Groups, []account.GroupID{stays}) {
		t.Errorf("the session: got %v, %v, want the remaining group", info.Groups, err)
	}
	if list, next, err := env.Accounts.Groups(t.Context(), account.GroupQuery{}); err != nil || next != "" || len(list) != 1 || list[0].ID != stays {
		t.Errorf("got groups %v, %q, %v, want the remaining one", list, next, err)
	}
	if u := env.User(string(people[0].ID)); u.Revision == 0 {
		t.Error("no user")
	} else if must(t, env.Accounts.DeleteExpired(t.Context()), "sweeping"); env.User(string(u.ID)).Revision != u.Revision {
		t.Error("emptying an empty group wrote to a user")
	}
}

func TestEmptyGroup_RejectsExistingGroup(t *testing.T) {
	env := newTestEnv(t)
	id := env.Group("Garage Nord")
	env.Person(amelie, func(u *account.User) { u.Groups = []account.GroupID{id} })
	if err := env.Accounts.EmptyGroup(t.Context(), id); err == nil || env.memberCount(id) != 1 {
		t.Errorf("got %v and %d members, want a refusal", err, env.memberCount(id))
	}
}
