package account_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
	"barillet/store"
	"barillet/store/storetest"
)

// update runs fn in one Update and returns its error.
func update(e *authntest.Env, fn func(tx *account.Tx) error) error {
	_, err := account.Update(e.T.Context(), e.Accounts, e.Accounts.NewOperation(e.From), func(tx *account.Tx) (struct{}, error) {
		return struct{}{}, fn(tx)
	})
	return err
}

// markDeleted marks a group as deleted, as a process does that crashes before it removes the members.
func markDeleted(e *authntest.Env, id account.GroupID) {
	e.T.Helper()
	if err := update(e, func(tx *account.Tx) error {
		g, err := tx.Group(id)
		if err != nil {
			return err
		}
		return tx.DeleteGroup(&g)
	}); err != nil {
		e.T.Fatalf("deleting a group: %v", err)
	}
}

// members returns the number of entries of a group in the membership index.
func members(e *authntest.Env, id account.GroupID) int {
	e.T.Helper()
	n := 0
	index := store.NewIndex(store.Members)
	if err := e.Store.View(e.T.Context(), func(s store.Snapshot) error {
		n = 0
		return index.Scan(s, string(id)+"/", "", 0, func(string) error { n++; return nil })
	}); err != nil {
		e.T.Fatalf("counting members: %v", err)
	}
	return n
}

func deleteExpired(e *authntest.Env) {
	e.T.Helper()
	if err := storetest.Sweep(e.T.Context(), e.Store, e.Accounts.Sweeps()...); err != nil {
		e.T.Fatalf("deleting expired records: %v", err)
	}
}

func TestSweeps_EmptiesDeletedGroupAfterCrash(t *testing.T) {
	e := authntest.New(t)
	deleted, other := e.CreateGroup("Garage Nord"), e.CreateGroup("Garage Sud")
	role := []account.RoleAssignment{{ID: "r1", Role: account.RoleHelpDesk, Groups: []account.GroupID{deleted}}}
	var users []account.User
	for i := range 40 { // more than two Updates remove
		users = append(users, e.CreateUser(fmt.Sprintf("p%d@garage.example", i), func(u *account.User) {
			u.Groups = []account.GroupID{other, deleted}
			if i%2 == 0 {
				u.Groups = []account.GroupID{deleted}
			}
			u.Roles = role
		}))
	}
	_, _, session := e.Member("amelie@garage.example", func(u *account.User) { u.Groups = []account.GroupID{deleted, other} })
	markDeleted(e, deleted)
	if got := members(e, deleted); got != 41 {
		t.Fatalf("got %d members after the mark, want all 41", got)
	}
	err := update(e, func(tx *account.Tx) error {
		u, err := tx.User(users[0].ID)
		if err != nil {
			return err
		}
		_, err = tx.AddToGroup(&u, deleted)
		return err
	})
	if errcode.Of(err) != errcode.NotFound {
		t.Errorf("adding to a deleted group: got %v, want NotFound", err)
	}
	for _, id := range []account.UserID{users[1].ID, users[7].ID} { // the crash came between two removals
		if err := update(e, func(tx *account.Tx) error {
			u, err := tx.User(id)
			if err != nil {
				return err
			}
			if _, err := tx.RemoveFromGroup(&u, deleted); err != nil {
				return err
			}
			return tx.Save(&u)
		}); err != nil {
			t.Fatalf("removing a member: %v", err)
		}
	}
	for range 2 {
		deleteExpired(e)
		if got := members(e, deleted); got != 0 {
			t.Errorf("got %d members afterwards, want none", got)
		}
	}
	if got := members(e, other); got != 21 {
		t.Errorf("the other group: got %d members, want 21", got)
	}
	for i, user := range users {
		u := e.User(string(user.ID))
		if want := i % 2; len(u.Groups) != want || slices.Contains(u.Groups, deleted) {
			t.Errorf("user %d: got groups %v, want %d", i, u.Groups, want)
		}
		if len(u.Roles) != 1 || !slices.Equal(u.Roles[0].Groups, []account.GroupID{deleted}) {
			t.Errorf("user %d: got roles %+v, want one that is limited to the deleted group", i, u.Roles)
		}
	}
	if info, err := e.Sessions.Authenticate(t.Context(), session); err != nil || !slices.Equal(info.Groups, []account.GroupID{other}) {
		t.Errorf("the session: got groups %v, %v, want the other group", info.Groups, err)
	}
	if list, next, err := e.Accounts.Groups(t.Context(), account.GroupQuery{}); err != nil || next != "" || len(list) != 1 || list[0].ID != other {
		t.Errorf("got groups %v, %q, %v, want the other group", list, next, err)
	}
	u := e.User(string(users[0].ID))
	if u.Revision == 0 {
		t.Error("the user has no revision")
	}
	if deleteExpired(e); e.User(string(u.ID)).Revision != u.Revision {
		t.Error("a user was written although the group was empty")
	}
}

func TestEmptyGroup_RejectsExistingGroup(t *testing.T) {
	e := authntest.New(t)
	id := e.CreateGroup("Garage Nord")
	e.CreateUser("amelie@garage.example", func(u *account.User) { u.Groups = []account.GroupID{id} })
	if err := e.Accounts.EmptyGroup(t.Context(), id, 0, func() {}); err == nil || members(e, id) != 1 {
		t.Errorf("got %v and %d members, want an error and one", err, members(e, id))
	}
}

// An entry of the index that no user has must not keep the sweep at one group forever: no other table would be swept.
func TestEmptyGroup_EndsWithAnEntryThatNoUserHas(t *testing.T) {
	e := authntest.New(t)
	id := e.CreateGroup("Garage du Nord")
	u := e.CreateUser("lea@garage.example", func(*account.User) {})
	err := e.Store.Update(t.Context(), func(tx store.Tx) error {
		return store.NewIndex(store.Members).Put(tx, string(id)+"/"+string(u.ID))
	})
	if err != nil {
		t.Fatal(err)
	}
	markDeleted(e, id)
	rounds := 0
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = e.Accounts.EmptyGroup(ctx, id, 0, func() {
		if rounds++; rounds > 10 {
			cancel()
		}
	})
	if err != nil || members(e, id) != 0 {
		t.Errorf("got %v after %d rounds and %d entries, want none", err, rounds, members(e, id))
	}
}
