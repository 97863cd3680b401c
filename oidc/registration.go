package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"barillet/authn"
	"barillet/internal/audit"
	"barillet/store"
)

// Registration is what a client says of itself (RFC 7591 section 2, OpenID Connect Dynamic Client Registration 1.0),
// with what an administrator says of it besides: members that begin with "barillet_". A member that is left out has
// the value of the standard; one that is null counts as left out.
type Registration struct {
	Name        string          `json:"client_name,omitempty"`
	URI         string          `json:"client_uri,omitempty"`
	Redirects   []string        `json:"redirect_uris,omitempty"`
	LogoutTo    []string        `json:"post_logout_redirect_uris,omitempty"`
	Backchannel string          `json:"backchannel_logout_uri,omitempty"`
	Session     bool            `json:"backchannel_logout_session_required,omitempty"` // sid is in every logout token
	Kind        string          `json:"application_type,omitempty"`
	Auth        string          `json:"token_endpoint_auth_method,omitempty"`
	Keys        json.RawMessage `json:"jwks,omitempty"`
	KeysURI     string          `json:"jwks_uri,omitempty"`
	Grants      []string        `json:"grant_types,omitempty"`
	Responses   []string        `json:"response_types,omitempty"`
	Scope       string          `json:"scope,omitempty"`
	Alg         string          `json:"id_token_signed_response_alg,omitempty"`
	SubjectType string          `json:"subject_type,omitempty"`
	PushedOnly  bool            `json:"require_pushed_authorization_requests,omitempty"`

	NoPKCE      bool            `json:"barillet_pkce_exempt,omitempty"`
	TokenClaims bool            `json:"barillet_id_token_claims,omitempty"`
	Resource    bool            `json:"barillet_introspect_all,omitempty"`
	Consent     *bool           `json:"barillet_consent,omitempty"` // true unless said
	Strong      bool            `json:"barillet_phishing_resistant,omitempty"`
	MaxAge      int64           `json:"barillet_max_age,omitempty"` // seconds
	Groups      []authn.GroupID `json:"barillet_groups"`            // null: everybody; []: nobody
	Rules       []RuleOf        `json:"barillet_group_rules,omitempty"`
	AccessLife  int64           `json:"barillet_access_token_lifetime,omitempty"`  // seconds
	RefreshLife int64           `json:"barillet_refresh_token_lifetime,omitempty"` // seconds
}

// RuleOf is Rule in seconds.
type RuleOf struct {
	Group  authn.GroupID `json:"group"`
	Strong bool          `json:"phishing_resistant,omitempty"`
	MaxAge int64         `json:"max_age,omitempty"`
}

// Registered is a client as it is told (RFC 7591 section 3.2.1). Its secrets are in the one answer that made them.
type Registered struct {
	ID            ClientID `json:"client_id"`
	Secret        string   `json:"client_secret,omitempty"`
	SecretExpires *int64   `json:"client_secret_expires_at,omitempty"` // 0: never
	Issued        int64    `json:"client_id_issued_at"`
	Manage        string   `json:"registration_access_token,omitempty"`
	ManageURI     string   `json:"registration_client_uri"`
	Registration
}

// told is a client as it is shown.
func (p *Provider) told(c *Client) Registered {
	y := c.Policy
	out := Registered{ID: c.ID, Issued: c.Created.Unix(), ManageURI: p.Issuer + PathClients + "/" + string(c.ID),
		Registration: Registration{Name: c.Name, URI: c.URI, Redirects: c.Redirects, LogoutTo: c.LogoutTo, Backchannel: c.Backchannel,
			Session: c.Backchannel != "", Kind: "web", Auth: c.Auth, Keys: c.Keys, KeysURI: c.KeysURI, Grants: c.Grants, Scope: strings.Join(c.Scopes, " "), Alg: c.Alg,
			SubjectType: "public", PushedOnly: c.PushedOnly, NoPKCE: c.NoPKCE, TokenClaims: c.TokenClaims, Resource: c.Resource,
			Consent: &y.Consent, Strong: y.Strong, MaxAge: int64(y.MaxAge / time.Second), Groups: y.Groups,
			AccessLife: int64(y.accessLife() / time.Second), RefreshLife: int64(y.refreshLife() / time.Second)}}
	if c.may(grantCode) {
		out.Responses = []string{"code"}
	}
	if c.Native {
		out.Kind = "native"
	}
	if c.Pairwise {
		out.SubjectType = "pairwise"
	}
	for _, r := range y.Rules {
		out.Rules = append(out.Rules, RuleOf{r.Group, r.Strong, int64(r.MaxAge / time.Second)})
	}
	return out
}

// By is who registers or changes a client; whether they may is judged before, by helpdesk.Operator.
type By struct {
	Actor audit.Actor
	From  authn.RequestInfo
	House string // the name that no client may have
}

// Register makes a client. Its secrets are in this one answer.
func (p *Provider) Register(ctx context.Context, by By, r Registration) (Registered, error) {
	act := p.People.NewOperation(by.From)
	c, err := p.read(r, by.House, act.Now)
	if err != nil {
		return Registered{}, err
	}
	c.ID, c.By = ClientID("c"+act.ID("client")), by.Actor.ID
	manage := prefixed(managePrefix, act.Secret("manage"))
	c.Manage = manage.Hash()
	secret := prefixed(clientPrefix, act.Secret("client secret"))
	if c.secretive() {
		c.Secret = secret.Hash()
	}
	if err := p.putClient(ctx, act, by, &c, audit.AppCreated, nil); err != nil {
		return Registered{}, err
	}
	out := p.told(&c)
	out.Manage = manage.Reveal()
	if c.secretive() {
		out.Secret, out.SecretExpires = secret.Reveal(), new(int64)
	}
	return out, nil
}

func (c *Client) secretive() bool { return c.Auth == authBasic || c.Auth == authPost }

// Replace puts what is said in the place of what a client said before (RFC 7592 section 2.2). Its id stays, and its
// secret unless the method now needs another kind: then a new one is in this one answer.
//
// A client that replaces itself decides nothing that an administrator decides, and asks for no more than it had. It is
// judged against the record that it replaces, and again when somebody changed that meanwhile.
func (p *Provider) Replace(ctx context.Context, by By, id ClientID, r Registration, self bool) (Registered, error) {
	for {
		before, err := p.viewed(ctx, id)
		if err != nil {
			return Registered{}, err
		}
		if before == nil {
			return Registered{}, authn.Refuse(authn.CodeNotFound)
		}
		out, err := p.replace(ctx, by, before, r, self)
		if !errors.Is(err, errMoved) {
			return out, err
		}
	}
}

// errMoved is a record that is not the one judged: it is judged anew.
var errMoved = errors.New("the client was changed meanwhile")

func (p *Provider) replace(ctx context.Context, by By, before *Client, r Registration, self bool) (Registered, error) {
	act := p.People.NewOperation(by.From)
	c, err := p.read(r, by.House, act.Now)
	if err != nil {
		return Registered{}, err
	}
	if self {
		if err := c.keepsTo(before); err != nil {
			return Registered{}, err
		}
	}
	c.ID, c.By, c.Created, c.Manage, c.Secret = before.ID, before.By, before.Created, before.Manage, before.Secret
	secret := prefixed(clientPrefix, act.Secret("client secret"))
	fresh := c.secretive() && before.Secret == ""
	if fresh {
		c.Secret = secret.Hash()
	} else if !c.secretive() {
		c.Secret = ""
	}
	if err := p.putClient(ctx, act, by, &c, audit.AppUpdated, before); err != nil {
		return Registered{}, err
	}
	out := p.told(&c)
	if fresh {
		out.Secret, out.SecretExpires = secret.Reveal(), new(int64)
	}
	return out, nil
}

// putClient stores a client in the place of before; nil: there was none.
func (p *Provider) putClient(ctx context.Context, act *authn.Operation, by By, c *Client, action string, before *Client) error {
	event := audit.NewID(act.Now)
	err := p.Store.Update(ctx, func(tx store.Tx) error {
		switch there, err := p.client(tx, c.ID); {
		case err != nil:
			return err
		case !reflect.DeepEqual(there, before):
			return errMoved
		}
		if err := p.clients.Put(tx, string(c.ID), *c); err != nil {
			return err
		}
		if err := p.audit(tx, act, event, audit.Event{Actor: by.Actor, Targets: []audit.Actor{c.target()}, Action: action, Outcome: audit.Success}); err != nil {
			return err
		}
		return p.People.RunTxHook(ctx, tx, act, p.told(c)) // without secrets
	})
	if err != nil {
		return fmt.Errorf("storing a client: %w", err)
	}
	return nil
}

// RotateSecret gives a client another secret, in this one answer; the one before is dead. CodeNotFound; CodeWrongState for one
// that has none.
func (p *Provider) RotateSecret(ctx context.Context, by By, id ClientID) (Registered, error) {
	act := p.People.NewOperation(by.From)
	event := audit.NewID(act.Now)
	secret := prefixed(clientPrefix, act.Secret("client secret"))
	out, err := store.Do(ctx, p.Store, func(tx store.Tx) (Registered, error) {
		c, err := p.client(tx, id)
		switch {
		case err != nil:
			return Registered{}, err
		case c == nil:
			return Registered{}, authn.Refuse(authn.CodeNotFound)
		case !c.secretive():
			return Registered{}, authn.Refuse(authn.CodeWrongState)
		}
		c.Secret, c.Changed = secret.Hash(), act.Now
		if err := p.clients.Put(tx, string(id), *c); err != nil {
			return Registered{}, err
		}
		told := p.told(c)
		if err := p.audit(tx, act, event, audit.Event{Actor: by.Actor, Targets: []audit.Actor{c.target()}, Action: audit.AppUpdated,
			Outcome: audit.Success, Reason: "another secret"}); err != nil {
			return Registered{}, err
		}
		return told, p.People.RunTxHook(ctx, tx, act, told) // without the secret
	})
	if err != nil {
		return Registered{}, fmt.Errorf("storing a client's secret: %w", err)
	}
	out.Secret, out.SecretExpires = secret.Reveal(), new(int64)
	return out, nil
}

// Delete ends a client, and with it every token of it at once.
func (p *Provider) Delete(ctx context.Context, by By, id ClientID) error {
	act := p.People.NewOperation(by.From)
	event := audit.NewID(act.Now)
	return p.Store.Update(ctx, func(tx store.Tx) error {
		c, err := p.client(tx, id)
		if err != nil {
			return err
		}
		if c == nil {
			return authn.Refuse(authn.CodeNotFound)
		}
		if err := p.clients.Delete(tx, string(id)); err != nil {
			return fmt.Errorf("deleting a client: %w", err)
		}
		return p.audit(tx, act, event, audit.Event{Actor: by.Actor, Targets: []audit.Actor{c.target()}, Action: audit.AppDeleted, Outcome: audit.Success})
	})
}

// Client tells of a client, without its secrets; CodeNotFound.
func (p *Provider) Client(ctx context.Context, id ClientID) (Registered, error) {
	c, err := p.viewed(ctx, id)
	if err != nil {
		return Registered{}, err
	}
	if c == nil {
		return Registered{}, authn.Refuse(authn.CodeNotFound)
	}
	return p.told(c), nil
}

// Clients lists clients in the order of their ids; next is the cursor for more.
func (p *Provider) Clients(ctx context.Context, after string, limit int) (out []Registered, next string, err error) {
	err = p.Store.View(ctx, func(s store.Snapshot) error {
		out, next = nil, ""
		return p.clients.Scan(s, "", after, 0, func(id string, c Client) error {
			if len(out) == limit {
				next = string(out[limit-1].ID)
				return store.ErrStop
			}
			out = append(out, p.told(&c))
			return nil
		})
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing clients: %w", err)
	}
	return out, next, nil
}

// ManagedBy finds the client whose registration access token this is; "" for none (RFC 7592 section 1.2).
func (p *Provider) ManagedBy(ctx context.Context, id ClientID, token authn.Secret) (bool, error) {
	c, err := p.viewed(ctx, id)
	if err != nil || c == nil || !strings.HasPrefix(token.Reveal(), managePrefix) {
		return false, err
	}
	return authn.SecretOf(token.Hash()).Equal(authn.SecretOf(c.Manage)), nil
}
