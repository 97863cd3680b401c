package web

import (
	"cmp"
	"slices"
	"strings"

	"barillet/authn"
	"barillet/factors"
	"barillet/templates"
)

// choices returns what a user with these devices may enrol, and the slugs of the kinds of which they have the maximum.
func (s *server) choices(devices []factors.Device) (choices []templates.Choice, full []string) {
	for _, f := range s.Accounts.Factors {
		m := f.Method()
		switch {
		case !m.Primary:
			continue
		case !s.Accounts.CanAdd(f.Kind(), devices):
			full = append(full, m.Slug)
			continue
		}
		choice := templates.Choice{Kind: string(f.Kind()), Slug: m.Slug, Input: string(m.Input)}
		if len(m.Providers) < 2 {
			choices = append(choices, choice)
			continue
		}
		for _, provider := range append(m.Providers[:len(m.Providers):len(m.Providers)], "") {
			choice.App = appOf(provider)
			choices = append(choices, choice)
		}
	}
	return choices, full
}

// chosenKind returns the kind and the provider that a form names; false if they are not offered.
func (s *server) chosenKind(kind, app string) (factors.Kind, string, bool) {
	m := s.Accounts.Method(factors.Kind(kind))
	switch {
	case !m.Primary:
		return "", "", false
	case app == "", app == string(templates.AppOther):
		return factors.Kind(kind), "", true
	}
	for _, provider := range m.Providers {
		if app == strings.ToLower(provider) {
			return factors.Kind(kind), provider, true
		}
	}
	return "", "", false
}

// backupKind returns the kind of saved codes; "" if there is none.
func (s *server) backupKind() factors.Kind {
	for _, f := range s.Accounts.Factors {
		if f.Method().Input == factors.InputBackup {
			return f.Kind()
		}
	}
	return ""
}

// enrolPath returns the page of a pending enrolment.
func (s *server) enrolPath(kind factors.Kind) string { return "/enrol/" + s.Accounts.Method(kind).Slug }

// StepPath returns the page of a step. It alone decides where a sign-in continues.
func StepPath(step authn.Step) string {
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

// Methods summarises the devices that a user can answer with.
type Methods struct {
	Phones int // devices with typed codes, and their copies
	Keys   []string
	First  map[factors.Input]factors.Device // the device used last
	Best   factors.Input                    // of the device used last; "" without a code device or key
}

// MethodsOf returns the summary of devices.
func (s *server) MethodsOf(devices []factors.Device) Methods {
	m := Methods{First: map[factors.Input]factors.Device{}}
	devices = slices.Clone(devices)
	slices.SortStableFunc(devices, func(a, b factors.Device) int { // the last used first
		return cmp.Compare(max(b.LastUsed.Unix(), b.Added.Unix()), max(a.LastUsed.Unix(), a.Added.Unix()))
	})
	for _, d := range devices {
		by := s.Accounts.Method(d.Kind).Input
		if !d.Usable() {
			continue
		}
		switch by {
		case factors.InputCode:
			m.Phones++
			for _, c := range d.Copies {
				if !c.ScanAgain {
					m.Phones++
				}
			}
		case factors.InputAssertion:
			m.Keys = append(m.Keys, d.Name)
		default:
			continue
		}
		if _, named := m.First[by]; !named {
			m.First[by] = d
		}
		if m.Best == "" {
			m.Best = by
		}
	}
	return m
}

// Pick returns the requested input if there is a device for it, else that of the device used last.
func (m Methods) Pick(asked string) factors.Input {
	switch {
	case asked == string(factors.InputAssertion) && len(m.Keys) > 0:
		return factors.InputAssertion
	case asked == string(factors.InputCode) && m.Phones > 0:
		return factors.InputCode
	case m.Best == "":
		return factors.InputCode
	}
	return m.Best
}

// appOf returns the app of a provider, as the pages call it.
func appOf(d string) templates.App {
	if d == "" {
		return templates.AppOther
	}
	return templates.App(strings.ToLower(d))
}
