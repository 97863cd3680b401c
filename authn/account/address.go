package account

import (
	"cmp"
	"time"

	"barillet/internal/input"
	"barillet/store"
)

// NormalizeLogin returns the form in which a login or an email address is compared and indexed (input.Login). It returns false for
// other text, and for one that is too long for a key of the store.
func NormalizeLogin(typed string) (string, bool) {
	s, ok := input.Login(typed)
	return storable(s, ok)
}

// NormalizeEmail is NormalizeLogin for an address that can receive email (input.Email).
func NormalizeEmail(typed string) (string, bool) {
	s, ok := input.Email(typed)
	return storable(s, ok)
}

func storable(address string, ok bool) (string, bool) {
	if !ok || len(store.Placeholders.Prefix+store.Escape(address)) > store.MaxKey { // the longest prefix of a key with an address
		return "", false
	}
	return address, true
}

// Given contains a login and addresses as they were given, where this differs from the normalized form. The service compares
// and sends to the normalized form, and shows this one.
type Given struct {
	Login       string `cbor:"1,keyasint,omitempty"`
	Email       string `cbor:"2,keyasint,omitempty"`
	SecondEmail string `cbor:"3,keyasint,omitempty"`
}

// SetLogin sets the login. It returns false, and an empty login, if the text is none.
func (u *User) SetLogin(typed string) (ok bool) {
	u.Login, ok = NormalizeLogin(typed)
	u.Given.Login = given(typed, u.Login)
	return ok
}

// SetEmail sets the primary address. It returns false, and an empty address, if the text is none.
func (u *User) SetEmail(typed string) (ok bool) {
	u.Email, ok = NormalizeEmail(typed)
	u.Given.Email = given(typed, u.Email)
	return ok
}

// SetSecondEmail sets the second address; an empty text removes it. It returns false if the text is none.
func (u *User) SetSecondEmail(typed string) (ok bool) {
	if typed == "" {
		u.SecondEmail, u.Given.SecondEmail = "", ""
		return true
	}
	u.SecondEmail, ok = NormalizeEmail(typed)
	u.Given.SecondEmail = given(typed, u.SecondEmail)
	return ok
}

// given returns the text of Given for an address.
func given(typed, normalized string) string {
	if shown := input.Address(typed); normalized != "" && shown != normalized {
		return shown
	}
	return ""
}

// AsGiven returns the login and the addresses as they were given.
func (u *User) AsGiven() Given {
	return Given{cmp.Or(u.Given.Login, u.Login), cmp.Or(u.Given.Email, u.Email), cmp.Or(u.Given.SecondEmail, u.SecondEmail)}
}

// Phone is a telephone number on file, and who wrote it when.
type Phone struct {
	Number string    `cbor:"1,keyasint"`           // as input.Phone returns it; "": none
	By     string    `cbor:"2,keyasint,omitempty"` // owner of the principal; "": the operator
	Since  time.Time `cbor:"3,keyasint"`
}

// Set sets the number; an empty text removes it. It returns false if the text is none. By and Since of a new number are zero until
// StampPhones.
func (p *Phone) Set(typed string) (ok bool) {
	number, ok := input.Phone(typed)
	if ok && number != p.Number {
		*p = Phone{Number: number}
	}
	return ok
}

// StampPhones records who set the new numbers, now.
func (u *User) StampPhones(by string, now time.Time) {
	for _, p := range []*Phone{&u.PrimaryPhone, &u.MobilePhone} {
		if p.Number != "" && p.Since.IsZero() {
			p.By, p.Since = by, now
		}
	}
}

// Young reports whether the number was written within AddressCooldown, so that nobody is called back on it (protocol rule 13).
func (p Phone) Young(now time.Time) bool { return now.Before(p.Since.Add(AddressCooldown)) }
