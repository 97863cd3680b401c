package helpdesk

import (
	"encoding/json"

	"barillet/authn/account"
)

// telephoneNumber returns the number on file: the first of the custom members "mobilePhone" and "primaryPhone", in
// Okta's names. It is empty if there is none.
func telephoneNumber(u *account.User) string {
	var on struct {
		MobilePhone  json.RawMessage `json:"mobilePhone"`
		PrimaryPhone json.RawMessage `json:"primaryPhone"`
	}
	if len(u.Profile) == 0 || json.Unmarshal(u.Profile, &on) != nil {
		return ""
	}
	for _, raw := range []json.RawMessage{on.MobilePhone, on.PrimaryPhone} {
		var number string
		if json.Unmarshal(raw, &number) == nil && number != "" {
			return number
		}
	}
	return ""
}
