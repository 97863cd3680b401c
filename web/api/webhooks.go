package api

import (
	"net/http"
	"time"

	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/internal/webhook"
	"barillet/web/api/systemlog"
	"barillet/web/reply"
)

// webhookJSON is a webhook. Only the response that creates the secret contains it.
type webhookJSON struct {
	ID             string              `json:"id"`
	Name           string              `json:"name"`
	URL            string              `json:"url"`
	Events         []string            `json:"events"`
	Enabled        bool                `json:"enabled"`
	DisabledReason *string             `json:"disabledReason"` // "administrator", or "gone" after a response with 410
	Overrun        bool                `json:"overrun"`        // the queue of a lane is full: its new events are dropped
	By             string              `json:"createdBy"`
	Created        *string             `json:"created"`
	LastUpdated    *string             `json:"lastUpdated"`
	OldSecretUntil *string             `json:"oldSecretUntil"` // the previous secret signs until then
	Secret         string              `json:"secret,omitempty"`
	Links          map[string]linkJSON `json:"_links"`
}

func (a *API) webhook(h webhook.Endpoint) webhookJSON { return a.webhookAt(h, a.now()) }

func (a *API) webhookAt(h webhook.Endpoint, now time.Time) webhookJSON {
	self := a.publicURL + "/api/v1/webhooks/" + h.ID
	out := webhookJSON{ID: h.ID, Name: h.Name, URL: h.URL, Events: h.Events, Enabled: h.DisabledReason == "", Overrun: len(h.Overruns) > 0, By: h.By,
		Created: reply.Timestamp(h.Created), LastUpdated: reply.Timestamp(h.Changed),
		Links: map[string]linkJSON{"self": {Href: self}, "deliveries": {Href: self + "/deliveries"}}}
	if h.DisabledReason != "" {
		out.DisabledReason = &h.DisabledReason
	}
	for _, k := range h.Keys {
		if now.Before(k.Until) {
			out.OldSecretUntil = reply.Timestamp(k.Until)
		}
	}
	return out
}

// deliveryJSON is a delivery that waits or is dead. Its content is in the log.
type deliveryJSON struct {
	ID          string  `json:"id"`
	EventID     string  `json:"eventId"`
	EventType   string  `json:"eventType"`
	Status      string  `json:"status"` // "waiting" or "dead"
	Created     *string `json:"created"`
	Attempts    int     `json:"attempts"`
	LastAttempt *string `json:"lastAttempt"`
	NextAttempt *string `json:"nextAttempt"` // null: as soon as possible, or never
	GivenUp     *string `json:"givenUp"`
	LastError   *string `json:"lastError"`
}

// The states of a delivery.
const (
	deliveryWaiting = "waiting"
	deliveryDead    = "dead"
)

func delivery(x webhook.Delivery) deliveryJSON {
	out := deliveryJSON{ID: x.ID, EventID: x.Event, EventType: x.Type, Status: deliveryWaiting, Created: reply.Timestamp(x.Queued), Attempts: x.Count,
		LastAttempt: reply.Timestamp(x.Tried), NextAttempt: reply.Timestamp(x.NotBefore), GivenUp: reply.Timestamp(x.Died)}
	if x.Dead {
		out.Status, out.NextAttempt = deliveryDead, nil
	}
	if x.LastError != "" {
		out.LastError = &x.LastError
	}
	return out
}

// webhookBody is a webhook in a request.
type webhookBody struct {
	Name    string   `json:"name"`
	URL     string   `json:"url"`
	Events  []string `json:"events"`
	Enabled *bool    `json:"enabled"` // default: true
}

func readWebhook(r *http.Request) (admin.NewWebhook, error) {
	var body webhookBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return admin.NewWebhook{}, err
	}
	for _, filter := range body.Events {
		if !systemlog.MatchesAny(filter) {
			return admin.NewWebhook{}, errcode.InvalidField("events", "unknown") // a misspelt type would never match
		}
	}
	return admin.NewWebhook{Name: body.Name, URL: body.URL, Events: body.Events, Enabled: body.Enabled == nil || *body.Enabled}, nil
}

func (a *API) listWebhooks(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	return list(a, w, r, func(page) ([]webhook.Endpoint, string, error) {
		hooks, err := a.directory.Admin.Webhooks(r.Context(), op)
		return hooks, "", err // at most 16, on one page
	}, a.webhook)
}

func (a *API) createWebhook(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	n, err := readWebhook(r)
	if err != nil {
		return err
	}
	return a.once(w, r, op, a.webhookCall(http.StatusCreated, func(r *http.Request) (secret.Value, webhook.Endpoint, error) {
		return a.directory.Admin.CreateWebhook(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), n)
	}))
}

// webhookCall returns a call whose response is a webhook, with the secret if the call creates one. The secret is
// written after the operation, and is not stored.
func (a *API) webhookCall(status int, do func(r *http.Request) (secret.Value, webhook.Endpoint, error)) idempotentCall {
	var secret secret.Value
	now := a.now() // the response is created in an Update, which reads no clock
	return answering(func(r *http.Request) (h webhook.Endpoint, err error) {
		secret, h, err = do(r)
		return h, err
	}, func(h webhook.Endpoint) (int, any, any, error) {
		kept := a.webhookAt(h, now)
		shown := kept
		shown.Secret = secret.Reveal()
		return status, shown, kept, nil
	})
}

func (a *API) getWebhook(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, err := pathID(r, "wid")
	if err != nil {
		return err
	}
	h, err := a.directory.Admin.Webhook(r.Context(), op, id)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, a.webhook(h))
}

func (a *API) replaceWebhook(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	n, err := readWebhook(r)
	if err != nil {
		return err
	}
	id, err := pathID(r, "wid")
	if err != nil {
		return err
	}
	h, err := a.directory.Admin.UpdateWebhook(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, n)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, a.webhook(h))
}

func (a *API) deleteWebhook(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, err := pathID(r, "wid")
	if err != nil {
		return err
	}
	if err := a.directory.Admin.DeleteWebhook(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// onWebhook serves a call on a webhook without a body.
func (a *API) onWebhook(status int, do func(r *http.Request, op admin.Principal, id string) (secret.Value, webhook.Endpoint, error)) handler {
	return func(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
		if err := reply.DecodeOptionalJSON(r, maxBody, &struct{}{}); err != nil {
			return err
		}
		id, err := pathID(r, "wid")
		if err != nil {
			return err
		}
		return a.once(w, r, op, a.webhookCall(status, func(r *http.Request) (secret.Value, webhook.Endpoint, error) { return do(r, op, id) }))
	}
}

func (a *API) testWebhook(r *http.Request, op admin.Principal, id string) (secret.Value, webhook.Endpoint, error) {
	h, err := a.directory.Admin.TestWebhook(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id)
	return secret.Value{}, h, err
}

func (a *API) rotateWebhook(r *http.Request, op admin.Principal, id string) (secret.Value, webhook.Endpoint, error) {
	return a.directory.Admin.RotateWebhook(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id)
}

func (a *API) listDeliveries(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, err := pathID(r, "wid")
	if err != nil {
		return err
	}
	return list(a, w, r, func(p page) ([]webhook.Delivery, string, error) {
		state := p.text("status")
		if state != "" && state != deliveryWaiting && state != deliveryDead {
			return nil, "", badParameter("status")
		}
		return a.directory.Admin.Deliveries(r.Context(), op, id, state, p.after, p.limit)
	}, delivery)
}
