package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store"
)

// TokenPrefix is the prefix of every API token. Scanners for leaked secrets recognise a token by it.
const TokenPrefix = "brl_"

// Token is an API token, without its secret.
type Token struct {
	ID       string            `json:"id"` // 20 hex digits, public
	Name     string            `json:"name"`
	Owner    string            `json:"owner"` // user id or "operator:<uid>"
	Role     account.Role      `json:"role"`
	Groups   []account.GroupID `json:"groups"` // null: all users; []: none
	Secrets  bool              `json:"secrets,omitempty"`
	Authn    bool              `json:"authn,omitempty"`
	By       string            `json:"by"` // ID of the principal that created it
	Created  time.Time         `json:"created"`
	Expires  time.Time         `json:"expires" since:"Created"`
	LastUsed time.Time         `json:"lastUsed,omitzero"` // to the minute
}

const (
	tokenIDLength   = 20 // hex digits of the hash, which are the public id
	maxTokenLength  = 128
	maxTokenTTL     = 365 * 24 * time.Hour // protocol rule 20
	defaultTokenTTL = 90 * 24 * time.Hour
	MaxGroups       = 32
)

// NewToken describes a token to create.
type NewToken struct {
	Name    string // 1 to 64 characters
	Role    account.Role
	Groups  []account.GroupID // nil: all users
	TTL     time.Duration     // at most 365 days; 0 means 90 days
	Secrets bool              // requires a role above HELP_DESK_ADMIN
	Authn   bool
	Owner   string // id or login of the user whose token it is, set by the operator only; "": the owner of the creating principal
}

// CreateToken creates an API token and returns its secret, which is not stored. The owner of the token is that of p.
// Only the operator can name another owner, who must be active and have at least the role of the token.
//
// Unless p is the operator, the token cannot exceed the role, the group scope and the expiry of p, and cannot have
// Secrets or Authn (protocol rule 20). A user receives a notification of a token that they own. CreateToken returns
// Forbidden or Invalid.
func (s *Service) CreateToken(ctx context.Context, p Principal, req account.RequestInfo, n NewToken) (secret.Value, Token, error) {
	op := s.Accounts.NewOperation(req)
	t, err := p.newToken(op.Now, n)
	if err != nil {
		return secret.Value{}, Token{}, err
	}
	value := secret.From(TokenPrefix + op.Secret("api token").Reveal())
	hash := value.Hash()
	t.ID = hash[:tokenIDLength]
	t, err = account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (Token, error) {
		t := t
		owner, err := tokenOwner(tx.Reader, &t, n.Owner, op.Now)
		if err != nil {
			return t, err
		}
		for _, g := range t.Groups {
			if _, err := tx.Group(g); errcode.Of(err) == errcode.NotFound {
				return t, errcode.InvalidField("groupIds", "unknown")
			} else if err != nil {
				return t, err
			}
		}
		if err := s.tokens.Put(tx.Raw, hash, t); err != nil {
			return t, fmt.Errorf("storing API token: %w", err)
		}
		e := p.tokenEvent(audit.TokenCreated, &t)
		e.Detail = map[string]string{"role": string(t.Role), "owner": t.Owner, "expires": t.Expires.Format(time.RFC3339),
			"secrets": fmt.Sprint(t.Secrets), "authn": fmt.Sprint(t.Authn), "scope": ScopeName(t.Groups)}
		if err := tx.Audit(e); err != nil || owner.ID == "" {
			return t, err
		}
		m := notice.TokenCreated{Context: notice.Context{Name: owner.DisplayName(), At: op.Now}, By: p.DisplayName(s.Accounts.Policy.Issuer), TokenName: t.Name, Until: t.Expires}
		return t, tx.Notify(&owner, m, time.Time{})
	})
	if err != nil {
		return secret.Value{}, Token{}, err
	}
	return value, t, nil
}

// newToken validates n and returns the token that p may create from it.
func (p Principal) newToken(now time.Time, n NewToken) (Token, error) {
	if err := p.Require(PermManage); err != nil {
		return Token{}, err
	}
	name, ok := input.Text(n.Name, account.MaxName, false)
	switch {
	case !ok || name == "":
		return Token{}, errcode.InvalidField("name", "name")
	case n.Role.Rank() <= 0:
		return Token{}, errcode.InvalidField("role", "unknown")
	case n.Secrets && n.Role.Rank() <= account.RoleHelpDesk.Rank():
		return Token{}, errcode.InvalidField("secrets", "role") // protocol rule 20
	case n.TTL < 0 || n.TTL > maxTokenTTL:
		return Token{}, errcode.InvalidField("expires", "too_long")
	case len(n.Groups) > MaxGroups:
		return Token{}, errcode.InvalidField("groupIds", "too_many")
	case strings.HasPrefix(p.ID, ClientPrefix): // a token has no scopes, and would outlive the keys of the client
		return Token{}, errcode.ForbiddenFor(errcode.ReasonExceedsCaller)
	case p.Operator:
	case n.Role.Rank() > p.Rank(), n.Secrets, n.Authn, n.Owner != "":
		return Token{}, errcode.ForbiddenFor(errcode.ReasonExceedsCaller)
	case p.Scoped() && (n.Groups == nil || slices.ContainsFunc(n.Groups, func(g account.GroupID) bool { return !slices.Contains(p.Groups, g) })):
		return Token{}, errcode.ForbiddenFor(errcode.ReasonExceedsCaller)
	}
	if n.TTL == 0 {
		n.TTL = defaultTokenTTL
	}
	t := Token{Name: name, Owner: p.Owner, Role: n.Role, Groups: slices.Clone(n.Groups), Secrets: n.Secrets, Authn: n.Authn,
		By: p.ID, Created: now, Expires: now.Add(n.TTL)}
	if !p.expires.IsZero() && p.expires.Before(t.Expires) {
		t.Expires = p.expires
	}
	return t, nil
}

// ScopeName returns a group scope as text for audit events.
func ScopeName(groups []account.GroupID) string {
	if groups == nil {
		return "all"
	}
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = string(g)
	}
	return "groups: " + strings.Join(names, " ")
}

// tokenEvent returns the audit event of an operation of p on a token.
func (p Principal) tokenEvent(action string, t *Token) audit.Event {
	return audit.Event{Actor: p.Actor(), Action: action, Outcome: audit.Success,
		Targets: []audit.Actor{{Type: audit.TypeToken, ID: "token:" + t.ID, Name: t.Name}}}
}

// canManageToken reports whether p may list and revoke a token. SUPER_ADMIN may manage all tokens. Other principals may
// manage tokens of the same owner with at most their role and group scope. The operator owns tokens of several scopes,
// so the owner alone does not suffice (protocol rules 20 and 21).
func (p Principal) canManageToken(t *Token) bool {
	switch {
	case !p.Scoped():
		return p.Rank() >= account.RoleSuperAdmin.Rank() || t.Owner == p.Owner && t.Role.Rank() <= p.Rank()
	case t.Groups == nil || t.Owner != p.Owner || t.Role.Rank() > p.Rank():
		return false
	}
	return !slices.ContainsFunc(t.Groups, func(g account.GroupID) bool { return !slices.Contains(p.Groups, g) })
}

// Tokens returns a page of API tokens in the order of their ids, including expired ones. next is the cursor of the next
// page, or empty at the end.
func (s *Service) Tokens(ctx context.Context, p Principal, after string, limit int) (tokens []Token, next string, err error) {
	if err := p.Require(PermListTokens); err != nil {
		return nil, "", err
	}
	if limit <= 0 || limit > 200 {
		limit = 200
	}
	if after, _, err = s.OpenCursor(p.ID, after); err != nil {
		return nil, "", err
	}
	if after != "" {
		after += "g" // sorts after every hash with this prefix
	}
	err = s.Accounts.Store.View(ctx, func(snap store.Snapshot) error {
		tokens, next = nil, ""
		read, last := 0, ""
		return s.tokens.Scan(snap, "", after, 0, func(hash string, t Token) error {
			if read++; read > s.pageReads {
				next = s.SealCursor(p.ID, last, false) // the id of a token that p may not manage
				return store.ErrStop
			}
			if last = t.ID; !p.canManageToken(&t) {
				return nil
			}
			if len(tokens) == limit {
				next = tokens[limit-1].ID
				return store.ErrStop
			}
			if at := s.lastUsed(hash); at.After(t.LastUsed) {
				t.LastUsed = at
			}
			tokens = append(tokens, t)
			return nil
		})
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing API tokens: %w", err)
	}
	return tokens, next, nil
}

// RevokeToken deletes a token with immediate effect. It returns NotFound if there is none that p may manage.
func (s *Service) RevokeToken(ctx context.Context, p Principal, req account.RequestInfo, id string) error {
	if err := p.Require(PermManage); err != nil {
		return err
	}
	hash, err := s.TokenHash(ctx, id)
	if err != nil {
		return err
	}
	_, err = account.Update(ctx, s.Accounts, s.Accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		t, err := s.tokens.Get(tx.Raw, hash)
		if errors.Is(err, store.ErrNotFound) || err == nil && !p.canManageToken(&t) {
			return struct{}{}, errcode.New(errcode.NotFound)
		}
		if err == nil {
			err = s.tokens.Delete(tx.Raw, hash)
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("revoking API token %q: %w", id, err)
		}
		return struct{}{}, tx.Audit(p.tokenEvent(audit.TokenRevoked, &t))
	})
	return err
}

// TokenPrincipal returns the principal of the token with this hash. It returns NoSession if there is none or it is not
// valid at now.
func (s *Service) TokenPrincipal(r store.Reader, hash string, now time.Time) (Principal, error) {
	t, err := s.tokens.Get(r, hash)
	if errors.Is(err, store.ErrNotFound) {
		return Principal{}, errcode.New(errcode.NoSession)
	}
	if err != nil {
		return Principal{}, fmt.Errorf("loading API token: %w", err)
	}
	return principalOf(s.Accounts.Reader(r), &t, now)
}

// TokenHash returns the hash of the token with this public id, or NotFound. The hash is the key of its record.
func (s *Service) TokenHash(ctx context.Context, id string) (hash string, err error) {
	if len(id) == tokenIDLength && store.CheckKey(id) == nil {
		err = s.Accounts.Store.View(ctx, func(snap store.Snapshot) error {
			hash = ""
			return s.tokens.Scan(snap, id, "", 1, func(found string, _ Token) error {
				hash = found
				return nil
			})
		})
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("looking up API token %q: %w", id, err)
	case hash == "":
		return "", errcode.New(errcode.NotFound)
	}
	return hash, nil
}

// Authenticate returns the principal of a token, limited to the present roles of its owner. It returns NoSession if the
// token is not valid or its owner is not an active administrator. An unknown token costs one hash and one read.
func (s *Service) Authenticate(ctx context.Context, secret secret.Value) (Principal, error) {
	if len(secret.Reveal()) > maxTokenLength {
		return Principal{}, errcode.New(errcode.NoSession)
	}
	hash, now := secret.Hash(), s.Accounts.Now()
	var p Principal
	err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		p, err = s.TokenPrincipal(snap, hash, now)
		return err
	})
	if errcode.Of(err) == errcode.NoSession {
		return Principal{}, err
	}
	if err != nil {
		return Principal{}, fmt.Errorf("loading API token: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lastUse == nil {
		s.lastUse = map[string]time.Time{}
	}
	s.lastUse[hash] = now
	return p, nil
}

// lastUsed returns the last use of a token since FlushLastUsed.
func (s *Service) lastUsed(hash string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastUse[hash]
}

// FlushLastUsed stores when tokens were last used. Call it once a minute and before exit. A crash loses at most the
// time since the last call.
func (s *Service) FlushLastUsed(ctx context.Context) error {
	s.mu.Lock()
	used := s.lastUse
	s.lastUse = nil
	s.mu.Unlock()
	var hashes []string
	for hash := range used {
		hashes = append(hashes, hash)
	}
	for part := range slices.Chunk(hashes, MaxGroups) {
		err := s.Accounts.Store.Update(ctx, func(tx store.Tx) error {
			for _, hash := range part {
				t, err := s.tokens.Get(tx, hash)
				if errors.Is(err, store.ErrNotFound) || err == nil && !used[hash].After(t.LastUsed) {
					continue // revoked, or stored by another node
				}
				if err != nil {
					return err
				}
				t.LastUsed = used[hash]
				if err := s.tokens.Put(tx, hash, t); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("storing last use of API tokens: %w", err)
		}
	}
	return nil
}
