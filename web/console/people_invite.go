package console

import (
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/internal/throttle"
	view "barillet/templates/console"
	"barillet/web/console/shell"
	"barillet/web/site"
)

// registerInvitations registers the invitation of one user, and of many.
func (c *Pages) registerInvitations(r *site.Router) {
	c.Act(r, shell.Act{Name: "invite_new", Path: shell.PeoplePath + "/new", Section: "people", Need: admin.PermInvite, Budget: throttle.APIWrites, Open: c.openInvite, Run: c.inviteNew})
	c.Get(r, ImportPath, c.getImport)
	c.Post(r, ImportPath, c.postImport, throttle.APIWrites)
}

func (c *Pages) openInvite(r *http.Request, p admin.Principal) (shell.Form, error) {
	f := shell.Form{Back: shell.PeoplePath, Fields: []view.Field{{Name: "email", Kind: "email"}}}
	f.Fields = append(f.Fields, nameFields(&account.User{})...)
	group, err := c.groupField(r, p, "garage")
	group.Optional, group.HasHint = !p.Scoped(), group.Kind == "text"
	if group.Optional && group.Kind == "select" {
		group.Options = append([]view.Option{{Words: "people.none"}}, group.Options...)
	}
	f.Fields = append(f.Fields, numberFields(&account.User{})...)
	f.Fields = append(f.Fields, group, view.Field{Name: "login", Kind: "text", Optional: true, HasHint: true})
	return f, err
}

// inviteNew creates a user and invites them. To a principal with a group scope, an address that exists elsewhere is like any other
// (protocol rule 21).
func (c *Pages) inviteNew(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	n := directory.NewUser{Login: in.Get("login"), Email: in.Get("email"), FirstName: in.Get("firstName"), LastName: in.Get("lastName"), Locale: in.Get("locale"),
		MobilePhone: in.Get("mobilePhone"), PrimaryPhone: in.Get("primaryPhone")}
	if name := in.Get("garage"); name != "" {
		g, err := c.groupIn(ctx, p, name)
		if err != nil {
			return shell.Outcome{}, err
		}
		n.Groups = []account.GroupID{g.ID}
	}
	u, _, err := c.Directory.CreateUser(ctx, p, from, n, true, true)
	return shell.Outcome{Next: pathOf(&u) + "?done=invite_new"}, err
}
