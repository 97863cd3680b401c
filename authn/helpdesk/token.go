package helpdesk

import (
	"context"
	"time"

	"barillet/authn"
)

// TokenPrefix begins every API token, so that scanners for leaked secrets recognise one.
const TokenPrefix = "brl_"

// Token is an API token, without its secret.
type Token struct {
	ID       string          `json:"id"` // 20 hex digits, public
	Name     string          `json:"name"`
	Owner    string          `json:"owner"` // user id or "operator:<uid>"
	Role     authn.Role      `json:"role"`
	Groups   []authn.GroupID `json:"groups"` // null: everybody; []: nobody
	Secrets  bool            `json:"secrets,omitempty"`
	Authn    bool            `json:"authn,omitempty"`
	By       string          `json:"by"` // id of the operator who made it
	Created  time.Time       `json:"created"`
	Expires  time.Time       `json:"expires"`
	LastUsed time.Time       `json:"lastUsed,omitzero"` // to the minute
}

// NewToken is a token to be made.
type NewToken struct {
	Name    string // 1 to 64 characters
	Role    authn.Role
	Groups  []authn.GroupID // nil: everybody
	Life    time.Duration   // at most 365 days; 0 means 90 days
	Secrets bool            // never with HELP_DESK_ADMIN and below
	Authn   bool
}

func (d *Desk) CreateToken(ctx context.Context, op Operator, from authn.Origin, n NewToken) (authn.Secret, Token, error) {
	return authn.Secret{}, Token{}, errTODO
}

func (d *Desk) Tokens(ctx context.Context, op Operator, after string, limit int) ([]Token, string, error) {
	return nil, "", errTODO
}

func (d *Desk) RevokeToken(ctx context.Context, op Operator, from authn.Origin, id string) error {
	return errTODO
}

// CheckToken tells who acts by a token; CodeNoSession when it is not, or no longer, one.
func (d *Desk) CheckToken(ctx context.Context, secret authn.Secret) (Operator, error) {
	return Operator{}, errTODO
}

// StoreUsed writes down when tokens were last used; call it once a minute and at the end.
func (d *Desk) StoreUsed(ctx context.Context) error { return errTODO }
