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
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store"
)

// TokenPrefix begins every API token, so that scanners for leaked secrets recognise one.
const TokenPrefix = "brl_"

// Token is an API token, without its secret.
type Token struct {
	ID       string            `json:"id"` // 20 hex digits, public
	Name     string            `json:"name"`
	Owner    string            `json:"owner"` // user id or "operator:<uid>"
	Role     account.Role      `json:"role"`
	Groups   []account.GroupID `json:"groups"` // null: everybody; []: nobody
	Secrets  bool              `json:"secrets,omitempty"`
	Authn    bool              `json:"authn,omitempty"`
	By       string            `json:"by"` // id of the operator who made it
	Created  time.Time         `json:"created"`
	Expires  time.Time         `json:"expires"`
	LastUsed time.Time         `json:"lastUsed,omitzero"` // to the minute
}

const (
	tokenID      = 20 // hex digits of the hash that are the public id
	longestToken = 128
	longestLife  = 365 * 24 * time.Hour // PROTOCOL 20
	usualLife    = 90 * 24 * time.Hour
	MaxGroups    = 32
)

// NewToken is a token to be made.
type NewToken struct {
	Name    string // 1 to 64 characters
	Role    account.Role
	Groups  []account.GroupID // nil: everybody
	Life    time.Duration     // at most 365 days; 0 means 90 days
	Secrets bool              // never with HELP_DESK_ADMIN and below
	Authn   bool
	Owner   string // id, sign-in name or address of the person whom it acts as, by Machine only; "": of whoever makes it
}

// CreateToken makes an API token, shown in this one answer. It has the owner of whoever makes it, unless the machine's
// owner names somebody active whose role is no lower than its own. But for the machine's owner: of no more than the
// maker's own role, scope and time, and without allowances (PROTOCOL 20). A person is told of a token that acts as
// they. Forbidden, Invalid.
func (d *Service) CreateToken(ctx context.Context, op Principal, req account.RequestInfo, n NewToken) (secret.Value, Token, error) {
	a := d.Accounts.NewOperation(req)
	t, err := op.token(a.Now, n)
	if err != nil {
		return secret.Value{}, Token{}, err
	}
	value := secret.From(TokenPrefix + a.Secret("api token").Reveal())
	hash := value.Hash()
	t.ID = hash[:tokenID]
	t, err = account.Update(ctx, d.Accounts, a, func(tx *account.Tx) (Token, error) {
		t := t
		owner, err := tokenOwner(tx.Reader, &t, n.Owner)
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
		if err := d.tokens.Put(tx.Raw, hash, t); err != nil {
			return t, fmt.Errorf("storing an API token: %w", err)
		}
		e := op.tokenEvent(audit.TokenCreated, &t)
		e.Detail = map[string]string{"role": string(t.Role), "owner": t.Owner, "expires": t.Expires.Format(time.RFC3339),
			"secrets": fmt.Sprint(t.Secrets), "authn": fmt.Sprint(t.Authn), "scope": ScopeName(t.Groups)}
		if err := tx.Audit(e); err != nil || owner.ID == "" {
			return t, err
		}
		m := notice.TokenCreated{Context: notice.Context{Name: owner.DisplayName(), At: a.Now}, By: op.DisplayName(d.Accounts.Policy.Issuer), Token: t.Name, Until: t.Expires}
		return t, tx.Notify(&owner, m, time.Time{})
	})
	if err != nil {
		return secret.Value{}, Token{}, err
	}
	return value, t, nil
}

// token judges a token to be made.
func (op Principal) token(now time.Time, n NewToken) (Token, error) {
	if err := op.Require(PermManage); err != nil {
		return Token{}, err
	}
	name, ok := Sanitize(n.Name, account.MaxName, false)
	switch {
	case !ok || name == "":
		return Token{}, errcode.InvalidField("name", "name")
	case n.Role.Rank() <= 0:
		return Token{}, errcode.InvalidField("role", "unknown")
	case n.Secrets && n.Role.Rank() <= account.RoleHelpDesk.Rank():
		return Token{}, errcode.InvalidField("secrets", "role") // PROTOCOL 20: never HELP_DESK_ADMIN
	case n.Life < 0 || n.Life > longestLife:
		return Token{}, errcode.InvalidField("expires", "too_long")
	case len(n.Groups) > MaxGroups:
		return Token{}, errcode.InvalidField("groupIds", "too_many")
	case op.Operator:
	case n.Role.Rank() > op.Rank(), n.Secrets, n.Authn, n.Owner != "":
		return Token{}, errcode.New(errcode.Forbidden)
	case op.Scoped() && (n.Groups == nil || slices.ContainsFunc(n.Groups, func(g account.GroupID) bool { return !slices.Contains(op.Groups, g) })):
		return Token{}, errcode.New(errcode.Forbidden)
	}
	if n.Life == 0 {
		n.Life = usualLife
	}
	t := Token{Name: name, Owner: op.Owner, Role: n.Role, Groups: slices.Clone(n.Groups), Secrets: n.Secrets, Authn: n.Authn,
		By: op.ID, Created: now, Expires: now.Add(n.Life)}
	if !op.expires.IsZero() && op.expires.Before(t.Expires) {
		t.Expires = op.expires
	}
	return t, nil
}

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

func (op Principal) tokenEvent(action string, t *Token) audit.Event {
	return audit.Event{Actor: op.Actor(), Action: action, Outcome: audit.Success,
		Targets: []audit.Actor{{Type: audit.TypeToken, ID: "token:" + t.ID, Name: t.Name}}}
}

// mayToken tells whether the operator may see and revoke a token: SUPER_ADMIN any, others those of their owner
// that can do no more than they. All tokens made on the machine have one owner: one of a single garage is not to
// end those of the house (PROTOCOL 20, 21).
func (op Principal) mayToken(t *Token) bool {
	switch {
	case !op.Scoped():
		return op.Rank() >= account.RoleSuperAdmin.Rank() || t.Owner == op.Owner && t.Role.Rank() <= op.Rank()
	case t.Groups == nil || t.Owner != op.Owner || t.Role.Rank() > op.Rank():
		return false
	}
	return !slices.ContainsFunc(t.Groups, func(g account.GroupID) bool { return !slices.Contains(op.Groups, g) })
}

// Tokens lists API tokens in the order of their ids, those that are over too. next is the cursor for more.
func (d *Service) Tokens(ctx context.Context, op Principal, after string, limit int) (tokens []Token, next string, err error) {
	if err := op.Require(PermManage); err != nil {
		return nil, "", err
	}
	if limit <= 0 || limit > 200 {
		limit = 200
	}
	if after != "" {
		after += "g" // behind every hash that begins so
	}
	err = d.Accounts.Store.View(ctx, func(s store.Snapshot) error {
		tokens, next = nil, ""
		return d.tokens.Scan(s, "", after, 0, func(hash string, t Token) error {
			if !op.mayToken(&t) {
				return nil
			}
			if len(tokens) == limit {
				next = tokens[limit-1].ID
				return store.ErrStop
			}
			if at := d.lastUsed(hash); at.After(t.LastUsed) {
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

// RevokeToken ends a token at once; NotFound when there is none that this operator may know of.
func (d *Service) RevokeToken(ctx context.Context, op Principal, req account.RequestInfo, id string) error {
	if err := op.Require(PermManage); err != nil {
		return err
	}
	hash, err := d.TokenHash(ctx, id)
	if err != nil {
		return err
	}
	_, err = account.Update(ctx, d.Accounts, d.Accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		t, err := d.tokens.Get(tx.Raw, hash)
		if errors.Is(err, store.ErrNotFound) || err == nil && !op.mayToken(&t) {
			return struct{}{}, errcode.New(errcode.NotFound)
		}
		if err == nil {
			err = d.tokens.Delete(tx.Raw, hash)
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("revoking API token %q: %w", id, err)
		}
		return struct{}{}, tx.Audit(op.tokenEvent(audit.TokenRevoked, &t))
	})
	return err
}

// TokenPrincipal returns the principal of the token with this hash; NoSession if there is none or it is not valid at now.
func (d *Service) TokenPrincipal(r store.Reader, hash string, now time.Time) (Principal, error) {
	t, err := d.tokens.Get(r, hash)
	if errors.Is(err, store.ErrNotFound) {
		return Principal{}, errcode.New(errcode.NoSession)
	}
	if err != nil {
		return Principal{}, fmt.Errorf("loading API token: %w", err)
	}
	return acts(d.Accounts.Reader(r), &t, now)
}

// TokenHash is what a token is kept under, by its public id; NotFound when there is none.
func (d *Service) TokenHash(ctx context.Context, id string) (hash string, err error) {
	if len(id) == tokenID && store.CheckKey(id) == nil {
		err = d.Accounts.Store.View(ctx, func(s store.Snapshot) error {
			hash = ""
			return d.tokens.Scan(s, id, "", 1, func(found string, _ Token) error {
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

// Authenticate tells who acts by a token, as its owner is at present; NoSession when it is not, or no longer, one,
// and when its owner is not, or no longer, somebody who may act. For what is no token the work is one hash and one read.
func (d *Service) Authenticate(ctx context.Context, secret secret.Value) (Principal, error) {
	if len(secret.Reveal()) > longestToken {
		return Principal{}, errcode.New(errcode.NoSession)
	}
	hash, now := secret.Hash(), d.Accounts.Now()
	var op Principal
	err := d.Accounts.Store.View(ctx, func(s store.Snapshot) (err error) {
		op, err = d.TokenPrincipal(s, hash, now)
		return err
	})
	if errcode.Of(err) == errcode.NoSession {
		return Principal{}, err
	}
	if err != nil {
		return Principal{}, fmt.Errorf("loading an API token: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.used == nil {
		d.used = map[string]time.Time{}
	}
	d.used[hash] = now
	return op, nil
}

func (d *Service) lastUsed(hash string) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used[hash]
}

// StoreUsed writes down when tokens were last used; call it once a minute and at the end. What a crash loses is
// that minute.
func (d *Service) StoreUsed(ctx context.Context) error {
	d.mu.Lock()
	used := d.used
	d.used = nil
	d.mu.Unlock()
	var hashes []string
	for hash := range used {
		hashes = append(hashes, hash)
	}
	for part := range slices.Chunk(hashes, MaxGroups) {
		err := d.Accounts.Store.Update(ctx, func(tx store.Tx) error {
			for _, hash := range part {
				t, err := d.tokens.Get(tx, hash)
				if errors.Is(err, store.ErrNotFound) || err == nil && !used[hash].After(t.LastUsed) {
					continue // revoked meanwhile
				}
				if err != nil {
					return err
				}
				t.LastUsed = used[hash]
				if err := d.tokens.Put(tx, hash, t); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("storing when API tokens were used: %w", err)
		}
	}
	return nil
}
