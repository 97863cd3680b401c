package authn

import (
	"context"

	"barillet/authn/account"
	"barillet/internal/secret"
	"barillet/store"
)

// transactionCache holds a transaction and its user as read in a View. Later reads, and the Update that stores the result,
// decrypt only records that changed since.
type transactionCache struct {
	apiToken    string // find only the transactions of this API token; "": of browsers (protocol rule 25)
	transaction store.Cached[Transaction]
	user        store.Cached[account.User]
}

// take empties the cache and returns what it held. A run of an Update changes the records that it takes, so another run of
// it decodes its own.
func (c *transactionCache) take() *transactionCache {
	held := *c
	*c = transactionCache{apiToken: c.apiToken}
	return &held
}

type cacheKey struct{}

// WithRequest returns the context of one request of a browser, for one goroutine. Calls with it share the decrypted transaction and
// its user. Each still reads the store, and decrypts what changed.
func WithRequest(ctx context.Context) context.Context {
	return context.WithValue(ctx, cacheKey{}, &transactionCache{})
}

// cacheFor returns the cache of a request; a new one without one, and for an API token.
func cacheFor(ctx context.Context, apiToken string) *transactionCache {
	if c, ok := ctx.Value(cacheKey{}).(*transactionCache); ok && c.apiToken == apiToken {
		return c
	}
	return &transactionCache{apiToken: apiToken}
}

// TransactionUser is the user of a transaction, and its next step.
type TransactionUser struct {
	Step Step
	ID   account.UserID
	Name string
}

// TransactionUser returns the user of a transaction. It returns Expired if there is none.
func (s *Service) TransactionUser(ctx context.Context, transaction secret.Value) (out TransactionUser, err error) {
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		_, u, step, err := s.loadCached(r, transaction, s.Accounts.Now(), cacheFor(ctx, ""))
		if err == nil {
			out = TransactionUser{Step: step, ID: u.ID, Name: u.DisplayName()}
		}
		return err
	})
	return out, err
}
