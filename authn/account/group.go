package account

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"barillet/internal/errcode"
	"barillet/store"
)

// maxGroups is the maximum number of groups of one user.
const maxGroups = 32

// maxGroupsAtCreation is the maximum number of groups of a new user. Each needs two of the 64 keys that one Update may
// touch. The user can be added to other groups afterwards.
const maxGroupsAtCreation = 20

// Group is a set of users. The record of a deleted group stays, so that its id is never used again. Readers do not find it.
type Group struct {
	ID          GroupID   `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Created     time.Time `json:"created"`
	Changed     time.Time `json:"changed"`
	Deleted     time.Time `json:"deleted,omitzero"`
	Emptied     bool      `json:"emptied,omitempty"` // deleted, and all memberships are removed
}

// CreateGroup stores a new group. It sets the id if it is empty.
func (tx *Tx) CreateGroup(g *Group) error {
	if g.ID == "" {
		g.ID = GroupID("g" + tx.Op.ID("group"))
	}
	g.Created = tx.Op.Now
	return tx.SaveGroup(g)
}

// SaveGroup stores a group that was loaded in this transaction. It returns Invalid if the name is wrong.
func (tx *Tx) SaveGroup(g *Group) error {
	name := strings.TrimSpace(g.Name)
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > 255 || strings.ContainsFunc(name, unicode.IsControl) {
		return errcode.InvalidField("name", "name")
	}
	g.Name, g.Changed = name, tx.Op.Now
	return tx.putGroup(g)
}

// DeleteGroup marks a group as deleted. The caller audits and, after the Update, calls Service.EmptyGroup to remove the
// members.
func (tx *Tx) DeleteGroup(g *Group) error {
	g.Deleted = tx.Op.Now
	return tx.putGroup(g)
}

func (tx *Tx) putGroup(g *Group) error {
	if err := tx.s.groups.Put(tx.Raw, string(g.ID), *g); err != nil {
		return fmt.Errorf("storing group %q: %w", g.ID, err)
	}
	return nil
}

// GroupQuery selects groups. The zero value selects all, in the order of their ids.
type GroupQuery struct {
	Prefix string // start of the name, case-insensitive
	After  string // cursor of an earlier call
	Limit  int    // 1 to 200; 0 means 200
}

// Matches reports whether the query selects the group.
func (q GroupQuery) Matches(g Group) bool {
	return g.Deleted.IsZero() && strings.HasPrefix(FoldName(g.Name), FoldName(q.Prefix))
}

// Groups returns the selected groups in the order of their ids. next is the cursor of the next page; "" at the end.
func (s *Service) Groups(ctx context.Context, q GroupQuery) (groups []Group, next string, err error) {
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		groups, next = nil, ""
		more := false
		err := s.groups.Scan(snap, "", q.After, 0, func(id string, g Group) error {
			if !q.Matches(g) {
				return nil
			}
			if more = len(groups) == q.Limit; more {
				return store.ErrStop
			}
			groups, next = append(groups, g), id
			return nil
		})
		if !more {
			next = ""
		}
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing groups: %w", err)
	}
	return groups, next, nil
}
