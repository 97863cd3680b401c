package console

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/internal/throttle"
	view "barillet/templates/console"
	"barillet/web/console/shell"
	"barillet/web/site"
)

const tokensPath = "/console/tokens"

func (c *Pages) registerTokens(r *site.Router) {
	c.Get(r, tokensPath, c.getTokens)
	token := shell.Act{Section: "tokens", Need: admin.PermManage, Reason: true}
	create := token
	create.Name, create.Path, create.Budget = "token_create", tokensPath+"/new", throttle.APIWrites
	create.Open = func(r *http.Request, p admin.Principal) (shell.Form, error) {
		where, err := c.tokenGroups(r.Context(), p)
		fields := append([]view.Field{{Name: "name", Words: "token_name", Kind: "text", Max: account.MaxName, HasHint: true},
			{Name: "role", Words: "token_role", Kind: "select", Options: roleOptions(func(r account.Role) bool { return r.Rank() <= p.Rank() })}}, where...)
		return shell.Form{Back: tokensPath, Fields: append(fields, view.Field{Name: "days", Words: "token_days", Kind: "number", Value: "90", Max: 3, HasHint: true})}, err
	}
	create.Run = c.createToken
	revoke := token
	revoke.Name, revoke.Path, revoke.Budget, revoke.Danger = "token_revoke", tokensPath+"/{tid}/revoke", throttle.NeverRefused, true
	revoke.Open = func(r *http.Request, p admin.Principal) (shell.Form, error) {
		t, err := c.Directory.Admin.Token(r.Context(), p, r.PathValue("tid"))
		return shell.Form{Subject: t.Name, Back: tokensPath}, err
	}
	revoke.Run = func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
		return shell.Outcome{}, c.Directory.Admin.RevokeToken(ctx, p, from, in.Path("tid"))
	}
	c.Act(r, create)
	c.Act(r, revoke)
}

// tokenGroups returns the fields that state for which groups a token is. A principal with a group scope chooses among its own.
func (c *Pages) tokenGroups(ctx context.Context, p admin.Principal) ([]view.Field, error) {
	if !p.Scoped() {
		return whereFields(), nil
	}
	groups, _, err := c.Directory.Groups(ctx, p, account.GroupQuery{})
	own := view.Field{Name: "own", Words: "token_own", Kind: "ticks"}
	for _, g := range groups {
		own.Options = append(own.Options, view.Option{Value: string(g.ID), Text: g.Name})
	}
	return []view.Field{own}, err
}

// createToken makes a token of the administrator, without allowances (protocol rule 20).
func (c *Pages) createToken(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	days, err := strconv.Atoi(in.Get("days"))
	if err != nil || days < 1 || days > 365 {
		return shell.Outcome{}, errcode.InvalidField("days", "days")
	}
	n := admin.NewToken{Name: in.Get("name"), Role: account.Role(in.Get("role")), TTL: time.Duration(days) * 24 * time.Hour}
	if p.Scoped() {
		n.Groups = []account.GroupID{}
		for _, id := range in.All("own") {
			n.Groups = append(n.Groups, account.GroupID(id))
		}
	} else if n.Groups, err = c.whereOf(ctx, p, in); err != nil {
		return shell.Outcome{}, err
	}
	secret, t, err := c.Directory.Admin.CreateToken(ctx, p, from, n)
	if err != nil {
		return shell.Outcome{}, err
	}
	return shell.Outcome{Secret: &view.SecretShown{Subject: t.Name, Secret: secret.Reveal(), Expires: t.Expires}}, nil
}

func (c *Pages) getTokens(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	after, err := shell.Cursor(r)
	if err != nil {
		return err
	}
	found, next, err := c.Directory.Admin.Tokens(r.Context(), p, after, shell.RowsPerPage)
	if err != nil {
		return err
	}
	page := view.Tokens{Base: c.Base(r, p, "tokens"), More: shell.MorePath(r, next)}
	groups, now := map[account.GroupID]string{}, c.Now()
	ids := make([]string, len(found))
	for i, t := range found {
		ids[i] = t.Owner
	}
	owners, err := c.Directory.Admin.Names(r.Context(), p, ids)
	if err != nil {
		return err
	}
	for _, t := range found {
		row := view.TokenRow{Revoke: tokensPath + "/" + t.ID + "/revoke", Name: t.Name, Role: roleWords(t.Role), All: t.Groups == nil,
			Expires: t.Expires, Expired: !now.Before(t.Expires), LastUsed: t.LastUsed, Secrets: t.Secrets, Authn: t.Authn, Mine: t.Owner == p.Owner}
		for _, id := range t.Groups {
			name, err := c.groupLabel(r.Context(), p, id, groups)
			if err != nil {
				return err
			}
			row.Groups = append(row.Groups, name)
		}
		switch {
		case row.Mine:
			row.Owner = p.OwnerName
		case account.IsUserID(t.Owner): // of the operator: ""
			row.Owner = cmp.Or(owners[t.Owner], t.Owner)
		}
		page.Tokens = append(page.Tokens, row)
	}
	return c.Render(w, http.StatusOK, page)
}
