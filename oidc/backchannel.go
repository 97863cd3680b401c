package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"barillet/authn"
	"barillet/store"
)

// Deliverer carries a message to an address of the outside. The one way out checks where an address leads, follows
// no redirect and takes its time into account (PROTOCOL 30). nil: it was taken (2xx).
type Deliverer interface {
	Deliver(ctx context.Context, url, media string, body []byte) error
}

// Logout is a sign-out that an application has yet to be told of, kept below "<session's name>/<client>": however
// many grants it had, it is told once.
type Logout struct {
	Client    ClientID     `json:"client"`
	User      authn.UserID `json:"user"`
	SID       string       `json:"sid"`
	ID        string       `json:"id"` // jti, the same at each try
	Queued    time.Time    `json:"queued"`
	NotBefore time.Time    `json:"notBefore"`
	Attempts  int          `json:"attempts,omitempty"`
}

const (
	logoutLife   = 2 * time.Minute // of one token: BAR O6
	logoutFor    = 24 * time.Hour  // how long it is tried: then the session would be over by itself
	logoutFirst  = 10 * time.Second
	logoutSlow   = time.Hour
	logoutsABite = 50
	// logoutEvent is the event of OpenID Connect Back-Channel Logout 1.0 section 2.4.
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// queueLogout stores that an application is to be told, in the change that ends its grant.
func (p *Provider) queueLogout(tx store.Tx, now time.Time, g *Grant) error {
	if p.Deliver == nil {
		return nil
	}
	c, err := p.client(tx, g.Client)
	if err != nil || c == nil || c.Backchannel == "" {
		return err
	}
	id := g.SID + "/" + string(c.ID)
	row := Logout{Client: c.ID, User: g.User, SID: g.SID, ID: authn.SecretOf(id + g.Made.String()).Hash()[:32], Queued: now, NotBefore: now}
	if err := p.logouts.Put(tx, id, row); err != nil {
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

// SendLogouts delivers what is due. A failure is written down, to be tried again later and later.
func (p *Provider) SendLogouts(ctx context.Context) error {
	if p.Deliver == nil {
		return nil
	}
	now := p.now()
	due := map[string]Logout{}
	err := p.Store.View(ctx, func(s store.Snapshot) error {
		clear(due)
		return p.logouts.Scan(s, "", "", 0, func(id string, row Logout) error {
			if !row.NotBefore.After(now) {
				due[id] = row
			}
			if len(due) == logoutsABite {
				return store.ErrStop
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("looking for logouts: %w", err)
	}
	for id, row := range due {
		if err := p.sendLogout(ctx, id, row); err != nil {
			return err
		}
	}
	return nil
}

func (p *Provider) sendLogout(ctx context.Context, id string, row Logout) error {
	now := p.now()
	c, err := p.viewed(ctx, row.Client)
	if err != nil {
		return err
	}
	done := c == nil || c.Backchannel == "" || !now.Before(row.Queued.Add(logoutFor))
	if !done {
		failed := p.deliverLogout(ctx, now, c, row)
		if done = failed == nil; !done {
			p.Errors.LogAttrs(ctx, slog.LevelWarn, "an application was not told of a logout", slog.String("client", string(c.ID)),
				slog.Int("attempt", row.Attempts+1), slog.Any("error", failed))
		}
	}
	err = p.Store.Update(ctx, func(tx store.Tx) error {
		if done {
			return p.logouts.Delete(tx, id)
		}
		again := row
		again.Attempts++
		again.NotBefore = now.Add(min(logoutFirst<<min(row.Attempts, 12), logoutSlow))
		return p.logouts.Put(tx, id, again)
	})
	if err != nil {
		return fmt.Errorf("storing what became of a logout: %w", err)
	}
	return nil
}

// deliverLogout signs the token for this try and hands it over.
func (p *Provider) deliverLogout(ctx context.Context, now time.Time, c *Client, row Logout) error {
	payload, err := json.Marshal(logoutToken{Issuer: p.Issuer, Subject: p.subject(c, row.User), Audience: string(c.ID), Issued: now.Unix(),
		Expires: now.Add(logoutLife).Unix(), ID: row.ID, SID: p.sid(c, row.SID), Events: map[string]struct{}{logoutEvent: {}}})
	if err != nil {
		return fmt.Errorf("encoding a logout token: %w", err)
	}
	token, err := p.sign(ctx, signature{c.Alg, kindLogout}, payload)
	if err != nil {
		return err
	}
	return p.Deliver.Deliver(ctx, c.Backchannel, "application/x-www-form-urlencoded", []byte(url.Values{"logout_token": {token}}.Encode()))
}
