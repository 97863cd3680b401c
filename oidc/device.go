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
	Client  ClientID      `json:"client"`
	MAC     []byte        `json:"mac"`
	Scopes  []string      `json:"scopes"`
	Made    time.Time     `json:"made"`
	Expires time.Time     `json:"expires"`
	Polled  time.Time     `json:"polled,omitzero"`
	Every   time.Duration `json:"every"` // how far apart polls must be
	Denied  bool          `json:"denied,omitempty"`
	By      *Signed       `json:"by,omitempty"` // who said yes
}

const (
	pollEvery  = 5 * time.Second // RFC 8628 section 3.5: and five more after each that comes too soon
	mostCodes  = 1000            // devices that wait at a time: beyond it none begins
	codeOfUser = "oidc user code"
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
	granted := c.allowed(words(form.Get("scope")))
	switch {
	case !c.may(grantDevice):
		return nil, unauthorizedClient("this client may not use the grant")
	case !slices.Contains(granted, scopeOpenID):
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
	if err == nil && waiting >= mostCodes {
		return nil, &Error{Code: "temporarily_unavailable", status: http.StatusServiceUnavailable}
	}
	if err == nil {
		row := UserCode{Client: c.ID, MAC: s.macOf(code.Reveal()), Scopes: granted, Made: act.Now, Expires: act.Now.Add(deviceLife), Every: pollEvery}
		err = s.Store.Update(ctx, func(tx store.Tx) error { return s.userCodes.Put(tx, device.Hash(), row) })
	}
	if err != nil {
		return nil, fmt.Errorf("beginning a device's grant: %w", err)
	}
	return deviceAnswer{device.Reveal(), code.Reveal(), s.Issuer + PathUserCode, int64(deviceLife / time.Second), int64(pollEvery / time.Second)}, nil
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
	out, err := store.Do(ctx, s.Store, func(tx store.Tx) (outcome, error) {
		d, err := s.userCodes.Get(tx, hash)
		if there, err := found(err); !there || d.Client != c.ID {
			return outcome{refused: invalidGrant("the device code is not, or no longer, good")}, err
		}
		switch {
		case !act.Now.Before(d.Expires):
			return outcome{refused: &Error{Code: "expired_token"}}, nil
		case d.Denied:
			return outcome{refused: accessDenied("the user denied the request")}, s.userCodes.Delete(tx, hash)
		case d.By == nil:
			refused := &Error{Code: "authorization_pending"}
			if !d.Polled.IsZero() && act.Now.Before(d.Polled.Add(d.Every)) {
				refused, d.Every = &Error{Code: "slow_down"}, d.Every+pollEvery
			}
			d.Polled = act.Now
			return outcome{refused: refused}, s.userCodes.Put(tx, hash, d)
		}
		if err := s.userCodes.Delete(tx, hash); err != nil { // once
			return outcome{}, err
		}
		code := Code{Client: c.ID, Scopes: d.Scopes, Signed: *d.By, Made: act.Now, Used: act.Now}
		return s.firstTokens(tx, issue, hash, &code)
	})
	return s.answered(ctx, act.Now, issue, out, err)
}

// DeviceAsk is a device that somebody is asked about.
type DeviceAsk struct {
	Request string // the secret that it goes on under; "" where the code is none
	App     string
	Scopes  []string      // what it would learn, as on a page of consent
	Wait    time.Duration // too many wrong codes
	Prove   bool          // a device of the person is to be proven first, for this act
	Key     bool          // and it has to be a security key
}

// TypeCode takes the code that somebody read off a device. A wrong one counts against the person.
func (p *Provider) TypeCode(ctx context.Context, b UserAgent, typed string) (DeviceAsk, error) {
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
			if authn.SecretOf(string(d.MAC)).Same(want) && act.Now.Before(d.Expires) && d.By == nil && !d.Denied {
				hash = id
			}
			return nil
		})
	})
	if err != nil {
		return DeviceAsk{}, err
	}
	secret := act.Secret("request")
	return store.Do(ctx, p.Store, func(tx store.Tx) (DeviceAsk, error) {
		spend := p.codeLimit.Peek
		if hash == "" {
			spend = func(_ store.Reader, now time.Time, l throttle.Limit, subject string) (throttle.Verdict, error) {
				return p.codeLimit.Take(tx, now, l, subject)
			}
		}
		v, err := spend(tx, act.Now, throttle.UserCodes, string(bearer.User))
		if err != nil || !v.OK || hash == "" {
			return DeviceAsk{Wait: v.Retry}, err
		}
		k := Ask{Device: hash, For: bearer.User, Made: act.Now, Expires: act.Now.Add(deviceLife)}
		return DeviceAsk{Request: secret.Reveal()}, p.asked.Put(tx, secret.Hash(), k)
	})
}

// deviceAsked loads what somebody is asked about, with the device and its client; nil when it is over, or another's.
func (p *Provider) deviceAsked(r store.Reader, b *authn.Bearer, request string) (*Ask, *UserCode, *Client, error) {
	k, err := p.ask(r, request)
	if err != nil || k == nil || k.Device == "" || b == nil || k.For != b.User {
		return nil, nil, nil, err
	}
	d, err := p.userCodes.Get(r, k.Device)
	if there, err := found(err); !there || !p.now().Before(d.Expires) || d.By != nil || d.Denied {
		return nil, nil, nil, err
	}
	c, err := p.client(r, d.Client)
	if err != nil || c == nil {
		return nil, nil, nil, err
	}
	return k, &d, c, nil
}

// needsKey tells whether only a security key will do for a device of the client. Whoever has signed in without one is
// not admitted at all.
func needsKey(c *Client, b *authn.Bearer) bool {
	strong, _ := c.Policy.asks(b.Groups)
	return strong && reaches(levelOf(b), levelStrong)
}

// provenFor is the last proof that counts for a device of the client.
func provenFor(c *Client, b *authn.Bearer) time.Time {
	if needsKey(c, b) {
		return b.Keyed
	}
	return b.Proven
}

// AskDevice tells what somebody is asked about; without a Request there is nothing, or no longer.
func (p *Provider) AskDevice(ctx context.Context, b UserAgent, request string) (out DeviceAsk, err error) {
	err = p.Store.View(ctx, func(s store.Snapshot) error {
		out = DeviceAsk{}
		bearer, err := p.bearer(s, b.Session, p.now())
		if err != nil {
			return err
		}
		k, d, c, err := p.deviceAsked(s, bearer, request)
		if err == nil && k != nil {
			out = DeviceAsk{Request: request, App: c.Name, Scopes: learnt(d.Scopes, nil), Prove: provenFor(c, bearer).Before(k.Made), Key: needsKey(c, bearer)}
		}
		return err
	})
	return out, err
}

// AnswerDevice takes a person's yes or no. A yes asks for a device proven after the code was typed; CodeProof.
func (p *Provider) AnswerDevice(ctx context.Context, b UserAgent, request string, yes bool) error {
	act := p.People.NewAct(b.From)
	event := audit.NewID(act.Now)
	err := p.Store.Update(ctx, func(tx store.Tx) error {
		bearer, err := p.bearer(tx, b.Session, act.Now)
		if err != nil {
			return err
		}
		k, d, c, err := p.deviceAsked(tx, bearer, request)
		switch {
		case err != nil:
			return err
		case k == nil:
			return authn.Refuse(authn.CodeExpired)
		case yes && provenFor(c, bearer).Before(k.Made):
			return authn.Refuse(authn.CodeProof)
		case yes && !c.Policy.admits(bearer.Groups):
			return authn.Refuse(authn.CodeForbidden)
		}
		if strong, _ := c.Policy.asks(bearer.Groups); yes && strong && !reaches(levelOf(bearer), levelStrong) {
			return authn.Refuse(authn.CodeForbidden)
		}
		outcome := audit.Deny
		if d.Denied = !yes; yes {
			signed := k.signed(c, bearer, act.Now)
			d.By, outcome = &signed, audit.Success
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
