// Package webhook owns who is told of the house's events by HTTP: the receivers with their secrets, and the calls that
// wait, written in the Update of the event itself. It signs them by Standard Webhooks. It does not decide what is an
// event, nor who may make a receiver; how often a call is tried belongs to internal/outbox, which addresses may be
// called to internal/outbound.
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
)

// The limits of receivers. All of them are one record, which every Update with an event reads.
const (
	Most       = 16
	MaxURL     = 1024 // bytes
	MaxFilters = 16
	MaxFilter  = 64 // bytes

	OldSecret = 24 * time.Hour // for how long a secret that was replaced still signs
)

// Endpoint is one receiver.
type Endpoint struct {
	ID             string    `json:"id"`
	Name           string    `json:"name"`
	URL            string    `json:"url"`
	Events         []string  `json:"events"`                    // types, beginnings that end in ".*", or "*"
	DisabledReason string    `json:"disabled_reason,omitempty"` // why it is switched off, one of the reasons below; empty: it is not
	Overrun        bool      `json:"overrun,omitempty"`
	Keys           []Key     `json:"keys"` // newest first
	By             string    `json:"by"`   // id of the operator who made it
	Created        time.Time `json:"created"`
	Changed        time.Time `json:"changed"`
}

// Why a receiver is switched off.
const (
	DisabledByAdmin = "operator"
	DisabledGone    = "gone" // it answered 410 (Standard Webhooks, "Deactivating subscriptions")
)

// Key is a secret that signs.
type Key struct {
	Value Secret    `json:"value"`
	Until time.Time `json:"until,omitzero"` // zero: until it is replaced
}

// Secret is the bytes of a key. It prints as [redacted]; its JSON is for the sealed record alone.
type Secret []byte

// Format prints nothing of it, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, "[redacted]") }

// Text is the secret as its receiver's library takes it.
func (s Secret) Text() string { return "whsec_" + base64.StdEncoding.EncodeToString(s) }

// Wants tells whether the receiver asked for events of this type, and gets them.
func (h *Endpoint) Wants(action string) bool {
	return h.DisabledReason == "" && !h.Overrun && slices.ContainsFunc(h.Events, func(filter string) bool { return Matches(filter, action) })
}

// Matches tells whether a filter asks for a type: it is the type itself, a beginning of it that ends in ".*", or "*".
func Matches(filter, action string) bool {
	beginning, open := strings.CutSuffix(filter, "*")
	return filter == action || open && strings.HasPrefix(action, beginning)
}

// IsFilter tells whether a text is a filter.
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

// Replace makes the secret the one that signs. The one before signs beside it for a day; earlier ones are gone.
func (h *Endpoint) Replace(now time.Time, secret Secret) {
	keys := []Key{{Value: secret}}
	if len(h.Keys) > 0 {
		keys = append(keys, Key{Value: h.Keys[0].Value, Until: now.Add(OldSecret)})
	}
	h.Keys = keys
}

// sign gives the value of webhook-signature: one signature of each key that is alive, parted by blanks (Standard
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
