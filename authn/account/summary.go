package account

import (
	"slices"
)

// Summary is the part of a user that a session check reads. It is written in the same Update as the user. Its maximum size is
// 512 bytes.
type Summary struct {
	Epoch         uint64    `json:"e"`
	PasswordEpoch uint64    `json:"p"`
	Status        Status    `json:"s"`
	Login         string    `json:"l"`
	Name          string    `json:"n"`
	Email         string    `json:"m,omitempty"` // "": same as Login
	Locale        string    `json:"c,omitempty"`
	Groups        []GroupID `json:"g,omitempty"`
	Roles         []Role    `json:"r,omitempty"`
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
