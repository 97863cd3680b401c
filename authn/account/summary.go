package account

import (
	"slices"
)

// Summary is the part of a user that a session check reads. It is written in the same Update as the user. Its maximum size is
// 512 bytes.
type Summary struct {
	Epoch         uint64    `cbor:"1,keyasint"`
	PasswordEpoch uint64    `cbor:"2,keyasint"`
	Status        Status    `cbor:"3,keyasint"`
	Login         string    `cbor:"4,keyasint"`
	Name          string    `cbor:"5,keyasint"`
	Email         string    `cbor:"6,keyasint,omitempty"` // "": same as Login
	Locale        string    `cbor:"7,keyasint,omitempty"`
	Groups        []GroupID `cbor:"8,keyasint,omitempty"`
	Roles         []Role    `cbor:"9,keyasint,omitempty"`
}

// PrimaryEmail returns the primary address of the user.
func (s *Summary) PrimaryEmail() string {
	if s.Email != "" {
		return s.Email
	}
	return s.Login
}

func (s *Summary) equal(t *Summary) bool {
	return s.Epoch == t.Epoch && s.PasswordEpoch == t.PasswordEpoch && s.Status == t.Status && s.Login == t.Login &&
		s.Name == t.Name && s.Email == t.Email && s.Locale == t.Locale && slices.Equal(s.Groups, t.Groups) && slices.Equal(s.Roles, t.Roles)
}

// Summarize returns the summary of the user.
func (u *User) Summarize() Summary {
	sum := Summary{Epoch: u.Epoch, PasswordEpoch: u.PasswordEpoch, Status: u.Status, Login: u.Login,
		Name: u.DisplayName(), Locale: u.Locale, Groups: u.Groups}
	if u.Email != u.Login {
		sum.Email = u.Email
	}
	for _, a := range u.Roles {
		if !slices.Contains(sum.Roles, a.Role) {
			sum.Roles = append(sum.Roles, a.Role)
		}
	}
	return sum
}
