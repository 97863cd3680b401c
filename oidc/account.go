package oidc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/authn"
	"barillet/internal/audit"
	"barillet/store"
)

// Application is an application as a person sees it who let it know of them.
type Application struct {
	ID    ClientID
	Name  string
	Since time.Time // of the consent, or where none was asked for of the oldest grant
}

// Applications lists those that the person of a browser consented to, or that hold grants of theirs, by name. Nobody
// signed in is CodeNoSession.
func (p *Provider) Applications(ctx context.Context, b UserAgent) (out []Application, err error) {
	now := p.now()
	err = p.Store.View(ctx, func(s store.Snapshot) error {
		out = nil
		bearer, err := p.bearer(s, b.Session, now)
		if err != nil || bearer == nil {
			return orElse(err, authn.Refuse(authn.CodeNoSession))
		}
		since, err := p.known(s, now, bearer.User)
		if err != nil {
			return err
		}
		for id, at := range since {
			c, err := p.loadClient(s, id)
			if err != nil {
				return err
			}
			if c != nil {
				out = append(out, Application{id, c.Name, at})
			}
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Application) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return out, err
}

// known is since when applications know of somebody.
func (p *Provider) known(s store.Snapshot, now time.Time, user authn.UserID) (map[ClientID]time.Time, error) {
	since := map[ClientID]time.Time{}
	earlier := func(id ClientID, at time.Time) {
		if was, ok := since[id]; !ok || at.Before(was) {
			since[id] = at
		}
	}
	err := p.consents.Scan(s, string(user)+"/", "", 0, func(key string, c Consent) error {
		earlier(ClientID(strings.TrimPrefix(key, string(user)+"/")), c.Created)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing consents: %w", err)
	}
	grants, err := p.grantsOf(s, user)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		switch how, err := p.status(s, now, &g); {
		case err != nil:
			return nil, err
		case how == Active:
			earlier(g.Client, g.Created)
		}
	}
	return since, nil
}

// Withdraw takes back what the person of a browser let an application have: the consent, and every grant with its
// tokens. The application is told as of a sign-out. One that has nothing is no error; CodeNoSession.
func (p *Provider) Withdraw(ctx context.Context, b UserAgent, id ClientID) error {
	act := p.People.NewAct(b.From)
	event := audit.NewID(act.Now)
	var keys []string
	err := p.Store.View(ctx, func(s store.Snapshot) error {
		keys = nil
		bearer, err := p.bearer(s, b.Session, act.Now)
		if err != nil || bearer == nil {
			return orElse(err, authn.Refuse(authn.CodeNoSession))
		}
		keys, err = p.grantKeys(s, bearer.User, func(g *Grant) bool { return g.Client == id })
		return err
	})
	if err != nil {
		return err
	}
	// With the consent go as many grants as one change may touch: all of them, but for a program that ran wild.
	first := keys[:min(len(keys), endBatch)]
	err = p.Store.Update(ctx, func(tx store.Tx) error {
		bearer, err := p.bearer(tx, b.Session, act.Now)
		if err != nil || bearer == nil {
			return orElse(err, authn.Refuse(authn.CodeNoSession))
		}
		c, err := p.loadClient(tx, id)
		if err != nil || c == nil {
			return err
		}
		_, err = p.consents.Get(tx, consentID(bearer.User, id))
		agreed, err := found(err)
		if err != nil || !agreed && len(first) == 0 {
			return err
		}
		if err := p.consents.Delete(tx, consentID(bearer.User, id)); err != nil {
			return err
		}
		if err := p.endEach(tx, act.Now, first); err != nil {
			return err
		}
		return p.audit(tx, act, event, about(bearer.User, bearer.Login, c, audit.AppGrantRevoked, audit.Success, "by the person"))
	})
	if _, ok := errors.AsType[*authn.Error](err); ok {
		return err
	}
	if err != nil {
		return fmt.Errorf("withdrawing a consent: %w", err)
	}
	return p.endGrants(ctx, keys[len(first):]) // which wakes the worker, too
}

// withdrawn tells whether a code was issued under a consent that was taken back since.
func (p *Provider) withdrawn(r store.Reader, c *Client, code *AuthorizationCode) (bool, error) {
	if !c.Policy.Consent {
		return false, nil
	}
	_, err := p.consents.Get(r, consentID(code.User, c.ID))
	there, err := found(err)
	return !there, err
}
