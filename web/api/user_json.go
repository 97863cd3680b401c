package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"barillet/authn/account"
	"barillet/templates"
	"barillet/web/reply"
)

// userJSON is a person in Okta's shape. What is not named here is not in any answer: no password, no device,
// no ticket.
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
	GroupIDs        []string                   `json:"groupIds"` // ours
	Embedded        *embeddedJSON              `json:"_embedded,omitempty"`
	Links           map[string]linkJSON        `json:"_links"`
}

type credentialsJSON struct {
	Provider providerJSON `json:"provider"`
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

// The members of a profile that are ours to judge; every other one is kept and given back as it came.
var profileMembers = []string{"login", "email", "secondEmail", "firstName", "lastName", "locale"}

// nextSteps are the acts that a state offers, by Okta's names. Those of somebody active are offered whatever follows
// from their passwords and wrong answers.
var nextSteps = map[account.Status][]string{
	account.StatusStaged:      {"activate", "deactivate"},
	account.StatusProvisioned: {"activate", "reactivate", "deactivate"},
	account.StatusActive:      ofActive,
	account.StatusRecovery:    ofActive,
	account.StatusExpired:     ofActive,
	account.StatusLocked:      append([]string{"unlock"}, ofActive...),
	account.StatusSuspended:   {"unsuspend", "deactivate"},
	account.StatusDeactivated: {"activate"},
}

var ofActive = []string{"suspend", "deactivate", "resetPassword", "expirePassword", "changePassword"}

// actPaths are the paths of acts that are not their names below lifecycle/.
var actPaths = map[string]string{"resetPassword": "lifecycle/reset_password", "expirePassword": "lifecycle/expire_password",
	"changePassword": "credentials/change_password"}

// state is where a person stands, for an answer: as it was told with them, or as it is stored.
func state(u *account.User) account.Status { return cmp.Or(u.DisplayStatus, u.Status) }

func (a *API) user(u *account.User) (userJSON, error) {
	profile, err := profileOf(u)
	if err != nil {
		return userJSON{}, err
	}
	self := a.publicURL + "/api/v1/users/" + string(u.ID)
	out := userJSON{ID: string(u.ID), Status: string(state(u)), Created: moment(u.Created), Activated: moment(u.Activated),
		StatusChanged: moment(u.StatusAt), LastLogin: moment(u.LastLogin), LastUpdated: moment(u.Changed),
		PasswordChanged: moment(u.Password.Set), Profile: profile,
		Credentials: credentialsJSON{providerJSON{Type: "OKTA", Name: "OKTA"}}, GroupIDs: []string{},
		Links: map[string]linkJSON{
			"self":         {Href: self},
			"factors":      {Href: self + "/factors"},
			"resetFactors": {Href: self + "/lifecycle/reset_factors", Method: http.MethodPost},
		}}
	for _, g := range u.Groups {
		out.GroupIDs = append(out.GroupIDs, string(g))
	}
	for _, step := range nextSteps[state(u)] {
		out.Links[step] = linkJSON{Href: self + "/" + cmp.Or(actPaths[step], "lifecycle/"+step), Method: http.MethodPost}
	}
	return out, nil
}

// userAnswer is a person as an answer that holds no secret.
func (a *API) userAnswer(u account.User) (status int, shown, kept any, err error) {
	out, err := a.user(&u)
	return http.StatusOK, out, out, err
}

func profileOf(u *account.User) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if len(u.Profile) > 0 {
		if err := json.Unmarshal(u.Profile, &out); err != nil {
			return nil, fmt.Errorf("reading the profile of %q: %w", u.ID, err)
		}
	}
	for name, text := range map[string]string{"login": u.Login, "email": u.Email, "secondEmail": u.SecondEmail,
		"firstName": u.FirstName, "lastName": u.LastName, "locale": u.Locale} {
		if text == "" && name == "locale" {
			continue // as it was written, perhaps a language that we do not speak
		}
		value, err := json.Marshal(text)
		if err != nil {
			return nil, fmt.Errorf("encoding the profile of %q: %w", u.ID, err)
		}
		out[name] = value
		if text == "" {
			out[name] = json.RawMessage("null")
		}
	}
	return out, nil
}

// profileBody is a profile as it is sent: an object of anything.
type profileBody map[string]json.RawMessage

// UnmarshalJSON makes the member open to strict reading.
func (p *profileBody) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, (*map[string]json.RawMessage)(p))
}

// take removes one of our own members: a text, or null for none.
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

// custom is what is left, compact and in the order of names; nil for nothing.
func (p profileBody) custom() (json.RawMessage, error) {
	if len(p) == 0 {
		return nil, nil
	}
	var out bytes.Buffer
	for i, name := range slices.Sorted(maps.Keys(p)) {
		key, err := json.Marshal(name)
		if err != nil {
			return nil, fmt.Errorf("encoding a profile: %w", err)
		}
		out.WriteByte("{,"[min(i, 1)])
		out.Write(key)
		out.WriteByte(':')
		if err := json.Compact(&out, p[name]); err != nil {
			return nil, fmt.Errorf("encoding a profile: %w", err)
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// language is the one of ours that a locale names: "fr_CH" is French. "" for one that we do not speak.
func language(locale string) string {
	head, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	if head = strings.ToLower(head); slices.Contains(templates.Languages(), head) {
		return head
	}
	return ""
}
