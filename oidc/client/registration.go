package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
)

// Registration is the metadata of a client (RFC 7591 §2, OIDC Dynamic Client Registration §2). Members that begin
// with "barillet_" are set by an administrator. A member that is absent or null has its default.
type Registration struct {
	Name                string          `json:"client_name,omitempty"`
	URI                 string          `json:"client_uri,omitempty"`
	Redirects           []string        `json:"redirect_uris,omitempty"`
	PostLogoutRedirects []string        `json:"post_logout_redirect_uris,omitempty"`
	Backchannel         string          `json:"backchannel_logout_uri,omitempty"`
	Session             bool            `json:"backchannel_logout_session_required,omitempty"` // sid is in every logout token
	ApplicationType     string          `json:"application_type,omitempty"`
	AuthMethod          string          `json:"token_endpoint_auth_method,omitempty"`
	Keys                json.RawMessage `json:"jwks,omitempty"`
	KeysURI             string          `json:"jwks_uri,omitempty"`
	Grants              []string        `json:"grant_types"` // nil: the default; empty: none, for a resource server
	Responses           []string        `json:"response_types,omitempty"`
	Scope               string          `json:"scope,omitempty"`
	Alg                 string          `json:"id_token_signed_response_alg,omitempty"`
	SubjectType         string          `json:"subject_type,omitempty"`
	PushedOnly          bool            `json:"require_pushed_authorization_requests,omitempty"`

	NoPKCE            bool               `json:"barillet_pkce_exempt,omitempty"`
	TokenClaims       bool               `json:"barillet_id_token_claims,omitempty"`
	IntrospectsAll    bool               `json:"barillet_introspect_all,omitempty"`
	Consent           *bool              `json:"barillet_consent,omitempty"` // nil: true
	PhishingResistant bool               `json:"barillet_phishing_resistant,omitempty"`
	MaxAge            int64              `json:"barillet_max_age,omitempty"` // seconds
	Groups            []account.GroupID  `json:"barillet_groups"`            // nil: all users; empty: none
	Rules             []RegistrationRule `json:"barillet_group_rules,omitempty"`
	AccessTTL         int64              `json:"barillet_access_token_lifetime,omitempty"`  // seconds
	RefreshTTL        int64              `json:"barillet_refresh_token_lifetime,omitempty"` // seconds
	Role              account.Role       `json:"barillet_role,omitempty"`                   // of a service client
	Owner             string             `json:"barillet_owner,omitempty"`
}

// RegistrationRule is a Rule with its age in seconds.
type RegistrationRule struct {
	Group             account.GroupID `json:"group"`
	PhishingResistant bool            `json:"phishing_resistant,omitempty"`
	MaxAge            int64           `json:"max_age,omitempty"`
}

// Information is the response to a registration (RFC 7591 §3.2.1). Only the response that creates a secret contains
// it.
type Information struct {
	ID                ID     `json:"client_id"`
	Secret            string `json:"client_secret,omitempty"`
	SecretExpires     *int64 `json:"client_secret_expires_at,omitempty"` // 0: never
	Issued            int64  `json:"client_id_issued_at"`
	RegistrationToken string `json:"registration_access_token,omitempty"`
	RegistrationURI   string `json:"registration_client_uri"`
	Registration
}

// information returns a client without its secrets.
func (s *Service) information(c *Client) Information {
	y := c.Policy
	out := Information{ID: c.ID, Issued: c.Created.Unix(), RegistrationURI: s.RegistrationURL + "/" + string(c.ID),
		Registration: Registration{Name: c.Name, URI: c.URI, Redirects: c.Redirects, PostLogoutRedirects: c.PostLogoutRedirects, Backchannel: c.Backchannel,
			Session: c.Backchannel != "", ApplicationType: "web", AuthMethod: c.AuthMethod, Keys: c.Keys, KeysURI: c.KeysURI, Grants: c.Grants, Scope: strings.Join(c.Scopes, " "), Alg: c.Alg,
			SubjectType: "public", PushedOnly: c.PushedOnly, NoPKCE: c.NoPKCE, TokenClaims: c.TokenClaims, IntrospectsAll: c.IntrospectsAll,
			Consent: &y.Consent, PhishingResistant: y.PhishingResistant, MaxAge: int64(y.MaxAge / time.Second), Groups: y.Groups,
			AccessTTL: int64(y.AccessTokenTTL() / time.Second), RefreshTTL: int64(y.RefreshTokenTTL() / time.Second),
			Role: c.Role, Owner: c.Owner}}
	if c.HasGrant(GrantCode) {
		out.Responses = []string{"code"}
	}
	if c.Native {
		out.ApplicationType = "native"
	}
	if c.Pairwise {
		out.SubjectType = "pairwise"
	}
	for _, r := range y.Rules {
		out.Rules = append(out.Rules, RegistrationRule{r.Group, r.PhishingResistant, int64(r.MaxAge / time.Second)})
	}
	return out
}

// Registrar is the principal that registers or changes a client. The caller has checked its permission.
type Registrar struct {
	Actor        audit.Actor
	From         account.RequestInfo
	ReservedName string // the name of the service, which no client may have
	Operator     bool   // may register a service client
}

// Register creates a client. The result contains its secrets.
func (s *Service) Register(ctx context.Context, by Registrar, r Registration) (Information, error) {
	if err := by.checkOperator(r, nil); err != nil {
		return Information{}, err
	}
	op := s.Accounts.NewOperation(by.From)
	c, err := s.read(r, by.ReservedName, op.Now)
	if err != nil {
		return Information{}, err
	}
	c.ID, c.RegisteredBy = ID("c"+op.ID("client")), by.Actor.ID
	manage := secret.From(registrationPrefix + op.Secret("manage").Reveal())
	if !c.IsService() {
		c.RegistrationToken = manage.Hash()
	}
	secret := secret.From(clientPrefix + op.Secret("client secret").Reveal())
	if c.usesSecret() {
		c.Secret = secret.Hash()
	}
	if err := s.putClient(ctx, op, by, &c, audit.AppCreated, nil); err != nil {
		return Information{}, err
	}
	out := s.information(&c)
	if !c.IsService() {
		out.RegistrationToken = manage.Reveal()
	}
	if c.usesSecret() {
		out.Secret, out.SecretExpires = secret.Reveal(), new(int64)
	}
	return out, nil
}

func (c *Client) usesSecret() bool { return c.proof() == proofSecret }

// Replace replaces the metadata of a client (RFC 7592 §2.2). The secret stays, unless the method needs one and the
// client has none: the result then contains a new one. With self, the client itself is the caller: it cannot change
// what an administrator sets, nor ask for more than it has. The metadata is checked again if the client was changed
// meanwhile.
func (s *Service) Replace(ctx context.Context, by Registrar, id ID, r Registration, self bool) (Information, error) {
	for {
		before, err := s.Find(ctx, id)
		if err != nil {
			return Information{}, err
		}
		if before == nil {
			return Information{}, errcode.New(errcode.NotFound)
		}
		out, err := s.replace(ctx, by, before, r, self)
		if !errors.Is(err, errMoved) {
			return out, err
		}
	}
}

// errMoved means that the stored client is not the one that was checked.
var errMoved = errors.New("the client was changed meanwhile")

func (s *Service) replace(ctx context.Context, by Registrar, before *Client, r Registration, self bool) (Information, error) {
	if err := by.checkOperator(r, before); err != nil {
		return Information{}, err
	}
	op := s.Accounts.NewOperation(by.From)
	c, err := s.read(r, by.ReservedName, op.Now)
	if err != nil {
		return Information{}, err
	}
	if self {
		if err := c.checkSelfUpdate(before); err != nil {
			return Information{}, err
		}
	}
	c.ID, c.RegisteredBy, c.Created, c.RegistrationToken, c.Secret = before.ID, before.RegisteredBy, before.Created, before.RegistrationToken, before.Secret
	if c.IsService() {
		c.RegistrationToken = ""
	}
	secret := secret.From(clientPrefix + op.Secret("client secret").Reveal())
	fresh := c.usesSecret() && before.Secret == ""
	if fresh {
		c.Secret = secret.Hash()
	} else if !c.usesSecret() {
		c.Secret = ""
	}
	if err := s.putClient(ctx, op, by, &c, audit.AppUpdated, before); err != nil {
		return Information{}, err
	}
	out := s.information(&c)
	if fresh {
		out.Secret, out.SecretExpires = secret.Reveal(), new(int64)
	}
	return out, nil
}

// putClient stores a client in place of before; nil if it is new.
func (s *Service) putClient(ctx context.Context, op *account.Operation, by Registrar, c *Client, action string, before *Client) error {
	_, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (Information, error) {
		none := Information{}
		switch there, err := s.Get(tx.Raw, c.ID); {
		case err != nil:
			return none, err
		case !reflect.DeepEqual(there, before):
			return none, errMoved
		}
		if err := s.clients.Put(tx.Raw, string(c.ID), *c); err != nil {
			return none, err
		}
		e := audit.Event{Actor: by.Actor, Targets: []audit.Actor{c.AuditTarget()}, Action: action, Outcome: audit.Success}
		if err := c.describeRole(tx, by, before, &e); err != nil {
			return none, err
		}
		return s.information(c), tx.Audit(e) // without secrets: an idempotent call may return it again
	})
	if err != nil {
		return fmt.Errorf("storing a client: %w", err)
	}
	return nil
}

// RotateSecret replaces the secret of a client; the old one is invalid at once. The error is NotFound, or
// WrongState for a client without a secret.
func (s *Service) RotateSecret(ctx context.Context, by Registrar, id ID) (Information, error) {
	op := s.Accounts.NewOperation(by.From)
	secret := secret.From(clientPrefix + op.Secret("client secret").Reveal())
	out, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (Information, error) {
		c, err := s.Get(tx.Raw, id)
		switch {
		case err != nil:
			return Information{}, err
		case c == nil:
			return Information{}, errcode.New(errcode.NotFound)
		case !c.usesSecret():
			return Information{}, errcode.WrongStateFor(errcode.ReasonNoSecret)
		}
		c.Secret, c.Changed = secret.Hash(), op.Now
		if err := s.clients.Put(tx.Raw, string(id), *c); err != nil {
			return Information{}, err
		}
		err = tx.Audit(audit.Event{Actor: by.Actor, Targets: []audit.Actor{c.AuditTarget()}, Action: audit.AppUpdated,
			Outcome: audit.Success, Reason: "new secret"})
		return s.information(c), err // without the secret
	})
	if err != nil {
		return Information{}, fmt.Errorf("replacing a client's secret: %w", err)
	}
	out.Secret, out.SecretExpires = secret.Reveal(), new(int64)
	return out, nil
}

// Delete deletes a client. Its tokens are invalid at once. The error may be NotFound.
func (s *Service) Delete(ctx context.Context, by Registrar, id ID) error {
	op := s.Accounts.NewOperation(by.From)
	_, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		none := struct{}{}
		c, err := s.Get(tx.Raw, id)
		if err != nil {
			return none, err
		}
		if c == nil {
			return none, errcode.New(errcode.NotFound)
		}
		if err := s.clients.Delete(tx.Raw, string(id)); err != nil {
			return none, fmt.Errorf("deleting a client: %w", err)
		}
		return none, tx.Audit(audit.Event{Actor: by.Actor, Targets: []audit.Actor{c.AuditTarget()}, Action: audit.AppDeleted, Outcome: audit.Success})
	})
	return err
}

// Information returns a client without its secrets. The error may be NotFound.
func (s *Service) Information(ctx context.Context, id ID) (Information, error) {
	c, err := s.Find(ctx, id)
	if err != nil {
		return Information{}, err
	}
	if c == nil {
		return Information{}, errcode.New(errcode.NotFound)
	}
	return s.information(c), nil
}

// List returns clients in the order of their IDs. next is the cursor for the following page.
func (s *Service) List(ctx context.Context, after string, limit int) (out []Information, next string, err error) {
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		out, next = nil, ""
		return s.clients.Scan(snap, "", after, 0, func(id string, c Client) error {
			if len(out) == limit {
				next = string(out[limit-1].ID)
				return store.ErrStop
			}
			out = append(out, s.information(&c))
			return nil
		})
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing clients: %w", err)
	}
	return out, next, nil
}

// CheckRegistrationToken reports whether a token is the registration access token of a client (RFC 7592 §1.2).
func (s *Service) CheckRegistrationToken(ctx context.Context, id ID, token secret.Value) (bool, error) {
	c, err := s.Find(ctx, id)
	if err != nil || c == nil || !strings.HasPrefix(token.Reveal(), registrationPrefix) {
		return false, err
	}
	return secret.From(token.Hash()).Equal(secret.From(c.RegistrationToken)), nil
}
