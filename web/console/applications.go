package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/oidc/client"
	view "barillet/templates/console"
	"barillet/web/console/shell"
	"barillet/web/site"
)

const applicationsPath = "/console/applications"

// registerApplications registers the pages of OAuth clients and signing keys.
func (c *Pages) registerApplications(r *site.Router) {
	c.Get(r, applicationsPath, c.getApplications)
	c.Get(r, applicationsPath+"/{cid}", c.getApplication)
	c.Act(r, shell.Act{Name: "app_register", Path: applicationsPath + "/register", Section: "applications", Need: admin.PermConfigure, Budget: throttle.APIWrites, Reason: true,
		Open: c.openNewApplication, Run: c.registerApplication})
	c.Act(r, shell.Act{Name: "app_edit", Path: applicationsPath + "/{cid}/edit", Section: "applications", Need: admin.PermConfigure, Budget: throttle.APIWrites, Reason: true, Repeatable: true,
		Open: c.openApplication(editFields), Run: c.changeApplication(editApplication)})
	c.Act(r, shell.Act{Name: "app_policy", Path: applicationsPath + "/{cid}/policy", Section: "applications", Need: admin.PermConfigure, Budget: throttle.APIWrites, Reason: true, Repeatable: true,
		Open: c.openApplication(c.policyFields), Run: c.changeApplication(c.setPolicy)})
	c.Act(r, shell.Act{Name: "app_secret", Path: applicationsPath + "/{cid}/secret", Section: "applications", Need: admin.PermConfigure, Budget: throttle.APIWrites, Reason: true, Danger: true,
		Open: c.openApplication(nil), Run: c.rotateSecret})
	c.Act(r, shell.Act{Name: "app_delete", Path: applicationsPath + "/{cid}/delete", Section: "applications", Need: admin.PermConfigure, Budget: throttle.NeverRefused, Reason: true, Danger: true,
		Open: c.openApplication(nil), Run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
			if err := p.RequireUnscoped(admin.PermConfigure); err != nil {
				return shell.Outcome{}, err
			}
			return shell.Outcome{Next: site.WithQuery(applicationsPath, "done", "app_delete")}, c.OIDC.Clients.Delete(ctx, c.registrar(p, from), client.ID(in.Path("cid")))
		}})
	c.Act(r, shell.Act{Name: "keys_rotate", Path: applicationsPath + "/keys/rotate", Section: "applications", Need: admin.PermConfigure, Budget: throttle.APIWrites, Reason: true, Repeatable: true,
		Open: func(_ *http.Request, p admin.Principal) (shell.Form, error) {
			return shell.Form{Back: applicationsPath}, p.RequireUnscoped(admin.PermReadConfiguration)
		}, Run: func(ctx context.Context, p admin.Principal, from account.RequestInfo, _ shell.Input) (shell.Outcome, error) {
			if err := p.RequireUnscoped(admin.PermConfigure); err != nil {
				return shell.Outcome{}, err
			}
			return shell.Outcome{}, c.OIDC.Keys.Rotate(ctx, from, p.Actor())
		}})
}

// registrar returns who registers or changes a client. The caller has checked its permission.
func (c *Pages) registrar(p admin.Principal, from account.RequestInfo) client.Registrar {
	return client.Registrar{Actor: p.Actor(), From: from, ReservedName: c.Accounts.Policy.Issuer}
}

func (c *Pages) getApplications(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	if err := p.RequireUnscoped(admin.PermReadConfiguration); err != nil {
		return err
	}
	after, err := shell.Cursor(r)
	if err != nil {
		return err
	}
	found, next, err := c.OIDC.Clients.List(r.Context(), after, shell.RowsPerPage)
	if err != nil {
		return err
	}
	page := view.Applications{Base: c.Base(r, p, "applications"), More: shell.MorePath(r, next)}
	for _, one := range found {
		page.Applications = append(page.Applications, application(one))
	}
	keys, err := c.OIDC.Keys.List(r.Context())
	if err != nil {
		return err
	}
	for _, k := range keys {
		page.Keys = append(page.Keys, view.SigningKey{ID: k.ID, Alg: k.Alg, Created: k.Created, From: k.NotBefore, Signs: k.Signs})
	}
	return c.Render(w, http.StatusOK, page)
}

func (c *Pages) getApplication(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	found, err := c.findApplication(r, p)
	if err != nil {
		return err
	}
	page := view.ApplicationPage{Base: c.Base(r, p, "applications"), Application: application(found),
		HasSecret: found.AuthMethod == client.AuthBasic || found.AuthMethod == client.AuthPost}
	if page.Application.Groups, err = c.groupNames(r.Context(), p, found.Groups); err != nil {
		return err
	}
	for _, rule := range found.Rules {
		names, err := c.groupNames(r.Context(), p, []account.GroupID{rule.Group})
		if err != nil {
			return err
		}
		page.Application.Rules = append(page.Application.Rules, view.ApplicationRule{Group: names[0], Strong: rule.PhishingResistant, MaxAge: minutes(rule.MaxAge)})
	}
	return c.Render(w, http.StatusOK, page)
}

func (c *Pages) findApplication(r *http.Request, p admin.Principal) (client.Information, error) {
	if err := p.RequireUnscoped(admin.PermReadConfiguration); err != nil {
		return client.Information{}, err
	}
	return c.OIDC.Clients.Information(r.Context(), client.ID(r.PathValue("cid")))
}

func application(c client.Information) view.Application {
	out := view.Application{ID: string(c.ID), Name: c.Name, Path: applicationsPath + "/" + string(c.ID), Role: string(c.Role), Redirects: c.Redirects,
		Scopes: strings.Fields(c.Scope), Everybody: c.Groups == nil, Consent: c.Consent == nil || *c.Consent, Strong: c.PhishingResistant, MaxAge: minutes(c.MaxAge),
		Created: time.Unix(c.Issued, 0).UTC()}
	switch {
	case c.Role != "":
		out.Kind = "service"
	case len(c.Grants) == 0:
		out.Kind = "server"
	case c.ApplicationType == "native":
		out.Kind = "native"
	case c.AuthMethod == client.AuthNone:
		out.Kind = "public"
	case c.AuthMethod == client.AuthJWT:
		out.Kind = "keys"
	default:
		out.Kind = "web"
	}
	for _, g := range c.Grants {
		out.Grants = append(out.Grants, g[strings.LastIndexByte(g, ':')+1:])
	}
	return out
}

// minutes returns seconds as minutes, rounded up.
func minutes(seconds int64) int { return int((seconds + 59) / 60) }

// openNewApplication returns the form of the registration.
func (c *Pages) openNewApplication(_ *http.Request, p admin.Principal) (shell.Form, error) {
	fields := append(addressFields("", nil), view.Field{Name: "kind", Words: "app_kind", Kind: "choice", Value: "web", Options: []view.Option{
		{Value: "web", Words: "application.choice.web"}, {Value: "public", Words: "application.choice.public"}, {Value: "native", Words: "application.choice.native"}}})
	return shell.Form{Back: applicationsPath, Fields: fields}, p.RequireUnscoped(admin.PermReadConfiguration)
}

func (c *Pages) registerApplication(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	if err := p.RequireUnscoped(admin.PermConfigure); err != nil {
		return shell.Outcome{}, err
	}
	n := client.Registration{Name: in.Get("name"), Redirects: strings.Fields(in.Get("redirects")), Grants: []string{client.GrantCode, client.GrantRefresh}}
	switch in.Get("kind") {
	case "native":
		n.ApplicationType, n.AuthMethod = "native", client.AuthNone
	case "public":
		n.AuthMethod = client.AuthNone
	}
	made, err := c.OIDC.Clients.Register(ctx, c.registrar(p, from), n)
	if err != nil {
		return shell.Outcome{}, metadataError(err)
	}
	if made.Secret != "" {
		return shell.Outcome{Secret: &view.SecretShown{Subject: made.Name, Secret: made.Secret, Also: string(made.ID), Back: applicationsPath + "/" + string(made.ID)}}, nil
	}
	return shell.Outcome{Next: site.WithQuery(applicationsPath+"/"+string(made.ID), "done", "app_register")}, nil
}

// metadataError returns the error of the field that has invalid metadata, in the place of that of RFC 7591.
func metadataError(err error) error {
	e, ok := errors.AsType[*client.MetadataError](err)
	if !ok {
		return err
	}
	field := map[string]string{"client_name": "name", "redirect_uris": "redirects", "barillet_groups": "groups"}[e.Member]
	return errcode.InvalidField(cmp.Or(field, e.Member), "application")
}

// openApplication returns the form of an operation on the client in the path. fields may be nil.
func (c *Pages) openApplication(fields func(*http.Request, admin.Principal, client.Information) ([]view.Field, error)) func(*http.Request, admin.Principal) (shell.Form, error) {
	return func(r *http.Request, p admin.Principal) (shell.Form, error) {
		found, err := c.findApplication(r, p)
		if err != nil {
			return shell.Form{}, err
		}
		f := shell.Form{Subject: found.Name, Back: applicationsPath + "/" + string(found.ID)}
		if fields != nil {
			f.Fields, err = fields(r, p, found)
		}
		return f, err
	}
}

func editFields(_ *http.Request, _ admin.Principal, c client.Information) ([]view.Field, error) {
	return addressFields(c.Name, c.Redirects), nil
}

func addressFields(name string, redirects []string) []view.Field {
	return []view.Field{{Name: "name", Words: "app_name", Kind: "text", Value: name, Max: 64},
		{Name: "redirects", Kind: "textarea", Value: strings.Join(redirects, "\n"), Max: 16 << 10, HasHint: true}}
}

// policyFields returns the fields of the policy.
func (c *Pages) policyFields(r *http.Request, p admin.Principal, found client.Information) ([]view.Field, error) {
	names, err := c.groupNames(r.Context(), p, found.Groups)
	if err != nil {
		return nil, err
	}
	who := "all"
	if found.Groups != nil {
		who = "groups"
	}
	return []view.Field{
		{Name: "who", Words: "app_who", Kind: "choice", Value: who, Options: []view.Option{{Value: "all", Words: "application.who.all"}, {Value: "groups", Words: "application.who.groups"}}},
		{Name: "groups", Words: "app_groups", Kind: "textarea", Value: strings.Join(names, "\n"), Optional: true, HasHint: true, Max: 4 << 10},
		{Name: "strong", Words: "app_strong", Kind: "tick", Value: yes(found.PhishingResistant)},
		{Name: "consent", Words: "app_consent", Kind: "tick", Value: yes(found.Consent == nil || *found.Consent)},
	}, nil
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

// changeApplication returns an operation that replaces the metadata of the client in the path by what change makes of it.
func (c *Pages) changeApplication(change func(context.Context, admin.Principal, shell.Input, *client.Registration) error) func(context.Context, admin.Principal, account.RequestInfo, shell.Input) (shell.Outcome, error) {
	return func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
		if err := p.RequireUnscoped(admin.PermConfigure); err != nil {
			return shell.Outcome{}, err
		}
		id := client.ID(in.Path("cid"))
		found, err := c.OIDC.Clients.Information(ctx, id)
		if err != nil {
			return shell.Outcome{}, err
		}
		if err := change(ctx, p, in, &found.Registration); err != nil {
			return shell.Outcome{}, err
		}
		_, err = c.OIDC.Clients.Replace(ctx, c.registrar(p, from), id, found.Registration, false)
		return shell.Outcome{}, metadataError(err)
	}
}

func editApplication(_ context.Context, _ admin.Principal, in shell.Input, c *client.Registration) error {
	c.Name, c.Redirects = in.Get("name"), strings.Fields(in.Get("redirects"))
	return nil
}

func (c *Pages) setPolicy(ctx context.Context, p admin.Principal, in shell.Input, to *client.Registration) (err error) {
	consent := in.Ticked("consent")
	to.PhishingResistant, to.Consent, to.Groups = in.Ticked("strong"), &consent, nil
	if in.Get("who") == "groups" {
		if to.Groups, err = c.groupsNamed(ctx, p, in.Get("groups")); err == nil && len(to.Groups) == 0 {
			err = errcode.InvalidField("groups", "empty")
		}
	}
	return err
}

func (c *Pages) rotateSecret(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	if err := p.RequireUnscoped(admin.PermConfigure); err != nil {
		return shell.Outcome{}, err
	}
	made, err := c.OIDC.Clients.RotateSecret(ctx, c.registrar(p, from), client.ID(in.Path("cid")))
	if err != nil {
		return shell.Outcome{}, err
	}
	return shell.Outcome{Secret: &view.SecretShown{Subject: made.Name, Secret: made.Secret, Also: string(made.ID)}}, nil
}

// maxPolicies is the number of applications that the page of a group reads.
const maxPolicies = 200

// applicationsFor returns the applications whose policy names a group, if p may read applications.
func (c *Pages) applicationsFor(ctx context.Context, p admin.Principal, g account.GroupID) (out []view.Link, err error) {
	if c.OIDC == nil || p.RequireUnscoped(admin.PermReadConfiguration) != nil {
		return nil, nil
	}
	found, _, err := c.OIDC.Clients.List(ctx, "", maxPolicies)
	for _, one := range found {
		if slices.Contains(one.Groups, g) || slices.ContainsFunc(one.Rules, func(r client.RegistrationRule) bool { return r.Group == g }) {
			out = append(out, view.Link{Name: one.Name, Path: applicationsPath + "/" + string(one.ID)})
		}
	}
	return out, err
}
