package account

import (
	"slices"

	"barillet/factors"
)

// Factor returns the factor of a kind; nil for a kind that is not registered.
func (s *Service) Factor(kind factors.Kind) factors.Factor {
	for _, f := range s.Factors {
		if f.Kind() == kind {
			return f
		}
	}
	return nil
}

// Method returns the description of a kind; the zero value for a kind that is not registered.
func (s *Service) Method(kind factors.Kind) factors.Method {
	if f := s.Factor(kind); f != nil {
		return f.Method()
	}
	return factors.Method{}
}

// Status returns the status of a device as its factor reads it; the zero value for a kind that is not registered.
func (s *Service) Status(d factors.Device) factors.Status {
	if f := s.Factor(d.Kind); f != nil {
		return f.Status(d)
	}
	return factors.Status{}
}

// IsBackup reports whether the device holds saved codes, each of which is used up by one answer.
func (s *Service) IsBackup(d factors.Device) bool {
	return s.Method(d.Kind).Input == factors.InputBackup
}

// Subject returns the properties about the user that a factor needs.
func (s *Service) Subject(u *User) factors.Subject {
	return factors.Subject{Handle: slices.Clone(u.Handle), Login: u.Login, Name: u.DisplayName(),
		Issuer: s.Policy.Issuer, Origin: s.Policy.PublicURL}
}
