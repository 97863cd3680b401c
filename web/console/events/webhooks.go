package events

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/internal/webhook"
	view "barillet/templates/console"
	"barillet/web/api/systemlog"
	"barillet/web/console/shell"
	"barillet/web/site"
)

// WebhooksPath is the path of the list of webhooks; that of one follows it.
const WebhooksPath = "/console/webhooks"

// registerWebhooks registers the pages of webhooks.
func (c *Pages) registerWebhooks(r *site.Router) {
	c.Get(r, WebhooksPath, c.getWebhooks)
	c.Get(r, WebhooksPath+"/{wid}", c.getWebhook)
	type run func(context.Context, admin.Principal, account.RequestInfo, shell.Input) (shell.Outcome, error)
	operation := func(name, path string, budget throttle.Quota, danger, repeatable bool, open func(*http.Request, admin.Principal) (shell.Form, error), do run) {
		c.Act(r, shell.Act{Name: "hook_" + name, Path: WebhooksPath + path, Section: "webhooks", Need: admin.PermConfigure, Budget: budget, Reason: true,
			Danger: danger, Repeatable: repeatable, Open: open, Run: do})
	}
	operation("create", "/create", throttle.APIWrites, false, false, c.openNewWebhook, c.createWebhook)
	operation("edit", "/{wid}/edit", throttle.APIWrites, false, true, c.openWebhook(webhookFields), c.editWebhook)
	operation("test", "/{wid}/test", throttle.APIWrites, false, false, c.openWebhook(nil), func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
		_, err := c.Directory.Admin.TestWebhook(ctx, p, from, in.Path("wid"))
		return shell.Outcome{}, err
	})
	operation("rotate", "/{wid}/rotate", throttle.APIWrites, true, false, c.openWebhook(nil), func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
		secret, h, err := c.Directory.Admin.RotateWebhook(ctx, p, from, in.Path("wid"))
		return shell.Outcome{Secret: &view.SecretShown{Subject: h.Name, Secret: secret.Reveal()}}, err
	})
	operation("enable", "/{wid}/enable", throttle.APIWrites, false, true, c.openWebhook(nil), c.enableWebhook(true))
	operation("disable", "/{wid}/disable", throttle.NeverRefused, true, true, c.openWebhook(nil), c.enableWebhook(false))
	operation("delete", "/{wid}/delete", throttle.NeverRefused, true, false, c.openWebhook(nil), func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
		err := c.Directory.Admin.DeleteWebhook(ctx, p, from, in.Path("wid"))
		return shell.Outcome{Next: site.WithQuery(WebhooksPath, "done", "hook_delete")}, err
	})
}

// maxFailures is how many deliveries the list reads for each webhook.
const maxFailures = 50

func (c *Pages) getWebhooks(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	hooks, err := c.Directory.Admin.Webhooks(r.Context(), p)
	if err != nil {
		return err
	}
	page := view.Webhooks{Base: c.Base(r, p, "webhooks")}
	for _, h := range hooks { // at most 16
		oldest, next, err := c.Directory.Admin.Deliveries(r.Context(), p, h.ID, "", "", maxFailures)
		if err != nil {
			return err
		}
		row := c.webhook(h)
		for _, d := range oldest {
			if d.Count > 0 || d.Dead {
				row.Failing, row.LastError = row.Failing+1, shell.ShortLine(d.LastError)
			}
		}
		row.FailingMore = next != "" && row.Failing > 0
		page.Webhooks = append(page.Webhooks, row)
	}
	return c.Render(w, http.StatusOK, page)
}

func (c *Pages) webhook(h webhook.Endpoint) view.Webhook {
	out := view.Webhook{Name: h.Name, Path: WebhooksPath + "/" + h.ID, Events: h.Events, State: "on", Overrun: len(h.Overruns) > 0, Created: h.Created}
	if u, err := url.Parse(h.URL); err == nil {
		out.Host = u.Host
	}
	if h.DisabledReason != "" {
		out.State = h.DisabledReason
	}
	for _, k := range h.Keys {
		if c.Now().Before(k.Until) {
			out.OldSecretUntil = k.Until
		}
	}
	return out
}

func (c *Pages) getWebhook(w http.ResponseWriter, r *http.Request, p admin.Principal) error {
	h, err := c.Directory.Admin.Webhook(r.Context(), p, r.PathValue("wid"))
	if err != nil {
		return err
	}
	page := view.WebhookPage{Base: c.Base(r, p, "webhooks"), Webhook: c.webhook(h)}
	if status := r.URL.Query().Get("status"); status == "waiting" || status == "dead" {
		page.Status = status
	}
	after, err := shell.Cursor(r)
	if err != nil {
		return err
	}
	found, next, err := c.Directory.Admin.Deliveries(r.Context(), p, h.ID, page.Status, after, shell.RowsPerPage)
	if err != nil {
		return err
	}
	page.More = shell.MorePath(r, next)
	for _, d := range found {
		row := view.Delivery{Event: view.Event{Path: LogPath + "/" + d.Event, Action: d.Type, Words: c.eventWords(page.Lang, d.Type)}, Dead: d.Dead, Attempts: d.Count,
			Queued: d.Queued, Tried: d.Tried, Error: shell.ShortLine(d.LastError)}
		if !d.Dead {
			row.Next = d.NotBefore
		}
		page.Deliveries = append(page.Deliveries, row)
	}
	return c.Render(w, http.StatusOK, page)
}

func (c *Pages) openNewWebhook(_ *http.Request, p admin.Principal) (shell.Form, error) {
	return shell.Form{Back: WebhooksPath, Fields: webhookFields(webhook.Endpoint{Events: []string{"*"}})}, p.RequireUnscoped(admin.PermReadConfiguration)
}

// openWebhook returns the form of an operation on the webhook in the path. fields may be nil.
func (c *Pages) openWebhook(fields func(webhook.Endpoint) []view.Field) func(*http.Request, admin.Principal) (shell.Form, error) {
	return func(r *http.Request, p admin.Principal) (shell.Form, error) {
		h, err := c.Directory.Admin.Webhook(r.Context(), p, r.PathValue("wid"))
		if err != nil {
			return shell.Form{}, err
		}
		f := shell.Form{Subject: h.Name, Back: WebhooksPath + "/" + h.ID}
		if fields != nil {
			f.Fields = fields(h)
		}
		return f, nil
	}
}

func webhookFields(h webhook.Endpoint) []view.Field {
	return []view.Field{{Name: "name", Words: "hook_name", Kind: "text", Value: h.Name, Max: account.MaxName},
		{Name: "url", Words: "hook_url", Kind: "url", Value: h.URL, Max: webhook.MaxURL, HasHint: true},
		{Name: "events", Words: "hook_events", Kind: "textarea", Value: strings.Join(h.Events, "\n"), Max: 2 << 10, HasHint: true}}
}

// readWebhook returns the settings in a form. A filter that matches no event type is refused, because it can be misspelt.
func readWebhook(in shell.Input) (admin.NewWebhook, error) {
	n := admin.NewWebhook{Name: in.Get("name"), URL: in.Get("url"), Events: strings.Fields(in.Get("events")), Enabled: true}
	for _, filter := range n.Events {
		if !systemlog.MatchesAny(filter) {
			return n, errcode.InvalidField("events", "unknown")
		}
	}
	return n, nil
}

func (c *Pages) createWebhook(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	n, err := readWebhook(in)
	if err != nil {
		return shell.Outcome{}, err
	}
	secret, h, err := c.Directory.Admin.CreateWebhook(ctx, p, from, n)
	return shell.Outcome{Secret: &view.SecretShown{Subject: h.Name, Secret: secret.Reveal(), Back: WebhooksPath + "/" + h.ID}}, err
}

func (c *Pages) editWebhook(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
	n, err := readWebhook(in)
	if err != nil {
		return shell.Outcome{}, err
	}
	return shell.Outcome{}, c.updateWebhook(ctx, p, from, in, func(old admin.NewWebhook) admin.NewWebhook { n.Enabled = old.Enabled; return n })
}

func (c *Pages) enableWebhook(on bool) func(context.Context, admin.Principal, account.RequestInfo, shell.Input) (shell.Outcome, error) {
	return func(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input) (shell.Outcome, error) {
		return shell.Outcome{}, c.updateWebhook(ctx, p, from, in, func(old admin.NewWebhook) admin.NewWebhook { old.Enabled = on; return old })
	}
}

// updateWebhook replaces the settings of the webhook in the path by what change makes of them.
func (c *Pages) updateWebhook(ctx context.Context, p admin.Principal, from account.RequestInfo, in shell.Input, change func(admin.NewWebhook) admin.NewWebhook) error {
	id := in.Path("wid")
	h, err := c.Directory.Admin.Webhook(ctx, p, id)
	if err != nil {
		return err
	}
	_, err = c.Directory.Admin.UpdateWebhook(ctx, p, from, id, change(admin.NewWebhook{Name: h.Name, URL: h.URL, Events: h.Events, Enabled: h.DisabledReason == ""}))
	return err
}
