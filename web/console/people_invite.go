package console

import (
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/internal/throttle"
	view "barillet/templates/console"
	"barillet/web/site"
)

// registerInvitations registers the invitation of one user, and of many.
func (c *Pages) registerInvitations(r *site.Router) {
	c.act(r, act{name: "invite_new", path: personPath + "/new", section: "people", need: admin.PermInvite, budget: throttle.APIWrites, open: c.openInvite, run: c.inviteNew})
	c.get(r, ImportPath, c.getImport)
	c.post(r, ImportPath, c.postImport, throttle.APIWrites)
}

func (c *Pages) openInvite(r *http.Request, p admin.Principal) (form, error) {
	f := form{back: personPath, fields: []view.Field{{Name: "email", Kind: "email"}}}
	f.fields = append(f.fields, nameFields(&account.User{})...)
	group, err := c.groupField(r, p, "garage")
	group.Optional, group.HasHint = !p.Scoped(), group.Kind == "text"
	if group.Optional && group.Kind == "select" {
		group.Options = append([]view.Option{{Words: "people.none"}}, group.Options...)
	}
	f.fields = append(f.fields, numberFields(&account.User{})...)
	f.fields = append(f.fields, group, view.Field{Name: "login", Kind: "text", Optional: true, HasHint: true})
	return f, err
}

// inviteNew creates a user and invites them. To a principal with a group scope, an address that exists elsewhere is like any other
// (protocol rule 21).
func (c *Pages) inviteNew(ctx context.Context, p admin.Principal, from account.RequestInfo, in input) (outcome, error) {
	n := directory.NewUser{Login: in.get("login"), Email: in.get("email"), FirstName: in.get("firstName"), LastName: in.get("lastName"), Locale: in.get("locale"),
		MobilePhone: in.get("mobilePhone"), PrimaryPhone: in.get("primaryPhone")}
	if name := in.get("garage"); name != "" {
		g, err := c.groupIn(ctx, p, name)
		if err != nil {
			return outcome{}, err
		}
		n.Groups = []account.GroupID{g.ID}
	}
	u, _, err := c.Directory.CreateUser(ctx, p, from, n, true, true)
	return outcome{next: pathOf(&u) + "?done=invite_new"}, err
}
