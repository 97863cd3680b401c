package token

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/outbox"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/oidc/keys"
	"barillet/store"
)

// Deliverer posts a message to a URL of a client. It must check where the address leads, follow no redirect and limit
// the time (protocol rule 30). nil means a 2xx response; package outbox defines the meaning of errors.
type Deliverer interface {
	Deliver(ctx context.Context, url, media string, body []byte) error
}

// Logout is a logout token that waits for delivery, stored below "<session identifier>/<client>": a client gets one
// for each session.
type Logout struct {
	Client client.ID       `json:"client"`
	User   account.UserID  `json:"user"`
	SID    string          `json:"sid"`
	ID     string          `json:"id"` // jti, the same in every attempt
	State  outbox.Attempts `json:"state"`
}

var _ outbox.Job[Logout] = Logout{}

// Destination returns the client: a client that does not respond delays no other.
func (l Logout) Destination() string { return string(l.Client) }

// Lane returns the same lane for each logout: a job ends an access, and a session has one for each client.
func (l Logout) Lane() audit.Lane { return audit.LaneSecurity }

// Attempts returns the state of the delivery.
func (l Logout) Attempts() outbox.Attempts { return l.State }

// WithAttempts returns the logout with another state of its delivery.
func (l Logout) WithAttempts(t outbox.Attempts) Logout {
	l.State = t
	return l
}

const (
	logoutTokenTTL = 2 * time.Minute // of one logout token (promise O6)
	logoutMaxAge   = 24 * time.Hour  // how long delivery is attempted: a session lasts no longer
	logoutParallel = 2               // concurrent requests to one client
	// logoutEvent is the event of a logout token (OIDC Back-Channel Logout §2.4).
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// newLogoutWorker returns the worker that delivers logout tokens.
func (s *Service) newLogoutWorker() *outbox.Worker[Logout] {
	w := &outbox.Worker[Logout]{What: "logout", Store: s.Store, Table: s.logouts, Parallel: logoutParallel, Now: s.Now, Log: s.Errors,
		Attrs: func(l Logout) []any { return []any{"client", string(l.Client)} }}
	if s.Deliver != nil {
		w.Send = s.sendLogout
	}
	return w
}

// queueLogout stores the logout token of a grant in the Update that ends it. An application whose record cannot be read gets none.
func (s *Service) queueLogout(tx store.Tx, now time.Time, g *Grant) error {
	if s.Deliver == nil {
		return nil
	}
	c, err := s.Clients.Get(tx, g.Client)
	if err != nil || c == nil || c.Backchannel == "" {
		return unlessUnreadable(err)
	}
	id := g.SID + "/" + string(c.ID)
	row := Logout{Client: c.ID, User: g.User, SID: g.SID, ID: secret.From(id + g.Created.String()).Hash()[:32],
		State: outbox.Attempts{Queued: now, ExpiresAt: now.Add(logoutMaxAge)}}
	if err := s.logouts.Put(tx, id, row); err != nil {
		return fmt.Errorf("queueing a logout: %w", err)
	}
	return nil
}

// logoutToken is a logout token (OIDC Back-Channel Logout §2.4).
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

// SendLogouts attempts every delivery that is due. It returns errors of the store only: a failed delivery is stored
// and attempted again.
func (s *Service) SendLogouts(ctx context.Context) error {
	_, err := s.logoutWorker.RunOnce(ctx)
	return err
}

// sendLogout signs a logout token for this attempt and delivers it.
func (s *Service) sendLogout(ctx context.Context, _ string, row Logout) error {
	c, err := s.Clients.Find(ctx, row.Client)
	switch {
	case err != nil:
		return err
	case c == nil || c.Backchannel == "":
		return outbox.ErrDiscard
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
	_ = s.logoutWorker.Run(ctx) // Run ends with ctx and returns no error
}

// SweepDeadLogouts returns the sweep of the dead letters that were given up before a time. See outbox.SweepDead.
func (s *Service) SweepDeadLogouts(before func() time.Time, announce func(ids []string) func(store.Tx) error) store.TableSweep {
	return outbox.SweepDead(s.logouts, before, announce)
}
