package admin

import (
	"context"
	"crypto/rand"
	"net/url"
	"slices"
	"strings"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/internal/secret"
	"barillet/internal/webhook"
	"barillet/store"
)

// NewWebhook describes a webhook endpoint to create, or the new settings of one.
type NewWebhook struct {
	Name    string   // 1 to 64 characters
	URL     string   // at most 1,024 bytes; internal/outbound checks its address
	Events  []string // 1 to 16 event types, prefixes that end in ".*", or "*"
	Enabled bool
}

// CreateWebhook creates a webhook endpoint and returns its secret. It needs SUPER_ADMIN without a group scope, because
// the endpoint receives the events of all users. It returns Forbidden, Invalid, or TooMany for more than 16 endpoints.
func (s *Service) CreateWebhook(ctx context.Context, p Principal, req account.RequestInfo, n NewWebhook) (secret.Value, webhook.Endpoint, error) {
	if err := p.RequireUnscoped(PermConfigure); err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	n, err := s.validateWebhook(n)
	if err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	op := s.Accounts.NewOperation(req)
	value := webhookSecret()
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

// UpdateWebhook replaces the name, URL, event types and enabled state of an endpoint. Its secret does not change. An
// update without a difference has no effect and no audit event.
func (s *Service) UpdateWebhook(ctx context.Context, p Principal, req account.RequestInfo, id string, n NewWebhook) (webhook.Endpoint, error) {
	if err := p.RequireUnscoped(PermConfigure); err != nil {
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

// RotateWebhook replaces the secret of an endpoint and returns the new one. For one day, requests carry signatures of
// both secrets.
func (s *Service) RotateWebhook(ctx context.Context, p Principal, req account.RequestInfo, id string) (secret.Value, webhook.Endpoint, error) {
	if err := p.RequireUnscoped(PermConfigure); err != nil {
		return secret.Value{}, webhook.Endpoint{}, err
	}
	value := webhookSecret()
	endpoint, err := s.changeWebhook(ctx, p, req, id, audit.WebhookRotated, func(endpoint *webhook.Endpoint, op *account.Operation) bool {
		endpoint.Replace(op.Now, value)
		endpoint.Changed = op.Now
		return true
	})
	return secret.From(value.Text()), endpoint, err
}

// TestWebhook sends a test event to one endpoint, also if it selects other event types. It returns WrongState with
// ReasonDisabled if the endpoint is disabled.
func (s *Service) TestWebhook(ctx context.Context, p Principal, req account.RequestInfo, id string) (webhook.Endpoint, error) {
	if err := p.RequireUnscoped(PermConfigure); err != nil {
		return webhook.Endpoint{}, err
	}
	return account.Update(ctx, s.Accounts, s.Accounts.NewOperation(req), func(tx *account.Tx) (webhook.Endpoint, error) {
		endpoint, err := s.findWebhook(tx.Raw, id)
		if err != nil {
			return webhook.Endpoint{}, err
		}
		if endpoint.DisabledReason != "" {
			return webhook.Endpoint{}, errcode.WrongStateFor(errcode.ReasonDisabled)
		}
		return endpoint, tx.Audit(p.webhookEvent(audit.WebhookTested, &endpoint))
	})
}

// DeleteWebhook deletes an endpoint and its waiting deliveries.
func (s *Service) DeleteWebhook(ctx context.Context, p Principal, req account.RequestInfo, id string) error {
	if err := p.RequireUnscoped(PermConfigure); err != nil {
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

// Webhooks returns the endpoints in the order of their creation.
func (s *Service) Webhooks(ctx context.Context, p Principal) ([]webhook.Endpoint, error) {
	if err := p.RequireUnscoped(PermReadConfiguration); err != nil {
		return nil, err
	}
	var list webhook.EndpointList
	err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		list, err = s.endpoints.List(snap)
		return err
	})
	return list.Hooks, err
}

// Webhook returns one endpoint, or NotFound.
func (s *Service) Webhook(ctx context.Context, p Principal, id string) (webhook.Endpoint, error) {
	if err := p.RequireUnscoped(PermReadConfiguration); err != nil {
		return webhook.Endpoint{}, err
	}
	var endpoint webhook.Endpoint
	err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		endpoint, err = s.findWebhook(snap, id)
		return err
	})
	return endpoint, err
}

// Deliveries returns a page of the waiting and dead deliveries of an endpoint, oldest first. state is "waiting",
// "dead", or empty for both. next is the cursor of the next page, or empty at the end.
func (s *Service) Deliveries(ctx context.Context, p Principal, id, state, after string, limit int) (found []webhook.Delivery, next string, err error) {
	if err := p.RequireUnscoped(PermReadConfiguration); err != nil {
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

// findWebhook returns the endpoint with this id, or NotFound.
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

// changeWebhook applies fn to an endpoint and stores it with an audit event. If fn returns false, nothing is stored.
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

// validateWebhook returns n with normalized values, or Invalid.
func (s *Service) validateWebhook(n NewWebhook) (NewWebhook, error) {
	name, ok := input.Text(n.Name, account.MaxName, false)
	if !ok || name == "" {
		return n, errcode.InvalidField("name", "name")
	}
	n.Name = name
	if len(n.URL) > webhook.MaxURL {
		return n, errcode.InvalidField("url", "too_long")
	}
	if input.PunycodeHost(n.URL) != "" {
		return n, errcode.InvalidField("url", "punycode")
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
	var events []string // in the order given
	for _, filter := range n.Events {
		if !slices.Contains(events, filter) {
			events = append(events, filter)
		}
	}
	n.Events = events
	return n, nil
}

// apply sets the values of n on an endpoint. It clears the reason of an endpoint that is enabled again.
func (n NewWebhook) apply(endpoint *webhook.Endpoint, op *account.Operation) {
	endpoint.Name, endpoint.URL, endpoint.Events, endpoint.Changed = n.Name, n.URL, n.Events, op.Now
	switch {
	case n.Enabled:
		endpoint.DisabledReason = ""
	case endpoint.DisabledReason == "":
		endpoint.DisabledReason = webhook.DisabledByAdmin
	}
}

// webhookSecret returns a new signing secret of 256 bits.
func webhookSecret() webhook.Secret {
	value := make(webhook.Secret, 32)
	rand.Read(value) // never fails
	return value
}

// webhookEvent returns the audit event of an operation of p on an endpoint. It contains only the host of the URL,
// because path and query can contain credentials.
func (p Principal) webhookEvent(action string, endpoint *webhook.Endpoint) audit.Event {
	e := audit.Event{Actor: p.Actor(), Action: action, Outcome: audit.Success,
		Targets: []audit.Actor{{Type: audit.TypeWebhook, ID: endpoint.ID, Name: endpoint.Name}},
		Detail:  map[string]string{"events": strings.Join(endpoint.Events, " ")}}
	if u, err := url.Parse(endpoint.URL); err == nil {
		e.Detail["host"] = u.Host
	}
	if endpoint.DisabledReason != "" {
		e.Detail["disabledReason"] = endpoint.DisabledReason
	}
	return e
}
