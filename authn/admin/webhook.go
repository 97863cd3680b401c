package admin

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/internal/webhook"
	"barillet/store"
)

// NewWebhook is a receiver of events to be made, or what becomes of one.
type NewWebhook struct {
	Name    string   // 1 to 64 characters
	URL     string   // at most 1,024 bytes; where it may lead: internal/outbound
	Events  []string // 1 to 16 types, beginnings that end in ".*", or "*"
	Enabled bool
}

// CreateWebhook makes a receiver of events, whose secret is shown in this one answer. Only SUPER_ADMIN for everybody:
// what happens to anybody is told to it. Forbidden, Invalid, TooMany beyond 16.
func (d *Service) CreateWebhook(ctx context.Context, op Principal, req account.RequestInfo, n NewWebhook) (secret.Value, webhook.Endpoint, error) {
	if err := op.requireAllGroups(PermConfigure); err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	n, err := d.webhook(n)
	if err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	a := d.Accounts.NewOperation(req)
	value, err := webhookSecret(a)
	if err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	h := webhook.Endpoint{ID: a.ID("webhook"), By: op.ID, Created: a.Now}
	h.Replace(a.Now, value)
	n.into(&h, a)
	h, err = account.Update(ctx, d.Accounts, a, func(tx *account.Tx) (webhook.Endpoint, error) {
		h := h
		err := d.hooks.Change(tx.Raw, func(b *webhook.EndpointList) error {
			if len(b.Hooks) >= webhook.Most {
				return errcode.New(errcode.TooMany)
			}
			b.Hooks = append(b.Hooks, h)
			return nil
		})
		if err != nil {
			return webhook.Endpoint{}, err
		}
		return h, tx.Audit(op.webhookEvent(audit.WebhookCreated, &h))
	})
	if err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	return secret.From(value.Text()), h, nil
}

// UpdateWebhook replaces what a receiver is called, where it is, what it wants and whether it gets it. Its secret stays.
// A change of nothing is no act.
func (d *Service) UpdateWebhook(ctx context.Context, op Principal, req account.RequestInfo, id string, n NewWebhook) (webhook.Endpoint, error) {
	if err := op.requireAllGroups(PermConfigure); err != nil {
		return webhook.Endpoint{}, err
	}
	n, err := d.webhook(n)
	if err != nil {
		return webhook.Endpoint{}, err
	}
	return d.changeWebhook(ctx, op, req, id, audit.WebhookUpdated, func(h *webhook.Endpoint, a *account.Operation) bool {
		if h.Name == n.Name && h.URL == n.URL && slices.Equal(h.Events, n.Events) && n.Enabled == (h.DisabledReason == "") {
			return false
		}
		n.into(h, a)
		return true
	})
}

// RotateWebhook gives a receiver a new secret, shown in this one answer. The one before signs beside it for a day.
func (d *Service) RotateWebhook(ctx context.Context, op Principal, req account.RequestInfo, id string) (secret.Value, webhook.Endpoint, error) {
	if err := op.requireAllGroups(PermConfigure); err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	value, err := webhookSecret(d.Accounts.NewOperation(req))
	if err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	h, err := d.changeWebhook(ctx, op, req, id, audit.WebhookRotated, func(h *webhook.Endpoint, a *account.Operation) bool {
		h.Replace(a.Now, value)
		h.Changed = a.Now
		return true
	})
	return secret.From(value.Text()), h, err
}

// TestWebhook sends one receiver an event that says that it is a test, whatever it asked for. WrongState with ReasonDisabled
// for one that is switched off.
func (d *Service) TestWebhook(ctx context.Context, op Principal, req account.RequestInfo, id string) (webhook.Endpoint, error) {
	if err := op.requireAllGroups(PermConfigure); err != nil {
		return webhook.Endpoint{}, err
	}
	return account.Update(ctx, d.Accounts, d.Accounts.NewOperation(req), func(tx *account.Tx) (webhook.Endpoint, error) {
		h, err := d.findWebhook(tx.Raw, id)
		if err != nil {
			return webhook.Endpoint{}, err
		}
		if h.DisabledReason != "" {
			return webhook.Endpoint{}, errcode.WrongStateFor(errcode.ReasonDisabled)
		}
		return h, tx.Audit(op.webhookEvent(audit.WebhookTested, &h))
	})
}

// DeleteWebhook ends a receiver; what waits for it is forgotten.
func (d *Service) DeleteWebhook(ctx context.Context, op Principal, req account.RequestInfo, id string) error {
	if err := op.requireAllGroups(PermConfigure); err != nil {
		return err
	}
	_, err := account.Update(ctx, d.Accounts, d.Accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		h, err := d.findWebhook(tx.Raw, id)
		if err != nil {
			return struct{}{}, err
		}
		err = d.hooks.Change(tx.Raw, func(b *webhook.EndpointList) error {
			b.Hooks = slices.DeleteFunc(b.Hooks, func(h webhook.Endpoint) bool { return h.ID == id })
			return nil
		})
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Audit(op.webhookEvent(audit.WebhookDeleted, &h))
	})
	return err
}

// Webhooks lists the receivers in the order in which they were made.
func (d *Service) Webhooks(ctx context.Context, op Principal) ([]webhook.Endpoint, error) {
	if err := op.requireAllGroups(PermConfigure); err != nil {
		return nil, err
	}
	var book webhook.EndpointList
	err := d.Accounts.Store.View(ctx, func(s store.Snapshot) (err error) {
		book, err = d.hooks.List(s)
		return err
	})
	return book.Hooks, err
}

// Webhook reads one receiver; NotFound.
func (d *Service) Webhook(ctx context.Context, op Principal, id string) (webhook.Endpoint, error) {
	if err := op.requireAllGroups(PermConfigure); err != nil {
		return webhook.Endpoint{}, err
	}
	var h webhook.Endpoint
	err := d.Accounts.Store.View(ctx, func(s store.Snapshot) (err error) {
		h, err = d.findWebhook(s, id)
		return err
	})
	return h, err
}

// Deliveries lists what waits for a receiver and what was given up, oldest first; state is "waiting", "dead", or empty
// for both. next is the cursor for more.
func (d *Service) Deliveries(ctx context.Context, op Principal, id, state, after string, limit int) (found []webhook.Delivery, next string, err error) {
	if err := op.requireAllGroups(PermConfigure); err != nil {
		return nil, "", err
	}
	err = d.Accounts.Store.View(ctx, func(s store.Snapshot) error {
		h, err := d.findWebhook(s, id)
		if err != nil {
			return err
		}
		found, next, err = d.hooks.Deliveries(s, h.ID, state, after, limit)
		return err
	})
	return found, next, err
}

func (d *Service) findWebhook(r store.Reader, id string) (webhook.Endpoint, error) {
	book, err := d.hooks.List(r)
	if err != nil {
		return webhook.Endpoint{}, err
	}
	if h := book.Find(id); h != nil {
		return *h, nil
	}
	return webhook.Endpoint{}, errcode.New(errcode.NotFound)
}

// changeWebhook stores what fn makes of a receiver, and the event, unless fn changes nothing.
func (d *Service) changeWebhook(ctx context.Context, op Principal, req account.RequestInfo, id, action string, fn func(*webhook.Endpoint, *account.Operation) bool) (webhook.Endpoint, error) {
	return account.Update(ctx, d.Accounts, d.Accounts.NewOperation(req), func(tx *account.Tx) (webhook.Endpoint, error) {
		h, err := d.findWebhook(tx.Raw, id)
		if err != nil || !fn(&h, tx.Op) {
			return h, err
		}
		err = d.hooks.Change(tx.Raw, func(b *webhook.EndpointList) error {
			*b.Find(id) = h
			return nil
		})
		if err != nil {
			return webhook.Endpoint{}, err
		}
		return h, tx.Audit(op.webhookEvent(action, &h))
	})
}

// webhook judges what a receiver is to be.
func (d *Service) webhook(n NewWebhook) (NewWebhook, error) {
	name, ok := Sanitize(n.Name, account.MaxName, false)
	if !ok || name == "" {
		return n, errcode.InvalidField("name", "name")
	}
	n.Name = name
	if len(n.URL) > webhook.MaxURL {
		return n, errcode.InvalidField("url", "too_long")
	}
	if _, err := d.Outbound.Check(n.URL); err != nil {
		return n, errcode.InvalidField("url", "forbidden")
	}
	if len(n.Events) == 0 || len(n.Events) > webhook.MaxFilters {
		return n, errcode.InvalidField("events", "count")
	}
	if slices.ContainsFunc(n.Events, func(filter string) bool { return !webhook.IsFilter(filter) }) {
		return n, errcode.InvalidField("events", "unknown")
	}
	n.Events = slices.Compact(slices.Sorted(slices.Values(n.Events)))
	return n, nil
}

// into writes what was judged into a receiver. One that is enabled again begins afresh.
func (n NewWebhook) into(h *webhook.Endpoint, op *account.Operation) {
	h.Name, h.URL, h.Events, h.Changed = n.Name, n.URL, n.Events, op.Now
	switch {
	case n.Enabled:
		h.DisabledReason = ""
	case h.DisabledReason == "":
		h.DisabledReason = webhook.DisabledByAdmin
	}
}

// webhookSecret draws the 256 bits that sign.
func webhookSecret(op *account.Operation) (webhook.Secret, error) {
	raw, err := base64.RawURLEncoding.DecodeString(op.Secret("webhook").Reveal())
	if err != nil {
		return nil, fmt.Errorf("drawing a webhook's secret: %w", err)
	}
	return raw, nil
}

// webhookEvent is an act of the operator on a receiver, done. Of its address the log gets the host: the rest may be as
// good as a password.
func (op Principal) webhookEvent(action string, h *webhook.Endpoint) audit.Event {
	e := audit.Event{Actor: op.Actor(), Action: action, Outcome: audit.Success,
		Targets: []audit.Actor{{Type: audit.TypeWebhook, ID: h.ID, Name: h.Name}},
		Detail:  map[string]string{"events": strings.Join(h.Events, " ")}}
	if u, err := url.Parse(h.URL); err == nil {
		e.Detail["host"] = u.Host
	}
	if h.DisabledReason != "" {
		e.Detail["off"] = h.DisabledReason
	}
	return e
}
