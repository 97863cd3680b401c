// Package webhook stores webhook endpoints and sends them audit events as HTTP requests, signed by Standard Webhooks. A
// delivery is stored in the Update that appends its event (promise D2). The package does not decide which events exist or
// who may create an endpoint. The schedule of attempts belongs to internal/outbox, the allowed addresses to
// internal/outbound.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"barillet/internal/audit"
)

// The limits of endpoints. All endpoints are in one record, which each Update with an event reads.
const (
	Most       = 16
	MaxURL     = 1024 // bytes
	MaxFilters = 16
	MaxFilter  = 64 // bytes

	OldSecret = 24 * time.Hour // how long a replaced secret continues to sign
)

// Endpoint is a webhook endpoint.
type Endpoint struct {
	ID             string    `json:"id"`
	Name           string    `json:"name"`
	URL            string    `json:"url"`
	Events         []string  `json:"events"`                    // filters: event types, prefixes that end with ".*", or "*"
	DisabledReason string    `json:"disabled_reason,omitempty"` // one of the reasons below; empty: the endpoint is enabled
	Overruns       []Overrun `json:"overruns,omitempty"`        // the lanes whose queue is full
	Keys           []Key     `json:"keys"`                      // newest first
	By             string    `json:"by"`                        // id of the principal that created it
	Created        time.Time `json:"created"`
	Changed        time.Time `json:"changed"`
}

// Overrun states that the queue of a lane is full. Events of the lane after Since are left out.
type Overrun struct {
	Lane  audit.Lane `json:"lane"`
	Since time.Time  `json:"since"`
}

// The reasons why an endpoint is disabled.
const (
	DisabledByAdmin = "administrator"
	DisabledGone    = "gone" // it returned 410 (Standard Webhooks, "Deactivating subscriptions")
)

// Key is a signing secret.
type Key struct {
	Value Secret    `json:"value"`
	Until time.Time `json:"until,omitzero" ahead:"24h"` // zero: until it is replaced
}

// Secret is the value of a key. It prints as [redacted]. Its JSON contains the value and is only for the encrypted
// record.
type Secret []byte

// Format prints [redacted] for every verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, "[redacted]") }

// Text returns the secret in the format of the Standard Webhooks libraries.
func (s Secret) Text() string { return "whsec_" + base64.StdEncoding.EncodeToString(s) }

// Wants reports whether the endpoint receives events of a type.
func (h *Endpoint) Wants(action string) bool {
	return h.DisabledReason == "" && slices.ContainsFunc(h.Events, func(filter string) bool { return Matches(filter, action) })
}

// Drops reports whether the endpoint leaves out an event of the lane and the time, because too many wait.
func (h *Endpoint) Drops(lane audit.Lane, at time.Time) bool {
	return slices.ContainsFunc(h.Overruns, func(o Overrun) bool { return o.Lane == lane && at.After(o.Since) })
}

// Matches reports whether a filter selects an event type: it is that type, a prefix of it that ends with ".*", or "*".
func Matches(filter, action string) bool {
	prefix, wildcard := strings.CutSuffix(filter, "*")
	return filter == action || wildcard && strings.HasPrefix(action, prefix)
}

// IsFilter reports whether a text is a valid filter.
func IsFilter(s string) bool {
	if s == "*" {
		return true
	}
	if len(s) > MaxFilter {
		return false
	}
	for word := range strings.SplitSeq(strings.TrimSuffix(s, ".*"), ".") {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return false
		}
	}
	return true
}

// Replace sets the signing secret. The previous one also signs for a day; earlier ones are removed.
func (h *Endpoint) Replace(now time.Time, secret Secret) {
	keys := []Key{{Value: secret}}
	if len(h.Keys) > 0 {
		keys = append(keys, Key{Value: h.Keys[0].Value, Until: now.Add(OldSecret)})
	}
	h.Keys = keys
}

// sign returns the value of the header webhook-signature: a signature by each valid key, separated by spaces (Standard
// Webhooks, "Signature scheme").
func (h *Endpoint) sign(now time.Time, id string, body []byte) string {
	var out []string
	for _, k := range h.Keys {
		if !k.Until.IsZero() && !now.Before(k.Until) {
			continue
		}
		m := hmac.New(sha256.New, k.Value)
		fmt.Fprintf(m, "%s.%s.", id, strconv.FormatInt(now.Unix(), 10))
		m.Write(body)
		out = append(out, "v1,"+base64.StdEncoding.EncodeToString(m.Sum(nil)))
	}
	return strings.Join(out, " ")
}
