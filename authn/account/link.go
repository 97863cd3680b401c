package account

import (
	"errors"
	"fmt"
	"time"

	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
)

// Link is the record of a link in an email. Its key is the hash of the token. A GET request does not change it.
type Link struct {
	User       UserID    `cbor:"1,keyasint"`
	Purpose    string    `cbor:"2,keyasint"`           // one of the purposes below
	Ticket     string    `cbor:"3,keyasint,omitempty"` // id of the ticket, with PurposeTicket
	Epoch      uint64    `cbor:"4,keyasint,omitempty"` // of the user, with PurposePassword: the link ends when the epoch rises
	Resets     uint64    `cbor:"5,keyasint,omitempty"` // of the user, with PurposeFreeze: the link ends with the next reset
	Provenance string    `cbor:"6,keyasint,omitempty"` // with PurposePassword: the administrator who received it; "": emailed
	Made       time.Time `cbor:"7,keyasint"`           // set by PutLink
	Expires    time.Time `cbor:"8,keyasint" since:"Made"`
}

// The purposes of links.
const (
	PurposeInvitation = "invitation"
	PurposeTicket     = "ticket"
	PurposePassword   = "password"
	PurposeFreeze     = "freeze"
)

// Link returns the link of a token and its user. It returns InvalidLink if the link does not exist, has expired or has another
// purpose.
func (r Reader) Link(token secret.Value, purpose string, now time.Time) (Link, User, error) {
	l, err := r.s.links.Get(r.Raw, token.Key())
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

// PutLink stores a link and returns its token. The store contains only the hash of the token.
func (tx *Tx) PutLink(label string, l Link) (secret.Value, error) {
	token := tx.Op.Secret(label)
	l.Made = tx.Op.Now
	if err := tx.s.links.Put(tx.Raw, token.Key(), l); err != nil {
		return secret.Value{}, fmt.Errorf("storing a link: %w", err)
	}
	return token, nil
}

// DeleteLink deletes the link with the key hash, if there is one.
func (tx *Tx) DeleteLink(hash string) error {
	if hash == "" {
		return nil
	}
	if err := tx.s.links.Delete(tx.Raw, hash); err != nil {
		return fmt.Errorf("deleting a link: %w", err)
	}
	return nil
}

// Invitation describes the last invitation of a user.
type Invitation struct {
	Link       string    `cbor:"1,keyasint,omitempty"` // key of its Link record
	Provenance string    `cbor:"2,keyasint,omitempty"`
	By         string    `cbor:"3,keyasint,omitempty"` // display name of the administrator
	At         time.Time `cbor:"4,keyasint,omitzero"`
	Expires    time.Time `cbor:"5,keyasint,omitzero" since:"At"`
}
