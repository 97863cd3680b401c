package authn

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"barillet/store"
)

// Group is a garage.
type Group struct {
	ID          GroupID   `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Created     time.Time `json:"created"`
	Changed     time.Time `json:"changed"`
}

// CreateGroup stores a new garage.
func (w *Work) CreateGroup(g *Group) error {
	name := strings.TrimSpace(g.Name)
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > 255 || strings.ContainsFunc(name, unicode.IsControl) {
		return Invalid("name", "name")
	}
	g.Name = name
	if g.ID == "" {
		g.ID = GroupID("g" + w.Act.ID("group"))
	}
	g.Created, g.Changed = w.Act.Now, w.Act.Now
	if err := w.s.groups.Put(w.Tx, string(g.ID), *g); err != nil {
		return fmt.Errorf("storing group %q: %w", g.ID, err)
	}
	return nil
}

// Groups lists the garages in the order of their ids. next is the cursor for more, "" at the end.
func (s *Service) Groups(ctx context.Context, after string, limit int) (groups []Group, next string, err error) {
	if limit <= 0 || limit > 200 {
		limit = 200
	}
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		groups, next = nil, ""
		more := false
		err := s.groups.Scan(snap, "", after, limit+1, func(id string, g Group) error {
			if more = len(groups) == limit; more {
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
