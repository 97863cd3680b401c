package account

import (
	"errors"
	"fmt"
	"time"

	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
)

// Link is what stands behind the link in a mail, kept below the hash of its token. Fetching it changes nothing.
type Link struct {
	User       UserID    `json:"user"`
	Purpose    string    `json:"purpose"`              // PurposeInvitation, PurposeTicket or PurposePassword
	Ticket     string    `json:"ticket,omitempty"`     // which ticket
	Epoch      uint64    `json:"epoch,omitempty"`      // of the person, with PurposePassword: whatever raised it ends the link
	Provenance string    `json:"provenance,omitempty"` // with PurposePassword: the operator in whose answer it was; "": mailed
	Expires    time.Time `json:"expires"`
}

const (
	PurposeInvitation = "invitation"
	PurposeTicket     = "ticket"
	PurposePassword   = "password"
)

// Link loads a link of the purpose with its person; InvalidLink when it is not, or no longer, good.
func (r Reader) Link(token secret.Value, purpose string, now time.Time) (Link, User, error) {
	l, err := r.s.links.Get(r.Raw, token.Hash())
	if errors.Is(err, store.ErrNotFound) || token.IsZero() {
		return Link{}, User{}, errcode.New(errcode.InvalidLink)
	}
	if err != nil {
		return Link{}, User{}, fmt.Errorf("loading a link: %w", err)
	}
	u, err := r.User(l.User)
	switch {
	case errcode.Of(err) == errcode.NotFound:
		return Link{}, User{}, errcode.New(errcode.InvalidLink)
	case err != nil:
		return Link{}, User{}, err
	case l.Purpose != purpose, !now.Before(l.Expires):
		return l, u, errcode.New(errcode.InvalidLink)
	}
	return l, u, nil
}

// PutLink stores a link and returns its token, which no one else ever sees again.
func (tx *Tx) PutLink(label string, l Link) (secret.Value, error) {
	token := tx.Op.Secret(label)
	if err := tx.s.links.Put(tx.Raw, token.Hash(), l); err != nil {
		return secret.Value{}, fmt.Errorf("storing a link: %w", err)
	}
	return token, nil
}

func (tx *Tx) DeleteLink(hash string) error {
	if hash == "" {
		return nil
	}
	if err := tx.s.links.Delete(tx.Raw, hash); err != nil {
		return fmt.Errorf("ending a link: %w", err)
	}
	return nil
}

// Invitation is what stays of the last one that was sent.
type Invitation struct {
	Link       string    `json:"link,omitempty"` // key of its record below link/
	Provenance string    `json:"provenance,omitempty"`
	By         string    `json:"by,omitempty"` // who invites, for people to read
	At         time.Time `json:"at,omitzero"`
	Expires    time.Time `json:"expires,omitzero"`
}
