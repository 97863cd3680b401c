package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/internal/errcode"
	"barillet/web/reply"
)

func (a *API) getUser(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	u, err := a.person(r, op)
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
	people, err := peopleQuery(q)
	if err != nil {
		return err
	}
	found, next, err := a.directory.Users(r.Context(), op, people)
	if err != nil {
		return err
	}
	return a.users(w, r, q, found, next)
}

// users answers one page of people.
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

// peopleQuery turns q, filter and search into what authn looks up by an index and what it then compares.
func peopleQuery(q query) (account.UserQuery, error) {
	var out account.UserQuery
	var err error
	if out.Limit, out.After, err = q.paging(); err != nil {
		return out, err
	}
	if !isCursor(out.After) {
		return out, badParameter("after")
	}
	var both []expression
	for _, parameter := range []string{"filter", "search"} {
		e, err := parseExpression(parameter, q.text(parameter))
		if err != nil {
			return out, err
		}
		for _, c := range e.conditions {
			if c.attribute != "status" && c.attribute != "id" && !strings.HasPrefix(c.attribute, "profile.") {
				return out, badParameter(parameter)
			}
		}
		both = append(both, e)
	}
	if out.Prefix = strings.TrimSpace(q.text("q")); len(out.Prefix) > 256 {
		return out, badParameter("q")
	}
	if out.Prefix == "" {
		out.Prefix = indexed(both)
	}
	out.Filter = func(u account.User) bool {
		attributes := func(name string) []string { return attribute(&u, name) }
		return both[0].holds(attributes) && both[1].holds(attributes)
	}
	return out, nil
}

// indexed is a text that every person looked for begins with in one of their names or addresses; "" for none.
func indexed(all []expression) string {
	for _, e := range all {
		if e.any && len(e.conditions) > 1 {
			continue
		}
		for _, c := range e.conditions {
			switch c.attribute {
			case "profile.login", "profile.email", "profile.secondEmail", "profile.firstName", "profile.lastName":
				if strings.TrimSpace(c.text) == c.text && c.text != "" {
					return c.text
				}
			}
		}
	}
	return ""
}

// attribute is what an expression compares: none for one that the person does not have.
func attribute(u *account.User, name string) []string {
	switch name {
	case "id":
		return []string{string(u.ID)}
	case "status":
		return []string{string(state(u))}
	case "profile.login":
		return []string{u.Login}
	case "profile.email":
		return []string{u.Email}
	case "profile.secondEmail":
		return []string{u.SecondEmail}
	case "profile.firstName":
		return []string{u.FirstName}
	case "profile.lastName":
		return []string{u.LastName}
	}
	var profile map[string]json.RawMessage
	if len(u.Profile) > 0 && json.Unmarshal(u.Profile, &profile) != nil {
		return nil
	}
	raw, ok := profile[strings.TrimPrefix(name, "profile.")]
	if !ok && name == "profile.locale" {
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

// isCursor tells whether a text could be a cursor of ours: what a key of the store is made of.
func isCursor(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < 0x21 || r > 0x7e }) && len(text) <= 400
}

// userBody is POST /users: Okta's model, and a role to be born with.
type userBody struct {
	Profile     profileBody `json:"profile"`
	Credentials struct {
		Password         passwordBody  `json:"password"`
		Provider         reply.Ignored `json:"provider"`
		RecoveryQuestion givenOrNot    `json:"recovery_question"` // NIST SP 800-63B-4 section 3.1.1.2 forbids them
		Emails           reply.Ignored `json:"emails"`
	} `json:"credentials"`
	GroupIDs []account.GroupID `json:"groupIds"`
	Role     account.Role      `json:"role"` // ours

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
	Embedded              reply.Ignored `json:"_embedded"`
	Links                 reply.Ignored `json:"_links"`
}

// unsupported refuses what is deliberately not there, rather than let a caller believe that it is.
func (b *userBody) unsupported() error {
	if b.Credentials.RecoveryQuestion {
		return errcode.InvalidField("credentials.recovery_question", "unsupported")
	}
	return b.Credentials.Password.check("credentials.password")
}

// person reads what is to be made out of the body.
func (b *userBody) person() (directory.NewUser, error) {
	n := directory.NewUser{Groups: b.GroupIDs, Role: b.Role, Password: b.Credentials.Password.Value}
	if err := b.unsupported(); err != nil {
		return n, err
	}
	locale := ""
	for i, into := range []*string{&n.Login, &n.Email, &n.SecondEmail, &n.FirstName, &n.LastName, &locale} {
		var err error
		if *into, err = b.Profile.take(profileMembers[i]); err != nil {
			return n, err
		}
	}
	if n.Locale = language(locale); n.Locale == "" && locale != "" {
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

// added is the answer to a person who was made.
func (a *API) added(x directory.CreateResult) (status int, shown, kept any, err error) {
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
	activate, err := q.truth("activate", true)
	if err != nil {
		return err
	}
	sendEmail, err := q.truth("sendEmail", true)
	if err != nil {
		return err
	}
	var body userBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	n, err := body.person()
	if err != nil {
		return err
	}
	return a.once(w, r, op, answering(func(r *http.Request) (directory.CreateResult, error) {
		u, invitation, err := a.directory.CreateUser(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), n, activate, sendEmail)
		return directory.CreateResult{User: u, Invitation: invitation}, err
	}, a.added))
}
