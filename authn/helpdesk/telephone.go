package helpdesk

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
)

// Number is a telephone number on file.
type Number struct {
	Member string // of the profile: "mobilePhone" or "primaryPhone", in Okta's names
	Number string
	Since  time.Time
	Young  bool // written within 72 hours, so that nobody is called back on it (protocol rule 13)
}

// Numbers returns the numbers on file, the mobile one first.
func Numbers(u *account.User, now time.Time) (all []Number) {
	var on struct {
		MobilePhone  json.RawMessage `json:"mobilePhone"`
		PrimaryPhone json.RawMessage `json:"primaryPhone"`
	}
	if len(u.Profile) == 0 || json.Unmarshal(u.Profile, &on) != nil {
		return nil
	}
	for member, raw := range map[string]json.RawMessage{"mobilePhone": on.MobilePhone, "primaryPhone": on.PrimaryPhone} {
		var number string
		if json.Unmarshal(raw, &number) == nil && number != "" {
			all = append(all, Number{Member: member, Number: number})
		}
	}
	slices.SortFunc(all, func(a, b Number) int { return strings.Compare(a.Member, b.Member) })
	return all
}

// telephoneNumber returns the first number on file; "" if there is none.
func telephoneNumber(u *account.User) string {
	for _, n := range Numbers(u, time.Time{}) {
		return n.Number
	}
	return ""
}
