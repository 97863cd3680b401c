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

// maxGroups is how many garages one person can belong to.
const maxGroups = 32

// maxGroupsAtCreation is how many of them can be named when a person is made: each costs two of the 64 keys that one
// Update touches. The others are joined afterwards.
const maxGroupsAtCreation = 20

// Group is a garage. A deleted one keeps its record for ever, so that its id never means another: to every reader
// it is not there.
type Group struct {
	ID          GroupID   `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Created     time.Time `json:"created"`
	Changed     time.Time `json:"changed"`
	Deleted     time.Time `json:"deleted,omitzero"`
	Emptied     bool      `json:"emptied,omitempty"` // deleted, and nobody is a member any more
}

// CreateGroup stores a new garage.
func (tx *Tx) CreateGroup(g *Group) error {
	if g.ID == "" {
		g.ID = GroupID("g" + tx.Op.ID("group"))
	}
	g.Created = tx.Op.Now
	return tx.SaveGroup(g)
}

// SaveGroup stores a garage whose name or description was changed in this run.
func (tx *Tx) SaveGroup(g *Group) error {
	name := strings.TrimSpace(g.Name)
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > 255 || strings.ContainsFunc(name, unicode.IsControl) {
		return errcode.InvalidField("name", "name")
	}
	g.Name, g.Changed = name, tx.Op.Now
	return tx.putGroup(g)
}

// DeleteGroup marks a garage: from now on it is not there. The caller audits and, after the Update, calls
// Service.EmptyGroup, which takes the members out of it.
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

// GroupQuery asks for garages. The zero value is all of them, in the order of their ids.
type GroupQuery struct {
	Prefix string // the beginning of the name, in any case
	After  string // the cursor of an earlier call
	Limit  int    // 1 to 200; 0 means 200
}

// Matches tells whether a garage is one of those asked for.
func (q GroupQuery) Matches(g Group) bool {
	return g.Deleted.IsZero() && strings.HasPrefix(FoldName(g.Name), FoldName(q.Prefix))
}

// Groups lists the garages in the order of their ids. next is the cursor for more, "" at the end.
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
