package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/authn/roster"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/templates"
	"barillet/web/api/scim"
	"barillet/web/reply"
)

func (a *API) getUser(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	find := a.findUser
	if r.PathValue("id") == "me" {
		find = func(r *http.Request, op admin.Principal) (account.User, error) {
			return a.directory.Admin.Self(r.Context(), op)
		}
	}
	u, err := find(r, op)
	if err != nil {
		return err
	}
	out, err := a.user(&u)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, out)
}

func (a *API) listUsers(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	people, err := userQuery(q)
	if err != nil {
		return err
	}
	found, next, err := a.directory.Users(r.Context(), op, people)
	if err != nil {
		return pageError(err)
	}
	return a.users(w, r, q, found, next)
}

// users writes one page of users.
func (a *API) users(w http.ResponseWriter, r *http.Request, q query, found []account.User, next string) (err error) {
	out := make([]userJSON, len(found))
	for i := range found {
		if out[i], err = a.user(&found[i]); err != nil {
			return err
		}
	}
	a.links(w, r, q, next)
	return reply.JSON(w, http.StatusOK, out)
}

// userQuery turns q, filter and search into a prefix for the index and a filter for the rest.
func userQuery(q query) (roster.UserQuery, error) {
	var out roster.UserQuery
	var err error
	if out.Limit, out.After, err = q.paging(); err != nil {
		return out, err
	}
	if !isCursor(out.After) {
		return out, badParameter("after")
	}
	var both []scim.Filter
	for _, parameter := range []string{"filter", "search"} {
		e, err := scim.Parse(q.text(parameter))
		if err != nil {
			return out, badParameter(parameter)
		}
		for _, c := range e.Conditions {
			if c.Attribute != "status" && c.Attribute != "id" && !strings.HasPrefix(c.Attribute, "profile.") {
				return out, badParameter(parameter)
			}
		}
		both = append(both, e)
	}
	if out.Prefix = input.Trim(q.text("q")); len(out.Prefix) > 256 {
		return out, badParameter("q")
	}
	for _, e := range both {
		narrowUsers(&out, e)
	}
	out.Filter = func(u account.User) bool {
		attributes := func(name string) []string { return attribute(&u, name) }
		return both[0].Matches(attributes) && both[1].Matches(attributes)
	}
	return out, nil
}

// narrowUsers sets the conditions of a query that an index can answer and that all users have for which the filter matches: ids,
// statuses, or the start of a name or an address. The whole filter is judged as well.
func narrowUsers(q *roster.UserQuery, e scim.Filter) {
	each := func(attribute string) bool {
		return !slices.ContainsFunc(e.Conditions, func(c scim.Condition) bool { return c.Attribute != attribute })
	}
	alone := len(e.Conditions) == 1 || !e.Any
	for _, c := range e.Conditions {
		one := scim.Filter{Conditions: []scim.Condition{c}}
		switch c.Attribute {
		case "id":
			if c.Operator == "eq" && (alone || each("id")) {
				q.IDs = append(nonNil(q.IDs), account.UserID(input.Fold(c.Value)))
			}
		case "status":
			if alone || each("status") {
				q.Statuses = nonNil(q.Statuses)
				for _, status := range account.Statuses() {
					if one.Matches(func(string) []string { return []string{string(status)} }) {
						q.Statuses = append(q.Statuses, status)
					}
				}
			}
		case "profile.login", "profile.email", "profile.secondEmail", "profile.firstName", "profile.lastName":
			if alone && q.Prefix == "" && len(input.Words(c.Value)) > 0 {
				q.Prefix = c.Value
			}
		}
	}
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// attribute returns the values of an attribute. A user without the attribute has none.
func attribute(u *account.User, name string) []string {
	switch name {
	case "id":
		return []string{string(u.ID)}
	case "status":
		return []string{string(state(u))}
	case "profile.login":
		return []string{u.Login, u.AsGiven().Login}
	case "profile.email":
		return []string{u.Email, u.AsGiven().Email}
	case "profile.secondEmail":
		return []string{u.SecondEmail, u.AsGiven().SecondEmail}
	case "profile.firstName":
		return []string{u.FirstName}
	case "profile.lastName":
		return []string{u.LastName}
	case "profile.primaryPhone":
		return present(u.PrimaryPhone.Number)
	case "profile.mobilePhone":
		return present(u.MobilePhone.Number)
	}
	var profile map[string]json.RawMessage
	if len(u.Profile) > 0 && json.Unmarshal(u.Profile, &profile) != nil {
		return nil
	}
	raw, ok := profile[strings.TrimPrefix(name, "profile.")]
	if name == "profile.locale" && u.Locale != "" && !givenLocale(raw, u.Locale) || name == "profile.locale" && !ok {
		return []string{u.Locale}
	}
	var one string
	if json.Unmarshal(raw, &one) == nil && ok {
		return []string{one}
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil {
		return nil
	}
	return many
}

// present returns a text as the values of an attribute: none if it is empty.
func present(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// isCursor reports whether text can be a key of the store, and so a cursor.
func isCursor(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < 0x21 || r > 0x7e }) && len(text) <= 400
}

// userBody is a user in a request, in Okta's model, and a role.
type userBody struct {
	Profile     profileBody `json:"profile"`
	Credentials struct {
		Password         passwordBody  `json:"password"`
		Provider         reply.Ignored `json:"provider"`
		RecoveryQuestion presence      `json:"recovery_question"` // forbidden by NIST SP 800-63B-4 §3.1.1.2
		Emails           reply.Ignored `json:"emails"`
	} `json:"credentials"`
	GroupIDs []account.GroupID `json:"groupIds"`
	Role     account.Role      `json:"role"` // specific to Barillet

	ID                    reply.Ignored `json:"id"`
	Status                reply.Ignored `json:"status"`
	Created               reply.Ignored `json:"created"`
	Activated             reply.Ignored `json:"activated"`
	StatusChanged         reply.Ignored `json:"statusChanged"`
	LastLogin             reply.Ignored `json:"lastLogin"`
	LastUpdated           reply.Ignored `json:"lastUpdated"`
	PasswordChanged       reply.Ignored `json:"passwordChanged"`
	TransitioningToStatus reply.Ignored `json:"transitioningToStatus"`
	Type                  reply.Ignored `json:"type"`
	RealmID               reply.Ignored `json:"realmId"`
	Barillet              reply.Ignored `json:"barillet"`
	Embedded              reply.Ignored `json:"_embedded"`
	Links                 reply.Ignored `json:"_links"`
}

// unsupported returns an error for members that are deliberately not supported, because a caller that sends one relies
// on it.
func (b *userBody) unsupported() error {
	if b.Credentials.RecoveryQuestion {
		return errcode.InvalidField("credentials.recovery_question", "unsupported")
	}
	return b.Credentials.Password.check("credentials.password")
}

// newUser returns the user to create.
func (b *userBody) newUser() (directory.NewUser, error) {
	n := directory.NewUser{Groups: b.GroupIDs, Role: b.Role, Password: b.Credentials.Password.Value}
	if err := b.unsupported(); err != nil {
		return n, err
	}
	locale := ""
	for i, into := range []*string{&n.Login, &n.Email, &n.SecondEmail, &n.FirstName, &n.LastName, &locale, &n.PrimaryPhone, &n.MobilePhone} {
		var err error
		if *into, err = b.Profile.take(profileMembers[i]); err != nil {
			return n, err
		}
	}
	if n.Locale = templates.LanguageOf(locale); n.Locale != locale {
		kept, err := json.Marshal(locale)
		if err != nil {
			return n, errcode.InvalidField("locale", "unknown")
		}
		b.Profile["locale"] = kept
	}
	var err error
	n.Profile, err = b.Profile.custom()
	return n, err
}

// createdAnswer returns the response for a new user.
func (a *API) createdAnswer(x directory.CreateResult) (status int, shown, kept any, err error) {
	whole, err := a.user(&x.User)
	plain := whole
	if activation := activationOf(x.Invitation); activation != nil {
		whole.Embedded = &embeddedJSON{activation}
		plain.Embedded = &embeddedJSON{activation.withoutSecrets()}
	}
	return http.StatusOK, whole, plain, err
}

func (a *API) createUser(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	activate, err := q.boolean("activate", true)
	if err != nil {
		return err
	}
	sendEmail, err := q.boolean("sendEmail", true)
	if err != nil {
		return err
	}
	var body userBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	n, err := body.newUser()
	if err != nil {
		return err
	}
	return a.once(w, r, op, answering(func(r *http.Request) (directory.CreateResult, error) {
		u, invitation, err := a.directory.CreateUser(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), n, activate, sendEmail)
		return directory.CreateResult{User: u, Invitation: invitation}, err
	}, a.createdAnswer))
}
