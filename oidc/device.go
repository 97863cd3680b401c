package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"barillet/authn"
	"barillet/internal/audit"
	"barillet/internal/throttle"
	"barillet/store"
)

// UserCode is a device that waits for its person (RFC 8628), kept below the SHA-256 of its device code. The code that
// is typed is short: it stands here as an HMAC under the pepper and in no key.
type UserCode struct {
	Client   ClientID      `json:"client"`
	MAC      []byte        `json:"mac"`
	Scopes   []string      `json:"scopes"`
	Created  time.Time     `json:"created"`
	Expires  time.Time     `json:"expires"`
	Polled   time.Time     `json:"polled,omitzero"`
	Interval time.Duration `json:"interval"` // how far apart polls must be
	Denied   bool          `json:"denied,omitempty"`
	Approval *AuthContext  `json:"approval,omitempty"` // who said yes
}

const (
	pollEvery    = 5 * time.Second // RFC 8628 section 3.5: and five more after each that comes too soon
	maxUserCodes = 1000            // devices that wait at a time: beyond it none begins
	codeOfUser   = "oidc user code"
)

// deviceAnswer is RFC 8628 section 3.2. There is no verification_uri_complete: the code is typed, so that nobody
// signs a stranger's device in by following a link (PROTOCOL 28).
type deviceAnswer struct {
	Device   string `json:"device_code"`
	User     string `json:"user_code"`
	URI      string `json:"verification_uri"`
	Expires  int64  `json:"expires_in"`
	Interval int64  `json:"interval"`
}

// startDevice begins the grant of a device, for clients that have it.
func (s *Provider) startDevice(ctx context.Context, c *Client, form url.Values) (any, error) {
	granted := c.AllowedScopes(words(form.Get("scope")))
	switch {
	case !c.HasGrant(GrantDevice):
		return nil, unauthorizedClient("this client may not use the grant")
	case !slices.Contains(granted, ScopeOpenID):
		return nil, invalidScope("scope lacks openid")
	}
	act := s.People.NewAct(originOf(ctx))
	device, code := act.Secret("device code"), act.Code("user code")
	waiting := 0
	err := s.Store.View(ctx, func(snap store.Snapshot) error {
		waiting = 0
		return s.userCodes.Scan(snap, "", "", 0, func(_ string, d UserCode) error {
			if act.Now.Before(d.Expires) { // what is over waits for the sweep, not for its person
				waiting++
			}
			return nil
		})
	})
	if err == nil && waiting >= maxUserCodes {
		return nil, &Error{Code: "temporarily_unavailable", status: http.StatusServiceUnavailable}
	}
	if err == nil {
		row := UserCode{Client: c.ID, MAC: s.macOf(code.Reveal()), Scopes: granted, Created: act.Now, Expires: act.Now.Add(deviceTTL), Interval: pollEvery}
		err = s.Store.Update(ctx, func(tx store.Tx) error { return s.userCodes.Put(tx, device.Hash(), row) })
	}
	if err != nil {
		return nil, fmt.Errorf("beginning a device's grant: %w", err)
	}
	return deviceAnswer{device.Reveal(), code.Reveal(), s.Issuer + PathUserCode, int64(deviceTTL / time.Second), int64(pollEvery / time.Second)}, nil
}

// macOf is the HMAC of a code as people type it: in any case, with or without a hyphen, O for 0, I and L for 1.
func (p *Provider) macOf(typed string) []byte {
	plain := strings.Map(func(r rune) rune {
		switch r {
		case '-', ' ':
			return -1
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, strings.ToUpper(typed))
	return p.Pepper.MAC(codeOfUser, []byte(plain))
}

// deviceToken answers a device that polls.
func (s *Provider) deviceToken(ctx context.Context, c *Client, form url.Values) (any, error) {
	act := s.People.NewAct(originOf(ctx))
	hash := authn.SecretOf(form.Get("device_code")).Hash()
	issue := issuing{act: act, client: c, access: prefixed(accessPrefix, act.Secret("access")), refresh: prefixed(refreshPrefix, act.Secret("refresh"))}
	out, err := store.Do(ctx, s.Store, func(tx store.Tx) (issuedTokens, error) {
		d, err := s.userCodes.Get(tx, hash)
		if there, err := found(err); !there || d.Client != c.ID {
			return issuedTokens{refused: invalidGrant("the device code is not, or no longer, good")}, err
		}
		switch {
		case !act.Now.Before(d.Expires):
			return issuedTokens{refused: &Error{Code: "expired_token"}}, nil
		case d.Denied:
			return issuedTokens{refused: accessDenied("the user denied the request")}, s.userCodes.Delete(tx, hash)
		case d.Approval == nil:
			refused := &Error{Code: "authorization_pending"}
			if !d.Polled.IsZero() && act.Now.Before(d.Polled.Add(d.Interval)) {
				refused, d.Interval = &Error{Code: "slow_down"}, d.Interval+pollEvery
			}
			d.Polled = act.Now
			return issuedTokens{refused: refused}, s.userCodes.Put(tx, hash, d)
		}
		if err := s.userCodes.Delete(tx, hash); err != nil { // once
			return issuedTokens{}, err
		}
		code := AuthorizationCode{Client: c.ID, Scopes: d.Scopes, AuthContext: *d.Approval, Created: act.Now, Used: act.Now}
		return s.firstTokens(tx, issue, hash, &code)
	})
	return s.answered(ctx, act.Now, issue, out, err)
}

// DevicePrompt is a device that somebody is asked about.
type DevicePrompt struct {
	Request     string // the secret that it goes on under; "" where the code is none
	App         string
	Scopes      []string      // what it would learn, as on a page of consent
	Wait        time.Duration // too many wrong codes
	NeedsStepUp bool          // a device of the person is to be proven first, for this act
	NeedsKey    bool          // and it has to be a security key
}

// EnterUserCode takes the code that somebody read off a device. A wrong one counts against the person.
func (p *Provider) EnterUserCode(ctx context.Context, b UserAgent, typed string) (DevicePrompt, error) {
	act := p.People.NewAct(b.From)
	var bearer *authn.Bearer
	hash := ""
	err := p.Store.View(ctx, func(s store.Snapshot) (err error) {
		hash = ""
		if bearer, err = p.bearer(s, b.Session, act.Now); err != nil || bearer == nil {
			return orElse(err, authn.Refuse(authn.CodeNoSession))
		}
		want := authn.SecretOf(string(p.macOf(typed)))
		return p.userCodes.Scan(s, "", "", 0, func(id string, d UserCode) error {
			if authn.SecretOf(string(d.MAC)).Same(want) && act.Now.Before(d.Expires) && d.Approval == nil && !d.Denied {
				hash = id
			}
			return nil
		})
	})
	if err != nil {
		return DevicePrompt{}, err
	}
	secret := act.Secret("request")
	return store.Do(ctx, p.Store, func(tx store.Tx) (DevicePrompt, error) {
		spend := p.codeLimit.Peek
		if hash == "" {
			spend = func(_ store.Reader, now time.Time, l throttle.Limit, subject string) (throttle.Verdict, error) {
				return p.codeLimit.Take(tx, now, l, subject)
			}
		}
		v, err := spend(tx, act.Now, throttle.UserCodes, string(bearer.User))
		if err != nil || !v.OK || hash == "" {
			return DevicePrompt{Wait: v.Retry}, err
		}
		k := AuthorizationRequest{Device: hash, User: bearer.User, Created: act.Now, Expires: act.Now.Add(deviceTTL)}
		return DevicePrompt{Request: secret.Reveal()}, p.asked.Put(tx, secret.Hash(), k)
	})
}

// loadPrompt loads what somebody is asked about, with the device and its client; nil when it is over, or another's.
func (p *Provider) loadPrompt(r store.Reader, b *authn.Bearer, request string) (*AuthorizationRequest, *UserCode, *Client, error) {
	k, err := p.loadRequest(r, request)
	if err != nil || k == nil || k.Device == "" || b == nil || k.User != b.User {
		return nil, nil, nil, err
	}
	d, err := p.userCodes.Get(r, k.Device)
	if there, err := found(err); !there || !p.now().Before(d.Expires) || d.Approval != nil || d.Denied {
		return nil, nil, nil, err
	}
	c, err := p.loadClient(r, d.Client)
	if err != nil || c == nil {
		return nil, nil, nil, err
	}
	return k, &d, c, nil
}

// needsKey tells whether only a security key will do for a device of the client. Whoever has signed in without one is
// not admitted at all.
func needsKey(c *Client, b *authn.Bearer) bool {
	strong, _ := c.Policy.Requirements(b.Groups)
	return strong && Reaches(LevelOf(b), LevelPhishingResistant)
}

// stepUpFor is the last proof that counts for a device of the client.
func stepUpFor(c *Client, b *authn.Bearer) time.Time {
	if needsKey(c, b) {
		return b.Keyed
	}
	return b.Proven
}

// DevicePrompt tells what somebody is asked about; without a Request there is nothing, or no longer.
func (p *Provider) DevicePrompt(ctx context.Context, b UserAgent, request string) (out DevicePrompt, err error) {
	err = p.Store.View(ctx, func(s store.Snapshot) error {
		out = DevicePrompt{}
		bearer, err := p.bearer(s, b.Session, p.now())
		if err != nil {
			return err
		}
		k, d, c, err := p.loadPrompt(s, bearer, request)
		if err == nil && k != nil {
			out = DevicePrompt{Request: request, App: c.Name, Scopes: consentScopes(d.Scopes, nil), NeedsStepUp: stepUpFor(c, bearer).Before(k.Created), NeedsKey: needsKey(c, bearer)}
		}
		return err
	})
	return out, err
}

// DecideDevice takes a person's yes or no. A yes asks for a device proven after the code was typed; CodeProof.
func (p *Provider) DecideDevice(ctx context.Context, b UserAgent, request string, yes bool) error {
	act := p.People.NewAct(b.From)
	event := audit.NewID(act.Now)
	err := p.Store.Update(ctx, func(tx store.Tx) error {
		bearer, err := p.bearer(tx, b.Session, act.Now)
		if err != nil {
			return err
		}
		k, d, c, err := p.loadPrompt(tx, bearer, request)
		switch {
		case err != nil:
			return err
		case k == nil:
			return authn.Refuse(authn.CodeExpired)
		case yes && stepUpFor(c, bearer).Before(k.Created):
			return authn.Refuse(authn.CodeProof)
		case yes && !c.Policy.Allows(bearer.Groups):
			return authn.Refuse(authn.CodeForbidden)
		}
		if strong, _ := c.Policy.Requirements(bearer.Groups); yes && strong && !Reaches(LevelOf(bearer), LevelPhishingResistant) {
			return authn.Refuse(authn.CodeForbidden)
		}
		outcome := audit.Deny
		if d.Denied = !yes; yes {
			signed := k.signed(c, bearer, act.Now)
			d.Approval, outcome = &signed, audit.Success
			if err := p.People.DeviceSignedIn(tx, act, bearer.User, c.Name); err != nil {
				return err
			}
		}
		if err := p.userCodes.Put(tx, k.Device, *d); err != nil {
			return err
		}
		if err := p.asked.Delete(tx, authn.SecretOf(request).Hash()); err != nil {
			return err
		}
		return p.audit(tx, act, event, about(bearer.User, bearer.Login, c, audit.AppDevice, outcome, ""))
	})
	if _, ok := errors.AsType[*authn.Error](err); ok || err == nil {
		return err
	}
	return fmt.Errorf("storing an answer about a device: %w", err)
}
