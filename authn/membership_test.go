package authn_test

import (
	"fmt"
	"slices"
	"testing"

	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/store"
)

// markDeleted is the first half of deleting a garage: all that is done if the power fails then.
func (h *house) markDeleted(id account.GroupID) {
	h.T.Helper()
	_, err := account.Update(h.T.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (struct{}, error) {
		g, err := tx.Group(id)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.DeleteGroup(&g)
	})
	do(h.T, err, "marking a garage")
}

// members counts the entries of the index below a garage.
func (h *house) members(id account.GroupID) int {
	n := 0
	for key := range h.scan() {
		if prefix := store.Members.Prefix + string(id) + "/"; len(key) > len(prefix) && key[:len(prefix)] == prefix {
			n++
		}
	}
	return n
}

func TestADeletedGarageIsSweptWhereACrashLeftIt(t *testing.T) {
	h := newHouse(t)
	gone, stays := h.CreateGroup("Garage Nord"), h.CreateGroup("Garage Sud")
	grant := []account.RoleAssignment{{ID: "r1", Role: account.RoleHelpDesk, Groups: []account.GroupID{gone}}}
	var people []account.User
	for i := range 40 { // more than two Updates take
		people = append(people, h.CreateUser(fmt.Sprintf("p%d@garage.example", i), func(u *account.User) {
			u.Groups = []account.GroupID{stays, gone}
			if i%2 == 0 {
				u.Groups = []account.GroupID{gone}
			}
			u.Roles = grant
		}))
	}
	_, _, session := h.Member(amelie, func(u *account.User) { u.Groups = []account.GroupID{gone, stays} })
	h.markDeleted(gone)
	if got := h.members(gone); got != 41 {
		t.Fatalf("got %d members after the mark alone, want all", got)
	}
	_, err := account.Update(t.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (struct{}, error) {
		u, err := tx.User(people[0].ID)
		if err != nil {
			return struct{}{}, err
		}
		_, err = tx.AddToGroup(&u, gone)
		return struct{}{}, err
	})
	refused(t, err, errcode.NotFound, "joining a garage that is marked")
	for _, id := range []account.UserID{people[1].ID, people[7].ID} { // the crash came in the middle
		_, err := account.Update(t.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (struct{}, error) {
			u, err := tx.User(id)
			if err != nil {
				return struct{}{}, err
			}
			if _, err := tx.RemoveFromGroup(&u, gone); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, tx.Save(&u)
		})
		do(t, err, "taking somebody out")
	}
	for range 2 {
		do(t, h.Accounts.DeleteExpired(t.Context()), "sweeping")
		if got := h.members(gone); got != 0 {
			t.Errorf("got %d members after the sweep", got)
		}
	}
	if got := h.members(stays); got != 21 {
		t.Errorf("the other garage: got %d members, want 21", got)
	}
	for i, p := range people {
		u := h.User(string(p.ID))
		if want := i % 2; len(u.Groups) != want || slices.Contains(u.Groups, gone) {
			t.Errorf("person %d: got garages %v, want %d", i, u.Groups, want)
		}
		if len(u.Roles) != 1 || !slices.Equal(u.Roles[0].Groups, []account.GroupID{gone}) {
			t.Errorf("person %d: got the role %+v, want it limited to the garage that is gone: without it, it is for everybody", i, u.Roles)
		}
	}
	if live, err := h.Sessions.Authenticate(t.Context(), session); err != nil || !slices.Equal(live.Groups, []account.GroupID{stays}) {
		t.Errorf("the session: got %v, %v, want the garage that is left", live.Groups, err)
	}
	if list, next, err := h.Accounts.Groups(t.Context(), account.GroupQuery{}); err != nil || next != "" || len(list) != 1 || list[0].ID != stays {
		t.Errorf("got garages %v, %q, %v, want the one that is left", list, next, err)
	}
	if u := h.User(string(people[0].ID)); u.Revision == 0 {
		t.Error("no person")
	} else if do(t, h.Accounts.DeleteExpired(t.Context()), "sweeping"); h.User(string(u.ID)).Revision != u.Revision {
		t.Error("sweeping a garage that is swept wrote to somebody")
	}
}

func TestAGarageThatIsThereIsNotSwept(t *testing.T) {
	h := newHouse(t)
	id := h.CreateGroup("Garage Nord")
	h.CreateUser(amelie, func(u *account.User) { u.Groups = []account.GroupID{id} })
	if err := h.Accounts.EmptyGroup(t.Context(), id); err == nil || h.members(id) != 1 {
		t.Errorf("got %v and %d members, want a refusal", err, h.members(id))
	}
}
