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
func (s *Service) CreateWebhook(ctx context.Context, p Principal, req account.RequestInfo, n NewWebhook) (secret.Value, webhook.Endpoint, error) {
	if err := p.requireAllGroups(PermConfigure); err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	n, err := s.validateWebhook(n)
	if err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	op := s.Accounts.NewOperation(req)
	value, err := webhookSecret(op)
	if err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	endpoint := webhook.Endpoint{ID: op.ID("webhook"), By: p.ID, Created: op.Now}
	endpoint.Replace(op.Now, value)
	n.apply(&endpoint, op)
	endpoint, err = account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (webhook.Endpoint, error) {
		endpoint := endpoint
		err := s.endpoints.Change(tx.Raw, func(list *webhook.EndpointList) error {
			if len(list.Hooks) >= webhook.Most {
				return errcode.New(errcode.TooMany)
			}
			list.Hooks = append(list.Hooks, endpoint)
			return nil
		})
		if err != nil {
			return webhook.Endpoint{}, err
		}
		return endpoint, tx.Audit(p.webhookEvent(audit.WebhookCreated, &endpoint))
	})
	if err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	return secret.From(value.Text()), endpoint, nil
}

// UpdateWebhook replaces what a receiver is called, where it is, what it wants and whether it gets it. Its secret stays.
// A change of nothing is no act.
func (s *Service) UpdateWebhook(ctx context.Context, p Principal, req account.RequestInfo, id string, n NewWebhook) (webhook.Endpoint, error) {
	if err := p.requireAllGroups(PermConfigure); err != nil {
		return webhook.Endpoint{}, err
	}
	n, err := s.validateWebhook(n)
	if err != nil {
		return webhook.Endpoint{}, err
	}
	return s.changeWebhook(ctx, p, req, id, audit.WebhookUpdated, func(endpoint *webhook.Endpoint, op *account.Operation) bool {
		if endpoint.Name == n.Name && endpoint.URL == n.URL && slices.Equal(endpoint.Events, n.Events) && n.Enabled == (endpoint.DisabledReason == "") {
			return false
		}
		n.apply(endpoint, op)
		return true
	})
}

// RotateWebhook gives a receiver a new secret, shown in this one answer. The one before signs beside it for a day.
func (s *Service) RotateWebhook(ctx context.Context, p Principal, req account.RequestInfo, id string) (secret.Value, webhook.Endpoint, error) {
	if err := p.requireAllGroups(PermConfigure); err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	value, err := webhookSecret(s.Accounts.NewOperation(req))
	if err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	endpoint, err := s.changeWebhook(ctx, p, req, id, audit.WebhookRotated, func(endpoint *webhook.Endpoint, op *account.Operation) bool {
		endpoint.Replace(op.Now, value)
		endpoint.Changed = op.Now
		return true
	})
	return secret.From(value.Text()), endpoint, err
}

// TestWebhook sends one receiver an event that says that it is a test, whatever it asked for. WrongState with ReasonDisabled
// for one that is switched off.
func (s *Service) TestWebhook(ctx context.Context, p Principal, req account.RequestInfo, id string) (webhook.Endpoint, error) {
	if err := p.requireAllGroups(PermConfigure); err != nil {
		return webhook.Endpoint{}, err
	}
	return account.Update(ctx, s.Accounts, s.Accounts.NewOperation(req), func(tx *account.Tx) (webhook.Endpoint, error) {
		endpoint, err := s.findWebhook(tx.Raw, id)
		if err != nil {
			return webhook.Endpoint{}, err
		}
		if endpoint.DisabledReason != "" {
			return webhook.Endpoint{}, &errcode.Error{Code: errcode.WrongState, Reason: errcode.ReasonDisabled}
		}
		return endpoint, tx.Audit(p.webhookEvent(audit.WebhookTested, &endpoint))
	})
}

// DeleteWebhook ends a receiver; what waits for it is forgotten.
func (s *Service) DeleteWebhook(ctx context.Context, p Principal, req account.RequestInfo, id string) error {
	if err := p.requireAllGroups(PermConfigure); err != nil {
		return err
	}
	_, err := account.Update(ctx, s.Accounts, s.Accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		endpoint, err := s.findWebhook(tx.Raw, id)
		if err != nil {
			return struct{}{}, err
		}
		err = s.endpoints.Change(tx.Raw, func(list *webhook.EndpointList) error {
			list.Hooks = slices.DeleteFunc(list.Hooks, func(endpoint webhook.Endpoint) bool { return endpoint.ID == id })
			return nil
		})
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Audit(p.webhookEvent(audit.WebhookDeleted, &endpoint))
	})
	return err
}

// Webhooks lists the receivers in the order in which they were made.
func (s *Service) Webhooks(ctx context.Context, p Principal) ([]webhook.Endpoint, error) {
	if err := p.requireAllGroups(PermConfigure); err != nil {
		return nil, err
	}
	var list webhook.EndpointList
	err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		list, err = s.endpoints.List(snap)
		return err
	})
	return list.Hooks, err
}

// Webhook reads one receiver; NotFound.
func (s *Service) Webhook(ctx context.Context, p Principal, id string) (webhook.Endpoint, error) {
	if err := p.requireAllGroups(PermConfigure); err != nil {
		return webhook.Endpoint{}, err
	}
	var endpoint webhook.Endpoint
	err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		endpoint, err = s.findWebhook(snap, id)
		return err
	})
	return endpoint, err
}

// Deliveries lists what waits for a receiver and what was given up, oldest first; state is "waiting", "dead", or empty
// for both. next is the cursor for more.
func (s *Service) Deliveries(ctx context.Context, p Principal, id, state, after string, limit int) (found []webhook.Delivery, next string, err error) {
	if err := p.requireAllGroups(PermConfigure); err != nil {
		return nil, "", err
	}
	err = s.Accounts.Store.View(ctx, func(snap store.Snapshot) error {
		endpoint, err := s.findWebhook(snap, id)
		if err != nil {
			return err
		}
		found, next, err = s.endpoints.Deliveries(snap, endpoint.ID, state, after, limit)
		return err
	})
	return found, next, err
}

func (s *Service) findWebhook(r store.Reader, id string) (webhook.Endpoint, error) {
	list, err := s.endpoints.List(r)
	if err != nil {
		return webhook.Endpoint{}, err
	}
	if endpoint := list.Find(id); endpoint != nil {
		return *endpoint, nil
	}
	return webhook.Endpoint{}, errcode.New(errcode.NotFound)
}

// changeWebhook stores what fn makes of a receiver, and the event, unless fn changes nothing.
func (s *Service) changeWebhook(ctx context.Context, p Principal, req account.RequestInfo, id, action string, fn func(*webhook.Endpoint, *account.Operation) bool) (webhook.Endpoint, error) {
	return account.Update(ctx, s.Accounts, s.Accounts.NewOperation(req), func(tx *account.Tx) (webhook.Endpoint, error) {
		endpoint, err := s.findWebhook(tx.Raw, id)
		if err != nil || !fn(&endpoint, tx.Op) {
			return endpoint, err
		}
		err = s.endpoints.Change(tx.Raw, func(list *webhook.EndpointList) error {
			*list.Find(id) = endpoint
			return nil
		})
		if err != nil {
			return webhook.Endpoint{}, err
		}
		return endpoint, tx.Audit(p.webhookEvent(action, &endpoint))
	})
}

// validateWebhook judges what a receiver is to be.
func (s *Service) validateWebhook(n NewWebhook) (NewWebhook, error) {
	name, ok := Sanitize(n.Name, account.MaxName, false)
	if !ok || name == "" {
		return n, errcode.InvalidField("name", "name")
	}
	n.Name = name
	if len(n.URL) > webhook.MaxURL {
		return n, errcode.InvalidField("url", "too_long")
	}
	if _, err := s.Outbound.Check(n.URL); err != nil {
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

// apply writes what was judged into a receiver. One that is enabled again begins afresh.
func (n NewWebhook) apply(endpoint *webhook.Endpoint, op *account.Operation) {
	endpoint.Name, endpoint.URL, endpoint.Events, endpoint.Changed = n.Name, n.URL, n.Events, op.Now
	switch {
	case n.Enabled:
		endpoint.DisabledReason = ""
	case endpoint.DisabledReason == "":
		endpoint.DisabledReason = webhook.DisabledByAdmin
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
func (p Principal) webhookEvent(action string, endpoint *webhook.Endpoint) audit.Event {
	e := audit.Event{Actor: p.Actor(), Action: action, Outcome: audit.Success,
		Targets: []audit.Actor{{Type: audit.TypeWebhook, ID: endpoint.ID, Name: endpoint.Name}},
		Detail:  map[string]string{"events": strings.Join(endpoint.Events, " ")}}
	if u, err := url.Parse(endpoint.URL); err == nil {
		e.Detail["host"] = u.Host
	}
	if endpoint.DisabledReason != "" {
		e.Detail["off"] = endpoint.DisabledReason
	}
	return e
}
