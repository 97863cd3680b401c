package oidc

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"barillet/internal/audit"
	"barillet/oidc/client"
)

// RequestError describes a request that is answered with a page: the client or its redirect URI is not known, or the request itself
// (RFC 6749 §4.1.2.1).
type RequestError struct {
	Code       string        // for the developer
	Fault      Fault         // "" if there were too many requests
	Client     client.ID     // of the request; "" if it cannot be the ID of a client
	App        string        // name of the client, if it is known
	Address    string        // the URI that is not registered, as shownAddress returns it
	RetryAfter time.Duration // set if there were too many requests
}

// Fault is why a request is answered with a page, for the developer, the log and the audit log.
type Fault string

// The faults of authorization and logout requests.
const (
	FaultMalformed      Fault = "malformed request"
	FaultClient         Fault = "unknown client"
	FaultRedirect       Fault = "unregistered redirect_uri"
	FaultLogoutRedirect Fault = "unregistered post_logout_redirect_uri"
	FaultPushed         Fault = "unknown request_uri"
	FaultHint           Fault = "invalid id_token_hint"
)

func (f Fault) error() *RequestError { return &RequestError{Code: "invalid_request", Fault: f} }

// Malformed returns the error for a form that cannot be read.
func Malformed() *RequestError { return FaultMalformed.error() }

// refuse returns the error for a fault of a request. id is the client_id that was sent, c its client or nil, and uri the
// URI that is at fault, or "". The log gets an entry if the audit log does (audit.Fold): any unauthenticated client can cause
// one.
func (p *Provider) refuse(ctx context.Context, ua UserAgent, fault Fault, id string, c *client.Client, uri string) (*RequestError, error) {
	e := fault.error()
	if e.Address = shownAddress(uri); client.ID(id).Valid() {
		e.Client = client.ID(id)
	}
	event := audit.Event{Actor: audit.Actor{Type: audit.TypeUnknown}, Action: audit.AppRefused, Outcome: audit.Failure, Reason: string(fault),
		Detail: map[string]string{}}
	if c != nil {
		e.App = c.Name
		event.Targets = []audit.Actor{c.AuditTarget()}
	}
	for name, v := range map[string]string{"client_id": string(e.Client), "address": e.Address} {
		if v != "" {
			event.Detail[name] = v
		}
	}
	written, err := p.Accounts.Refused(ctx, p.Accounts.NewOperation(ua.From), event)
	if err != nil {
		return nil, fmt.Errorf("recording a refused request: %w", err)
	}
	if written {
		p.Errors.LogAttrs(ctx, slog.LevelWarn, "an application's request is refused", slog.String("reason", string(fault)), slog.String("client", string(e.Client)),
			slog.String("address", e.Address), slog.String("request", ua.From.RequestID))
	}
	return e, nil
}

// maxShownAddress is the greatest length of an address on a page and in a log, in characters.
const maxShownAddress = 200

// shownAddress returns a URI for a page and a log: without its query, fragment and user, which may contain secrets, and with every
// character outside the syntax of URIs escaped. It returns "" for other text.
func shownAddress(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || !utf8.ValidString(uri) {
		return ""
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	shown := strings.Map(func(r rune) rune {
		if unprintable(r) {
			return -1
		}
		return r
	}, u.String())
	return shown[:min(len(shown), maxShownAddress)]
}

func unprintable(r rune) bool { return r <= ' ' || r >= 0x7f }
