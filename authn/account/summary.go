package account

import (
	"slices"
)

// Summary is what a session check needs of a person; written in the same Update as the User, ≤ 512 bytes.
type Summary struct {
	Epoch         uint64    `json:"e"`
	PasswordEpoch uint64    `json:"p"`
	Status        Status    `json:"s"`
	Login         string    `json:"l"`
	Name          string    `json:"n"`
	Email         string    `json:"m,omitempty"` // "": the login
	Locale        string    `json:"c,omitempty"`
	Groups        []GroupID `json:"g,omitempty"`
	Roles         []Role    `json:"r,omitempty"`
}

// PrimaryEmail is the address that applications are told.
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

func (u *User) Summarize() Summary {
	st := Summary{Epoch: u.Epoch, PasswordEpoch: u.PasswordEpoch, Status: u.Status, Login: u.Login,
		Name: u.DisplayName(), Locale: u.Locale, Groups: u.Groups}
	if u.Email != u.Login {
		st.Email = u.Email
	}
	for _, g := range u.Roles {
		if !slices.Contains(st.Roles, g.Role) {
			st.Roles = append(st.Roles, g.Role)
		}
	}
	return st
}
