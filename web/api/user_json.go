package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"barillet/authn/account"
	"barillet/authn/helpdesk"
	"barillet/templates"
	"barillet/web/reply"
)

// userJSON is a user in Okta's shape. It has no member for passwords, devices or tickets.
type userJSON struct {
	ID              string                     `json:"id"`
	Status          string                     `json:"status"`
	Created         *string                    `json:"created"`
	Activated       *string                    `json:"activated"`
	StatusChanged   *string                    `json:"statusChanged"`
	LastLogin       *string                    `json:"lastLogin"`
	LastUpdated     *string                    `json:"lastUpdated"`
	PasswordChanged *string                    `json:"passwordChanged"`
	Profile         map[string]json.RawMessage `json:"profile"`
	Credentials     credentialsJSON            `json:"credentials"`
	GroupIDs        []string                   `json:"groupIds"` // specific to Barillet
	Barillet        barilletJSON               `json:"barillet"`
	Embedded        *embeddedJSON              `json:"_embedded,omitempty"`
	Links           map[string]linkJSON        `json:"_links"`
}

// barilletJSON has what Okta's model of a user has not.
type barilletJSON struct {
	CoolOff *coolOffJSON `json:"coolOff"` // null: none
	Numbers []numberJSON `json:"numbers"` // telephone numbers on file
}

// coolOffJSON is the time after a reset in which an account makes no move that outlives a mistake.
type coolOffJSON struct {
	Until *string `json:"until"` // null: a day after the next enrolment
}

// numberJSON is a telephone number on file. While it is young, nobody is called back on it.
type numberJSON struct {
	Member string  `json:"member"` // of the profile
	Number string  `json:"number"`
	Since  *string `json:"since"`
	Young  bool    `json:"young"`
}

// extras returns what is specific to Barillet.
func (a *API) extras(u *account.User) barilletJSON {
	now := a.now()
	out := barilletJSON{Numbers: numbersJSON(helpdesk.Numbers(u, now))}
	if until, ok := u.CoolOff(now); ok {
		out.CoolOff = &coolOffJSON{reply.Timestamp(until)}
	}
	return out
}

func numbersJSON(all []helpdesk.Number) []numberJSON {
	out := make([]numberJSON, len(all))
	for i, n := range all {
		out[i] = numberJSON{n.Member, n.Number, reply.Timestamp(n.Since), n.Young}
	}
	return out
}

type credentialsJSON struct {
	Provider providerJSON `json:"provider"`
	Emails   []emailJSON  `json:"emails"`
}

type emailJSON struct {
	Value  string `json:"value"`
	Status string `json:"status"`
	Type   string `json:"type"`
}

// emails returns the primary address with its status in Okta's form.
func emails(u *account.User) []emailJSON {
	status := "UNVERIFIED"
	if u.EmailVerified() {
		status = "VERIFIED"
	}
	return []emailJSON{{Value: u.Email, Status: status, Type: "PRIMARY"}}
}

type providerJSON struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

type linkJSON struct {
	Href   string `json:"href"`
	Method string `json:"method,omitempty"`
}

type embeddedJSON struct {
	Activation *activationJSON `json:"activation,omitempty"`
}

// profileMembers are the known members of a profile. Others are stored unchanged.
var profileMembers = []string{"login", "email", "secondEmail", "firstName", "lastName", "locale", "primaryPhone", "mobilePhone"}

// nextSteps maps a status to the operations that it allows, by Okta's names. An active user has the same ones in every
// temporary status.
var nextSteps = map[account.Status][]string{
	account.StatusStaged:      {"activate", "deactivate"},
	account.StatusProvisioned: {"activate", "reactivate", "deactivate"},
	account.StatusActive:      activeSteps,
	account.StatusRecovery:    activeSteps,
	account.StatusExpired:     activeSteps,
	account.StatusLocked:      append([]string{"unlock"}, activeSteps...),
	account.StatusSuspended:   {"unsuspend", "deactivate"},
	account.StatusDeactivated: {"activate"},
}

var activeSteps = []string{"suspend", "deactivate", "resetPassword", "expirePassword", "changePassword"}

// operationPaths maps operations to their paths, if these are not the name below lifecycle/.
var operationPaths = map[string]string{"resetPassword": "lifecycle/reset_password", "expirePassword": "lifecycle/expire_password",
	"changePassword": "credentials/change_password"}

// state returns the status to show: the display status if it is set, or the stored one.
func state(u *account.User) account.Status { return cmp.Or(u.DisplayStatus, u.Status) }

func (a *API) user(u *account.User) (userJSON, error) {
	profile, err := profileOf(u)
	if err != nil {
		return userJSON{}, err
	}
	self := a.publicURL + "/api/v1/users/" + string(u.ID)
	out := userJSON{ID: string(u.ID), Status: string(state(u)), Created: reply.Timestamp(u.Created), Activated: reply.Timestamp(u.Activated),
		StatusChanged: reply.Timestamp(u.StatusAt), LastLogin: reply.Timestamp(u.LastLogin), LastUpdated: reply.Timestamp(u.Changed),
		PasswordChanged: reply.Timestamp(u.Password.Set), Profile: profile,
		Credentials: credentialsJSON{providerJSON{Type: "OKTA", Name: "OKTA"}, emails(u)}, GroupIDs: []string{}, Barillet: a.extras(u),
		Links: map[string]linkJSON{
			"self":         {Href: self},
			"factors":      {Href: self + "/factors"},
			"resetFactors": {Href: self + "/lifecycle/reset_factors", Method: http.MethodPost},
		}}
	for _, g := range u.Groups {
		out.GroupIDs = append(out.GroupIDs, string(g))
	}
	for _, step := range nextSteps[state(u)] {
		out.Links[step] = linkJSON{Href: self + "/" + cmp.Or(operationPaths[step], "lifecycle/"+step), Method: http.MethodPost}
	}
	return out, nil
}

// userAnswer returns the response for a user. It contains no secret.
func (a *API) userAnswer(u account.User) (status int, shown, kept any, err error) {
	out, err := a.user(&u)
	return http.StatusOK, out, out, err
}

func profileOf(u *account.User) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if len(u.Profile) > 0 {
		if err := json.Unmarshal(u.Profile, &out); err != nil {
			return nil, fmt.Errorf("reading profile of %q: %w", u.ID, err)
		}
	}
	as := u.AsGiven()
	for name, text := range map[string]string{"login": as.Login, "email": as.Email, "secondEmail": as.SecondEmail,
		"firstName": u.FirstName, "lastName": u.LastName, "locale": u.Locale,
		"primaryPhone": u.PrimaryPhone.Number, "mobilePhone": u.MobilePhone.Number} {
		if name == "locale" && (text == "" || givenLocale(out[name], text)) {
			continue // the stored value is a locale such as "fr_CA", or a language without translation
		}
		value, err := json.Marshal(text)
		if err != nil {
			return nil, fmt.Errorf("encoding profile of %q: %w", u.ID, err)
		}
		out[name] = value
		if text == "" {
			out[name] = json.RawMessage("null")
		}
	}
	return out, nil
}

// givenLocale reports whether raw is a locale of a language. After the user chose another language, it is not.
func givenLocale(raw json.RawMessage, lang string) bool {
	var locale string
	return json.Unmarshal(raw, &locale) == nil && templates.LanguageOf(locale) == lang
}

// profileBody is a profile in a request: an object with any members.
type profileBody map[string]json.RawMessage

// UnmarshalJSON implements json.Unmarshaler, so that strict decoding accepts any member.
func (p *profileBody) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, (*map[string]json.RawMessage)(p))
}

// take removes a known member and returns its text; null means "".
func (p profileBody) take(name string) (string, error) {
	raw, ok := p[name]
	if !ok {
		return "", nil
	}
	delete(p, name)
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindMember, Member: "profile." + name}
	}
	if text == nil {
		return "", nil
	}
	return *text, nil
}

// custom returns the remaining members as compact JSON in the order of names, or nil.
func (p profileBody) custom() (json.RawMessage, error) {
	if len(p) == 0 {
		return nil, nil
	}
	var out bytes.Buffer
	for i, name := range slices.Sorted(maps.Keys(p)) {
		key, err := json.Marshal(name)
		if err != nil {
			return nil, fmt.Errorf("encoding profile: %w", err)
		}
		out.WriteByte("{,"[min(i, 1)])
		out.Write(key)
		out.WriteByte(':')
		if err := json.Compact(&out, p[name]); err != nil {
			return nil, fmt.Errorf("encoding profile: %w", err)
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}
