package web

import (
	"cmp"
	"slices"
	"strings"

	"barillet/authn"
	"barillet/factors"
	"barillet/templates"
)

// method is how a person proves something on a page: the pages know ways, not kinds of factor.
type method string

// The ways. byCopy is the first code of a phone that was shown a QR code again.
const (
	byCode     method = "code"
	byKey      method = "key"
	byRecovery method = "recovery"
	byCopy     method = "copy"
)

// wayOf tells by what a kind says of itself which way it is.
func wayOf(d factors.Description) method {
	switch {
	case d.Strong:
		return byKey
	case d.Spare:
		return byRecovery
	}
	return byCode
}

// kindsOf finds the kind behind each way, and those that may be asked for by name when a device is enrolled.
func kindsOf(people *authn.Service) (map[method]factors.Kind, map[string]factors.Kind) {
	kinds, offered := map[method]factors.Kind{}, map[string]factors.Kind{}
	for _, f := range people.Factors {
		about := people.Describe(factors.Device{Kind: f.Kind()})
		if _, taken := kinds[wayOf(about)]; !taken {
			kinds[wayOf(about)] = f.Kind()
		}
		if about.Counts {
			offered[string(f.Kind())] = f.Kind()
		}
	}
	return kinds, offered
}

// enrolPages is where a pending enrolment is shown, by the template that its prompt names.
var enrolPages = map[string]string{"totp": "/enrol/phone", "webauthn": "/enrol/key", "recovery": "/enrol/recovery"}

// pathOf is the page of a step. Nothing else decides where a login goes on.
func pathOf(step authn.Step) string {
	switch step {
	case authn.StepVerify:
		return "/login/factor"
	case authn.StepEnrol:
		return "/enrol"
	case authn.StepTicket:
		return "/login/ticket"
	case authn.StepBlocked:
		return "/login/blocked"
	case authn.StepChangePassword:
		return "/login/password"
	case authn.StepDone:
		return "/account"
	}
	return "/login?again=session_gone"
}

// methods is what somebody can prove themselves with.
type methods struct {
	phones int
	keys   []string
	first  map[method]string
	best   method // the way of the device used last; "" without a phone or key
}

// meansOf sums devices up.
func (s *server) meansOf(devices []factors.Device) methods {
	m := methods{first: map[method]string{}}
	devices = slices.Clone(devices)
	slices.SortStableFunc(devices, func(a, b factors.Device) int { // the one used last first
		return cmp.Compare(max(b.LastUsed.Unix(), b.Added.Unix()), max(a.LastUsed.Unix(), a.Added.Unix()))
	})
	for _, d := range devices {
		about := s.Accounts.Describe(d)
		by := wayOf(about)
		if !d.Usable() {
			continue
		}
		switch by {
		case byCode:
			m.phones++
			for _, c := range d.Copies {
				if !c.ScanAgain {
					m.phones++
				}
			}
		case byKey:
			m.keys = append(m.keys, d.Name)
		case byRecovery:
			continue
		}
		if _, named := m.first[by]; !named {
			m.first[by] = d.Name
		}
		if m.best == "" {
			m.best = by
		}
	}
	return m
}

// pick is the way that is asked for, if there is a device for it, else the best there is.
func (m methods) pick(asked string) method {
	switch {
	case asked == string(byKey) && len(m.keys) > 0:
		return byKey
	case asked == string(byCode) && m.phones > 0:
		return byCode
	case m.best == "":
		return byCode
	}
	return m.best
}

// full tells which kinds of device somebody has as many of as one may have.
func (s *server) full(devices []factors.Device) (noPhones, noKeys bool) {
	count := map[method]int{}
	for _, d := range devices {
		count[wayOf(s.Accounts.Describe(d))]++
	}
	over := func(by method) bool {
		kind, ok := s.kinds[by]
		return !ok || count[by] >= s.Accounts.Describe(factors.Device{Kind: kind}).MaxOfKind
	}
	return over(byCode), over(byKey)
}

// The apps, as the pages and as the devices call them.
var apps = map[string]string{"okta": "OKTA", "google": "GOOGLE", "other": ""}

func appOf(d string) templates.App {
	if d == "" {
		return templates.AppOther
	}
	return templates.App(strings.ToLower(d))
}
