package client

import (
	"context"
	"fmt"

	"barillet/authn/account"
	"barillet/store"
)

// Close ends the use of a client in a restored store (protocol rule 33): it deletes it, or, if remove is false, leaves it without
// groups, so that no user may use it and a service client has no users, until an administrator changes it. A missing client is no error.
// The caller audits.
func (s *Service) Close(tx *account.Tx, id string, remove bool) error {
	c, err := s.Get(tx.Raw, ID(id))
	if err != nil || c == nil {
		return err
	}
	if remove {
		err = s.clients.Delete(tx.Raw, id)
	} else {
		c.Policy.Groups, c.IntrospectsAll, c.RegistrationToken = []account.GroupID{}, false, ""
		err = s.clients.Put(tx.Raw, id, *c)
	}
	if err != nil {
		return fmt.Errorf("closing client %q: %w", id, err)
	}
	return nil
}

// CloseServices closes each service client, and returns their number.
func (s *Service) CloseServices(ctx context.Context) (closed int, err error) {
	err = store.Walk(ctx, s.Store, s.clients, func(_ store.Reader, _ string, c Client) (bool, error) {
		if c.Role != "" {
			closed++
		}
		return c.Role != "", nil
	}, func(tx store.Tx, id string) error {
		c, err := s.Get(tx, ID(id))
		if err != nil || c == nil {
			return err
		}
		c.Policy.Groups = []account.GroupID{}
		return s.clients.Put(tx, id, *c)
	})
	return closed, err
}
