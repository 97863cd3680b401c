package admin

import (
	"context"

	"barillet/authn/account"
)

// Names returns the names of those users among ids whom p may read. A user outside the scope has none, as one who does not exist
// (protocol rule 21).
func (s *Service) Names(ctx context.Context, p Principal, ids []string) (map[string]string, error) {
	if err := p.Require(PermRead); err != nil {
		return nil, err
	}
	names := map[string]string{}
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		clear(names)
		for _, id := range ids {
			if _, known := names[id]; known || !account.IsUserID(id) {
				continue
			}
			u, err := r.User(account.UserID(id))
			if account.Missing(err) {
				continue
			}
			if err != nil {
				return err
			}
			if p.InScope(&u) {
				names[id] = u.DisplayName()
			}
		}
		return nil
	})
	return names, err
}
