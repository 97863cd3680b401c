package selfservice

import (
	"strings"

	"barillet/factors"
	"barillet/templates"
)

// choices returns what a user with these devices can enrol, and the slugs of the kinds with the maximum number of
// devices.
func (s *Pages) choices(devices []factors.Device) (choices []templates.Choice, full []string) {
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
			choice.App = templates.AppOf(provider)
			choices = append(choices, choice)
		}
	}
	return choices, full
}

// chosenKind returns the kind and the provider that a form names; false if choices does not offer them.
func (s *Pages) chosenKind(kind, app string) (factors.Kind, string, bool) {
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

// backupKind returns the kind of recovery codes; "" if there is none.
func (s *Pages) backupKind() factors.Kind {
	for _, f := range s.Accounts.Factors {
		if f.Method().Input == factors.InputBackup {
			return f.Kind()
		}
	}
	return ""
}

// enrolPath returns the page of a pending enrolment.
func (s *Pages) enrolPath(kind factors.Kind) string {
	return "/enrol/" + s.Accounts.Method(kind).Slug
}
