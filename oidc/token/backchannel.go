package token

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"barillet/authn"
	"barillet/internal/outbox"
	"barillet/oidc/client"
	"barillet/oidc/keys"
	"barillet/store"
)

// Deliverer carries a message to an address of the outside. The one way out checks where an address leads, follows
// no redirect and takes its time into account (PROTOCOL 30). nil: it was taken (2xx); what an error means for what comes
// next, it says in the words of internal/outbox.
type Deliverer interface {
	Deliver(ctx context.Context, url, media string, body []byte) error
}

// Logout is a sign-out that an application has yet to be told of, kept below "<session's name>/<client>": however
// many grants it had, it is told once.
type Logout struct {
	Client client.ID    `json:"client"`
	User   authn.UserID `json:"user"`
	SID    string       `json:"sid"`
	ID     string       `json:"id"` // jti, the same at each try
	State  outbox.Try   `json:"state"`
}

var _ outbox.Row[Logout] = Logout{}

// Lane is the application: one that stalls holds up no other.
func (l Logout) Lane() string { return string(l.Client) }

// Try is how far the logout has come.
func (l Logout) Try() outbox.Try { return l.State }

// WithTry is the logout after a further try.
func (l Logout) WithTry(t outbox.Try) Logout {
	l.State = t
	return l
}

const (
	logoutTokenTTL = 2 * time.Minute // of one token: BAR O6
	logoutMaxAge   = 24 * time.Hour  // how long it is tried: then the session would be over by itself
	logoutParallel = 2               // calls at once to one application
	// logoutEvent is the event of OpenID Connect Back-Channel Logout 1.0 section 2.4.
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// newLogoutWorker is the worker that tells applications of logouts.
func (s *Service) newLogoutWorker() *outbox.Worker[Logout] {
	w := &outbox.Worker[Logout]{What: "logout", Store: s.Store, Table: s.logouts, Parallel: logoutParallel, Now: s.Now, Log: s.Errors,
		Attrs: func(l Logout) []any { return []any{"client", string(l.Client)} }}
	if s.Deliver != nil {
		w.Send = s.sendLogout
	}
	return w
}

// queueLogout stores that an application is to be told, in the change that ends its grant.
func (s *Service) queueLogout(tx store.Tx, now time.Time, g *Grant) error {
	if s.Deliver == nil {
		return nil
	}
	c, err := s.Clients.Get(tx, g.Client)
	if err != nil || c == nil || c.Backchannel == "" {
		return err
	}
	id := g.SID + "/" + string(c.ID)
	row := Logout{Client: c.ID, User: g.User, SID: g.SID, ID: authn.SecretOf(id + g.Created.String()).Hash()[:32],
		State: outbox.Try{Queued: now, UselessAfter: now.Add(logoutMaxAge)}}
	if err := s.logouts.Put(tx, id, row); err != nil {
		return fmt.Errorf("queueing a logout: %w", err)
	}
	return nil
}

// logoutToken is OpenID Connect Back-Channel Logout 1.0 section 2.4.
type logoutToken struct {
	Issuer   string              `json:"iss"`
	Subject  string              `json:"sub"`
	Audience string              `json:"aud"`
	Issued   int64               `json:"iat"`
	Expires  int64               `json:"exp"`
	ID       string              `json:"jti"`
	SID      string              `json:"sid"`
	Events   map[string]struct{} `json:"events"`
}

// SendLogouts makes one pass over what is due. Its error is the store's; what an application does is written down, to be
// tried again later and later.
func (s *Service) SendLogouts(ctx context.Context) error {
	_, err := s.logoutWorker.RunOnce(ctx)
	return err
}

// sendLogout signs the token for this try and hands it over.
func (s *Service) sendLogout(ctx context.Context, _ string, row Logout) error {
	c, err := s.Clients.Find(ctx, row.Client)
	switch {
	case err != nil:
		return err
	case c == nil || c.Backchannel == "":
		return outbox.ErrUnwanted
	}
	now := s.now()
	payload, err := json.Marshal(logoutToken{Issuer: s.Issuer, Subject: s.Subject(c, row.User), Audience: string(c.ID), Issued: now.Unix(),
		Expires: now.Add(logoutTokenTTL).Unix(), ID: row.ID, SID: s.SessionID(c, row.SID), Events: map[string]struct{}{logoutEvent: {}}})
	if err != nil {
		return fmt.Errorf("encoding a logout token: %w", err)
	}
	token, err := s.Keys.Sign(ctx, c.Alg, keys.TypeLogoutToken, payload)
	if err != nil {
		return err
	}
	return s.Deliver.Deliver(ctx, c.Backchannel, "application/x-www-form-urlencoded", []byte(url.Values{"logout_token": {token}}.Encode()))
}

// RunLogouts sends logout tokens until ctx ends.
func (s *Service) RunLogouts(ctx context.Context) {
	_ = s.logoutWorker.Run(ctx) // it returns no error: it ends with ctx alone
}
