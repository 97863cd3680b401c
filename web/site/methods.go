package site

import (
	"slices"
	"sort"

	"barillet/authn"
	"barillet/factors"
)

// StepPath returns the page of a step. No other function chooses it.
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

// Methods summarizes the devices that a user can answer with.
type Methods struct {
	Phones int // devices with typed codes, and their copies
	Keys   []string
	First  map[factors.Input]factors.Device // the device used last
	Best   factors.Input                    // of the device used last; "" without a code device or key
}

// MethodsOf returns the summary of devices.
func (s *Site) MethodsOf(devices []factors.Device) Methods {
	m := Methods{First: map[factors.Input]factors.Device{}}
	devices = slices.Clone(devices)
	sort.SliceStable(devices, func(i, j int) bool { // by last use, newest first
		a, b := &devices[i], &devices[j]
		return max(a.LastUsed.Unix(), a.Added.Unix()) > max(b.LastUsed.Unix(), b.Added.Unix())
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
