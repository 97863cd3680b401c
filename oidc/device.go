package oidc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/internal/throttle"
	"barillet/oidc/client"
	"barillet/oidc/token"
	"barillet/store"
)

// UserCode is a device that waits for its user (RFC 8628), stored below the SHA-256 of its device code. The user code
// is short: only its HMAC under the pepper is stored, and not in a key.
type UserCode struct {
	Client   client.ID          `json:"client"`
	MAC      []byte             `json:"mac"`
	Scopes   []string           `json:"scopes"`
	Created  time.Time          `json:"created"`
	Expires  time.Time          `json:"expires" since:"Created"`
	Polled   time.Time          `json:"polled,omitzero"`
	Interval time.Duration      `json:"interval"` // shortest time between polls
	Denied   bool               `json:"denied,omitempty"`
	Approval *token.AuthContext `json:"approval,omitempty"` // set when the user allowed the device
}

const (
	pollInterval = 5 * time.Second // each poll that comes too early adds as much (RFC 8628 §3.5)
	deviceTTL    = 10 * time.Minute
	codeOfUser   = "oidc user code"
)

// deviceResponse is the response to a device (RFC 8628 §3.2). The page of Complete only fills in the code: the user compares
// it, because the link may be of an attacker (protocol rule 28).
type deviceResponse struct {
	Device   string `json:"device_code"`
	User     string `json:"user_code"`
	URI      string `json:"verification_uri"`
	Complete string `json:"verification_uri_complete"`
	Expires  int64  `json:"expires_in"`
	Interval int64  `json:"interval"`
}

// startDevice is the device authorization endpoint.
func (p *Provider) startDevice(ctx context.Context, c *client.Client, form url.Values) (any, error) {
	if !c.HasGrant(client.GrantDevice) {
		return nil, unauthorizedClient("this client may not use the grant type")
	}
	if err := cmp.Or(checkScopes(form, c.Scopes), checkTarget(c, form)); err != nil {
		return nil, err
	}
	granted := c.AllowedScopes(strings.Fields(form.Get("scope")))
	if !slices.Contains(granted, client.ScopeOpenID) {
		return nil, invalidScope("scope must contain openid")
	}
	op := p.Accounts.NewOperation(originOf(ctx))
	device, code := op.Secret("device code"), op.Code("user code")
	if err := p.takeShare(op, throttle.DeviceStarts, c, 1); err != nil {
		return nil, err
	}
	row := UserCode{Client: c.ID, MAC: p.macOf(code.Reveal()), Scopes: granted, Created: op.Now, Expires: op.Now.Add(deviceTTL), Interval: pollInterval}
	if err := p.Store.Update(ctx, func(tx store.Tx) error { return p.userCodes.Put(tx, device.Key(), row) }); err != nil {
		return nil, fmt.Errorf("starting a device authorization: %w", err)
	}
	page := p.Issuer + PathUserCode
	return deviceResponse{device.Reveal(), code.Reveal(), page, page + "?user_code=" + code.Reveal(), int64(deviceTTL / time.Second), int64(pollInterval / time.Second)}, nil
}

// macOf returns the HMAC of a typed user code. Case, hyphens and spaces do not matter; O counts as 0, I and L as 1.
func (p *Provider) macOf(typed string) []byte {
	return p.Pepper.MAC(codeOfUser, []byte(secret.NormalizeShortCode(typed)))
}

// deviceToken answers a device that polls (RFC 8628 §3.4).
func (p *Provider) deviceToken(ctx context.Context, c *client.Client, form url.Values) (any, error) {
	hash := secret.From(form.Get("device_code")).Key()
	var refused error
	out, err := p.Tokens.Exchange(ctx, originOf(ctx), c, func(tx *account.Tx) (*token.AuthorizationCode, error) {
		refused = nil
		now := tx.Op.Now
		d, err := p.userCodes.Get(tx.Raw, hash)
		if there, err := store.Found(err); err != nil {
			return nil, err
		} else if !there || d.Client != c.ID {
			refused = invalidGrant("the device code is unknown or expired")
			return nil, nil
		}
		switch {
		case !now.Before(d.Expires):
			refused = &Error{Code: "expired_token"}
			return nil, nil
		case d.Denied:
			refused = accessDenied("the user denied the request")
			return nil, p.userCodes.Delete(tx.Raw, hash)
		case d.Approval == nil:
			refused = &Error{Code: "authorization_pending"}
			if !d.Polled.IsZero() && now.Before(d.Polled.Add(d.Interval)) {
				refused, d.Interval = &Error{Code: "slow_down"}, d.Interval+pollInterval
			}
			d.Polled = now
			return nil, p.userCodes.Put(tx.Raw, hash, d)
		}
		return &token.AuthorizationCode{Client: c.ID, Scopes: d.Scopes, AuthContext: *d.Approval}, p.userCodes.Delete(tx.Raw, hash)
	})
	if err == nil && refused != nil {
		return nil, refused
	}
	return out, err
}

// DevicePrompt asks the user to allow a device.
type DevicePrompt struct {
	Request     string // secret of the stored prompt; "" if there is none
	App         string
	Scopes      []string      // as on a consent page
	Wait        time.Duration // set if there were too many wrong codes
	NeedsStepUp bool          // the user must first prove a device
	NeedsKey    bool          // and the device must be a security key
}

// EnterUserCode finds the device that shows a code. A wrong code counts against the user.
func (p *Provider) EnterUserCode(ctx context.Context, ua UserAgent, typed string) (DevicePrompt, error) {
	op := p.Accounts.NewOperation(ua.From)
	var b *session.Info
	hash := ""
	err := p.Store.View(ctx, func(s store.Snapshot) (err error) {
		hash = ""
		if b, err = p.Tokens.Session(s, ua.Session); err != nil || b == nil {
			return cmp.Or[error](err, errcode.New(errcode.NoSession))
		}
		want := secret.From(string(p.macOf(typed)))
		return p.userCodes.Scan(s, "", "", 0, func(id string, d UserCode) error {
			if secret.From(string(d.MAC)).Equal(want) && d.pending(op.Now) {
				hash = id
			}
			return nil
		})
	})
	if err != nil {
		return DevicePrompt{}, err
	}
	if wait := p.shareWait(op.Now, throttle.ShortRequests, b.User, ua.From.Address, 1); wait > 0 { // also of a wrong code: the answer reveals none
		return DevicePrompt{Wait: wait}, nil
	}
	secret := op.Secret("request")
	return store.Do(ctx, p.Store, func(tx store.Tx) (DevicePrompt, error) {
		count := p.codeLimit.Peek
		if hash == "" {
			count = func(_ store.Reader, now time.Time, l throttle.Limit, subject string) (throttle.Verdict, error) {
				return p.codeLimit.Take(tx, now, l, subject)
			}
		}
		v, err := count(tx, op.Now, throttle.UserCodes, string(b.User))
		if err != nil || !v.OK || hash == "" {
			return DevicePrompt{Wait: v.Retry}, err
		}
		prompt := AuthorizationRequest{Device: hash, User: b.User, Created: op.Now, Expires: op.Now.Add(deviceTTL)}
		return DevicePrompt{Request: secret.Reveal()}, p.requests.Put(tx, secret.Key(), prompt)
	})
}

// pending reports whether a device waits for the decision of a user.
func (d *UserCode) pending(now time.Time) bool {
	return now.Before(d.Expires) && d.Approval == nil && !d.Denied
}

// loadPrompt loads a device prompt of the user of a session, with its device and client; nil if there is none.
func (p *Provider) loadPrompt(r store.Reader, b *session.Info, request string) (*AuthorizationRequest, *UserCode, *client.Client, error) {
	prompt, err := p.loadRequest(r, request)
	if err != nil || prompt == nil || prompt.Device == "" || b == nil || prompt.User != b.User {
		return nil, nil, nil, err
	}
	d, err := p.userCodes.Get(r, prompt.Device)
	if there, err := store.Found(err); !there || !d.pending(p.now()) {
		return nil, nil, nil, err
	}
	c, err := p.Clients.Get(r, d.Client)
	if err != nil || c == nil {
		return nil, nil, nil, err
	}
	return prompt, &d, c, nil
}

// needsKey reports whether the step-up for a device of the client requires a security key. A user who signed in without a key
// is refused.
func needsKey(c *client.Client, b *session.Info) bool {
	strong, _ := c.Policy.Requirements(b.Groups)
	return strong && client.Reaches(client.LevelOf(b), client.LevelPhishingResistant)
}

// lastStepUp returns the time of the last proof that counts for a device of the client.
func lastStepUp(c *client.Client, b *session.Info) time.Time {
	if needsKey(c, b) {
		return b.PhishingResistantAt
	}
	return b.StepUpAt
}

// DevicePrompt loads a prompt. Its Request is "" if there is none.
func (p *Provider) DevicePrompt(ctx context.Context, ua UserAgent, request string) (out DevicePrompt, err error) {
	err = p.Store.View(ctx, func(s store.Snapshot) error {
		out = DevicePrompt{}
		b, err := p.Tokens.Session(s, ua.Session)
		if err != nil {
			return err
		}
		prompt, d, c, err := p.loadPrompt(s, b, request)
		if err == nil && prompt != nil {
			out = DevicePrompt{Request: request, App: c.Name, Scopes: consentScopes(d.Scopes, nil),
				NeedsStepUp: lastStepUp(c, b).Before(prompt.Created), NeedsKey: needsKey(c, b)}
		}
		return err
	})
	return out, err
}

// DecideDevice records whether the user allows a device. To allow it the user must prove a device after entering the code;
// otherwise the error is StepUpRequired.
func (p *Provider) DecideDevice(ctx context.Context, ua UserAgent, request string, allow bool) error {
	op := p.Accounts.NewOperation(ua.From)
	_, err := account.Update(ctx, p.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		return struct{}{}, p.decideDevice(tx, ua, request, allow)
	})
	if _, ok := errors.AsType[*errcode.Error](err); ok || err == nil {
		return err
	}
	return fmt.Errorf("storing the decision about a device: %w", err)
}

func (p *Provider) decideDevice(tx *account.Tx, ua UserAgent, request string, allow bool) error {
	b, err := p.Tokens.Session(tx.Raw, ua.Session)
	if err != nil {
		return err
	}
	prompt, d, c, err := p.loadPrompt(tx.Raw, b, request)
	switch {
	case err != nil:
		return err
	case prompt == nil:
		return errcode.New(errcode.Expired)
	case allow && lastStepUp(c, b).Before(prompt.Created):
		return errcode.New(errcode.StepUpRequired)
	case allow && !c.Policy.Satisfied(b.Groups, client.LevelOf(b)):
		return errcode.New(errcode.Forbidden)
	}
	outcome := audit.Deny
	if d.Denied = !allow; allow {
		context := prompt.authContext(c, b, tx.Op.Now)
		d.Approval, outcome = &context, audit.Success
		if err := p.Accounts.NotifyDeviceSignIn(tx.Raw, tx.Op, b.User, c.Name); err != nil {
			return err
		}
	}
	if err := p.userCodes.Put(tx.Raw, prompt.Device, *d); err != nil {
		return err
	}
	if err := p.requests.Delete(tx.Raw, requestKey(request)); err != nil {
		return err
	}
	return tx.Audit(c.AuditEvent(b.User, b.Login, audit.AppDevice, outcome, ""))
}
