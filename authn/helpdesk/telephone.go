package helpdesk

import (
	"strings"
	"time"

	"barillet/authn/account"
)

// The members of a profile with a telephone number, in Okta's names.
const (
	memberMobile  = "mobilePhone"
	memberPrimary = "primaryPhone"
)

// Number is a telephone number on file.
type Number struct {
	Member string // of the profile: "mobilePhone" or "primaryPhone"
	Number string // as input.Phone returns it
	Since  time.Time
	Young  bool // nobody is called back on it: it was written within 72 hours, or by account.User.AddressWriter (protocol rule 13)
}

// Numbers returns the numbers on file, the mobile one first.
func Numbers(u *account.User, now time.Time) (all []Number) {
	writer := u.AddressWriter()
	for _, n := range []struct {
		member string
		account.Phone
	}{{memberMobile, u.MobilePhone}, {memberPrimary, u.PrimaryPhone}} {
		if n.Number != "" {
			all = append(all, Number{Member: n.member, Number: n.Number, Since: n.Since, Young: n.Young(now) || writer != "" && n.By == writer})
		}
	}
	return all
}

// callable returns the numbers on which the user may be called back.
func callable(u *account.User, now time.Time) (numbers []string) {
	for _, n := range Numbers(u, now) {
		if !n.Young {
			numbers = append(numbers, n.Number)
		}
	}
	return numbers
}

// numberOnFile returns the numbers of callable in one text.
func numberOnFile(u *account.User, now time.Time) string { return strings.Join(callable(u, now), ", ") }
