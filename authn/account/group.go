package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/authn/account/index"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/store"
)

// maxGroups is the maximum number of groups of one user.
const maxGroups = 32

// maxGroupsAtCreation is the maximum number of groups of a new user. Each needs two of the 96 keys that one Update may
// touch. The user can be added to other groups afterwards.
const maxGroupsAtCreation = 20

// Group is a set of users. The record of a deleted group stays, so that its id is never used again. Readers do not find it.
type Group struct {
	ID          GroupID   `cbor:"1,keyasint"`
	Name        string    `cbor:"2,keyasint"`
	Description string    `cbor:"3,keyasint,omitempty"`
	Created     time.Time `cbor:"4,keyasint"`
	Changed     time.Time `cbor:"5,keyasint"`
	Deleted     time.Time `cbor:"6,keyasint,omitzero"`
	Emptied     bool      `cbor:"7,keyasint,omitempty"` // deleted, and all memberships are removed
}

// maxGroupName is the maximum length of a group's name, in characters.
const maxGroupName = 255

// maxGroupWords is the maximum number of words of a group's name at which a search can start.
const maxGroupWords = 16

// CreateGroup stores a new group. It sets the id if it is empty, and returns the errors of SaveGroup.
func (tx *Tx) CreateGroup(g *Group) error {
	if g.ID == "" {
		g.ID = GroupID("g" + tx.Op.ID("group"))
	}
	g.Created = tx.Op.Now
	return tx.SaveGroup(g)
}

// SaveGroup stores a group. It returns Invalid if the name is wrong, or looks like the name of another group.
func (tx *Tx) SaveGroup(g *Group) error {
	name, err := GroupName(g.Name)
	if err != nil {
		return err
	}
	old, err := tx.s.groups.Get(tx.Raw, string(g.ID))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("loading group %q: %w", g.ID, err)
	}
	if err := tx.releaseGroupName(&old); err != nil {
		return err
	}
	key := groupNameKey(name)
	switch _, err := tx.s.groupNames.Get(tx.Raw, key); {
	case err == nil:
		return errcode.InvalidField("name", "taken")
	case !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("looking up a group's name: %w", err)
	}
	if err := tx.s.groupNames.Put(tx.Raw, key, g.ID); err != nil {
		return fmt.Errorf("storing a group's name: %w", err)
	}
	g.Name, g.Changed = name, tx.Op.Now
	return tx.putGroup(g)
}

// GroupName returns the name of a group as input.Name does. It returns Invalid unless the name has 1 to 255 characters that
// can be seen.
func GroupName(typed string) (string, error) {
	name, reason := input.Name(typed, maxGroupName)
	switch {
	case reason != "":
		return "", errcode.InvalidField("name", reason)
	case name == "":
		return "", errcode.InvalidField("name", "empty")
	}
	return name, nil
}

// groupNameKey returns the key of the names that look like a name.
func groupNameKey(name string) string {
	sum := sha256.Sum256([]byte(input.Appearance(name)))
	return hex.EncodeToString(sum[:])
}

// GroupNamed returns the group with a name, as input.Fold compares names; NotFound if there is none.
func (r Reader) GroupNamed(name string) (Group, error) {
	id, err := r.s.groupNames.Get(r.Raw, groupNameKey(name))
	if err != nil {
		return Group{}, missing(err, "group name", "")
	}
	g, err := r.Group(id)
	if err == nil && input.Fold(g.Name) != input.Fold(name) { // it only looks like the name
		err = errcode.New(errcode.NotFound)
	}
	return g, err
}

// releaseGroupName makes the name of a stored group free for others. A group without a name has none.
func (tx *Tx) releaseGroupName(g *Group) error {
	if g.Name == "" {
		return nil
	}
	if err := tx.s.groupNames.Delete(tx.Raw, groupNameKey(g.Name)); err != nil {
		return fmt.Errorf("releasing a group's name: %w", err)
	}
	return nil
}

// DeleteGroup marks a group as deleted. The caller audits and, after the Update, calls Service.EmptyGroup to remove members.
func (tx *Tx) DeleteGroup(g *Group) error {
	if err := tx.releaseGroupName(g); err != nil {
		return err
	}
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
	Prefix string // start of a word of the name, as input.Words compares it
	After  string // cursor of an earlier call
	Limit  int    // 1 to 200; 0 means 200
}

// Matches reports whether the query selects the group.
func (q GroupQuery) Matches(g Group) bool {
	if q.Prefix == "" || !g.Deleted.IsZero() {
		return g.Deleted.IsZero()
	}
	prefix := index.SearchPrefix(q.Prefix)
	return prefix != "" && slices.ContainsFunc(input.SearchTexts(input.Words(g.Name), nil, maxGroupWords), func(text string) bool {
		return strings.HasPrefix(index.SearchKey(text), prefix)
	})
}

// Groups returns the selected groups in the order of their ids. next is the cursor of the next page; "" at the end.
func (s *Service) Groups(ctx context.Context, q GroupQuery) (groups []Group, next string, err error) {
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		groups, next = nil, ""
		more, seen := false, 0
		err := s.groups.Scan(snap, "", q.After, 0, func(id string, g Group) error {
			matches := q.Matches(g)
			if seen++; matches && len(groups) == q.Limit || seen > store.PageReads {
				more = true
				return store.ErrStop
			}
			if next = id; matches {
				groups = append(groups, g)
			}
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
