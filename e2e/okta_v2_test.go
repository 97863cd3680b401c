package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	okta "github.com/okta/okta-sdk-golang/v2/okta"
	"github.com/okta/okta-sdk-golang/v2/okta/query"
)

// oktaV2 is Okta's client for Go, version 2: as the Terraform provider used it for years.
type oktaV2 struct {
	ctx context.Context
	c   *okta.Client
}

func newOktaV2(tb testing.TB, base, token string) oktaClient {
	tb.Helper()
	ctx, c, err := okta.NewClient(tb.Context(), okta.WithOrgUrl(base), okta.WithToken(token), okta.WithCache(false),
		okta.WithTestingDisableHttpsCheck(true)) // its switch for http://localhost
	if err != nil {
		tb.Fatalf("making Okta's client, version 2: %v", err)
	}
	return &oktaV2{ctx, c}
}

func (o *oktaV2) fault(r *okta.Response, err error) error {
	var e *okta.Error
	if !errors.As(err, &e) || r == nil {
		return err
	}
	return &oktaFault{r.StatusCode, e.ErrorCode, e.ErrorSummary}
}

// rest reads the further pages of a list.
func restV2[T any](o *oktaV2, all []T, r *okta.Response, err error) ([]T, error) {
	for err == nil && r.HasNextPage() {
		var more []T
		if r, err = r.Next(o.ctx, &more); err == nil {
			all = append(all, more...)
		}
	}
	return all, o.fault(r, err)
}

// each turns what a list holds into what a script looks at.
func each[A, B any](all []A, err error, one func(A) B) ([]B, error) {
	out := make([]B, len(all))
	for i, x := range all {
		out[i] = one(x)
	}
	return out, err
}

func (o *oktaV2) person(u *okta.User) oktaPerson {
	if u == nil {
		return oktaPerson{}
	}
	p := oktaPerson{ID: u.Id, Status: u.Status}
	if u.Created != nil {
		p.Created = *u.Created
	}
	if u.Profile != nil {
		p.Login, _ = (*u.Profile)["login"].(string)
		p.FirstName, _ = (*u.Profile)["firstName"].(string)
		p.Badge, _ = (*u.Profile)["badge"].(string)
	}
	return p
}

func (o *oktaV2) Create(p oktaPerson, password string, groups []string, activate bool) (oktaPerson, error) {
	body := okta.CreateUserRequest{GroupIds: groups,
		Profile: &okta.UserProfile{"login": p.Login, "email": p.Login, "firstName": p.FirstName, "lastName": "Martin", "badge": p.Badge}}
	if password != "" {
		body.Credentials = &okta.UserCredentials{Password: &okta.PasswordCredential{Value: password}}
	}
	u, r, err := o.c.User.CreateUser(o.ctx, body, query.NewQueryParams(query.WithActivate(activate)))
	return o.person(u), o.fault(r, err)
}

func (o *oktaV2) Person(idOrLogin string) (oktaPerson, error) {
	u, r, err := o.c.User.GetUser(o.ctx, idOrLogin)
	return o.person(u), o.fault(r, err)
}

func (o *oktaV2) People(q oktaQuery) ([]oktaPerson, error) {
	all, r, err := o.c.User.ListUsers(o.ctx, &query.Params{Q: q.Q, Filter: q.Filter, Search: q.Search, Limit: int64(q.Limit)})
	all, err = restV2(o, all, r, err)
	return each(all, err, o.person)
}

// Rename reads the person and sends them back changed, with everything that came along.
func (o *oktaV2) Rename(id, firstName string) (oktaPerson, error) {
	u, r, err := o.c.User.GetUser(o.ctx, id)
	if err == nil {
		(*u.Profile)["firstName"] = firstName
		u, r, err = o.c.User.UpdateUser(o.ctx, id, *u, nil)
	}
	return o.person(u), o.fault(r, err)
}

func (o *oktaV2) Do(act, id string) error {
	var r *okta.Response
	var err error
	switch act {
	case "activate":
		_, r, err = o.c.User.ActivateUser(o.ctx, id, query.NewQueryParams(query.WithSendEmail(false)))
	case "suspend":
		r, err = o.c.User.SuspendUser(o.ctx, id)
	case "unsuspend":
		r, err = o.c.User.UnsuspendUser(o.ctx, id)
	case "deactivate":
		r, err = o.c.User.DeactivateUser(o.ctx, id, nil)
	case "delete":
		r, err = o.c.User.DeactivateOrDeleteUser(o.ctx, id, nil)
	case "unlock":
		r, err = o.c.User.UnlockUser(o.ctx, id)
	case "expire_password":
		_, r, err = o.c.User.ExpirePassword(o.ctx, id)
	case "reset_factors":
		r, err = o.c.User.ResetFactors(o.ctx, id)
	case "sessions":
		r, err = o.c.User.ClearUserSessions(o.ctx, id, query.NewQueryParams(query.WithOauthTokens(true)))
	default:
		err = fmt.Errorf("no act is called %q", act)
	}
	return o.fault(r, err)
}

func (o *oktaV2) ChangePassword(id, old, fresh string) error {
	_, r, err := o.c.User.ChangePassword(o.ctx, id, okta.ChangePasswordRequest{OldPassword: &okta.PasswordCredential{Value: old},
		NewPassword: &okta.PasswordCredential{Value: fresh}}, nil)
	return o.fault(r, err)
}

func (o *oktaV2) PasswordLink(id string) (string, error) {
	link, r, err := o.c.User.ResetPassword(o.ctx, id, query.NewQueryParams(query.WithSendEmail(false)))
	if err != nil {
		return "", o.fault(r, err)
	}
	return link.ResetPasswordUrl, nil
}

func (o *oktaV2) TemporaryPassword(id string) (string, error) {
	password, r, err := o.c.User.ExpirePasswordAndGetTemporaryPassword(o.ctx, id)
	if err != nil {
		return "", o.fault(r, err)
	}
	return password.TempPassword, nil
}

func (o *oktaV2) group(g *okta.Group) string { return g.Profile.Name }

func (o *oktaV2) CreateGroup(name string) (string, error) {
	g, r, err := o.c.Group.CreateGroup(o.ctx, okta.Group{Profile: &okta.GroupProfile{Name: name, Description: "essai"}})
	if err != nil {
		return "", o.fault(r, err)
	}
	return g.Id, nil
}

func (o *oktaV2) GroupNames(q string) ([]string, error) {
	all, r, err := o.c.Group.ListGroups(o.ctx, query.NewQueryParams(query.WithQ(q)))
	all, err = restV2(o, all, r, err)
	return each(all, err, o.group)
}

func (o *oktaV2) DeleteGroup(id string) error { return o.fault(o.c.Group.DeleteGroup(o.ctx, id)) }

func (o *oktaV2) Member(group, person string, belongs bool) error {
	if belongs {
		return o.fault(o.c.Group.AddUserToGroup(o.ctx, group, person))
	}
	return o.fault(o.c.Group.RemoveUserFromGroup(o.ctx, group, person))
}

func (o *oktaV2) Members(group string, limit int) ([]oktaPerson, error) {
	all, r, err := o.c.Group.ListGroupUsers(o.ctx, group, query.NewQueryParams(query.WithLimit(int64(limit))))
	all, err = restV2(o, all, r, err)
	return each(all, err, o.person)
}

func (o *oktaV2) GroupsOf(person string) ([]string, error) {
	all, r, err := o.c.User.ListUserGroups(o.ctx, person)
	all, err = restV2(o, all, r, err)
	return each(all, err, o.group)
}

func (o *oktaV2) GiveRole(person, role string) (string, error) {
	given, r, err := o.c.User.AssignRoleToUser(o.ctx, person, okta.AssignRoleRequest{Type: role}, nil)
	if err != nil {
		return "", o.fault(r, err)
	}
	return given.Id, nil
}

func (o *oktaV2) Roles(person string) ([]string, error) {
	all, r, err := o.c.User.ListAssignedRolesForUser(o.ctx, person, nil)
	return each(all, o.fault(r, err), func(x *okta.Role) string { return x.Type + " " + x.Status })
}

func (o *oktaV2) Target(person, role, group string, added bool) error {
	if added {
		return o.fault(o.c.User.AddGroupTargetToRole(o.ctx, person, role, group))
	}
	return o.fault(o.c.User.RemoveGroupTargetFromRole(o.ctx, person, role, group))
}

func (o *oktaV2) Targets(person, role string) ([]string, error) {
	all, r, err := o.c.User.ListGroupTargetsForRole(o.ctx, person, role, nil)
	return each(all, o.fault(r, err), o.group)
}

func (o *oktaV2) TakeRole(person, role string) error {
	return o.fault(o.c.User.RemoveRoleFromUser(o.ctx, person, role))
}

func (o *oktaV2) factor(x okta.Factor) oktaFactor {
	f, ok := x.(*okta.UserFactor)
	if !ok {
		return oktaFactor{}
	}
	return oktaFactor{ID: f.Id, Type: f.FactorType, Provider: f.Provider, Status: f.Status}
}

func (o *oktaV2) Factors(person string) ([]oktaFactor, error) {
	all, r, err := o.c.UserFactor.ListFactors(o.ctx, person)
	return each(all, o.fault(r, err), o.factor)
}

func (o *oktaV2) Catalogue(person string) ([]oktaFactor, error) {
	all, r, err := o.c.UserFactor.ListSupportedFactors(o.ctx, person)
	return each(all, o.fault(r, err), o.factor)
}

func (o *oktaV2) Enrol(person, provider string) (oktaFactor, error) {
	totp := okta.NewTotpUserFactor()
	totp.Provider = provider
	_, r, err := o.c.UserFactor.EnrollFactor(o.ctx, person, totp, nil)
	if err != nil {
		return oktaFactor{}, o.fault(r, err)
	}
	f := oktaFactor{ID: totp.Id, Type: totp.FactorType, Provider: totp.Provider, Status: totp.Status}
	if embedded, ok := totp.Embedded.(map[string]any); ok {
		if activation, ok := embedded["activation"].(map[string]any); ok {
			f.Secret, _ = activation["sharedSecret"].(string)
		}
	}
	return f, nil
}

func (o *oktaV2) Activate(person, factor, code string) (string, error) {
	totp := okta.NewTotpUserFactor()
	_, r, err := o.c.UserFactor.ActivateFactor(o.ctx, person, factor, okta.ActivateFactorRequest{PassCode: code}, totp)
	return totp.Status, o.fault(r, err)
}

func (o *oktaV2) Verify(person, factor, code string) (string, error) {
	done, r, err := o.c.UserFactor.VerifyFactor(o.ctx, person, factor, okta.VerifyFactorRequest{PassCode: code}, okta.NewTotpUserFactor(), nil)
	if err != nil {
		return "", o.fault(r, err)
	}
	return done.FactorResult, nil
}

func (o *oktaV2) Events(filter string, since time.Time, limit int) ([]oktaEvent, error) {
	all, r, err := o.c.LogEvent.GetLogs(o.ctx, query.NewQueryParams(query.WithFilter(filter), query.WithSince(since.UTC().Format(time.RFC3339)),
		query.WithLimit(int64(limit))))
	all, err = restV2(o, all, r, err)
	return each(all, err, func(e *okta.LogEvent) oktaEvent {
		out := oktaEvent{ID: e.Uuid, Type: e.EventType, Outcome: e.Outcome.Result, Actor: e.Actor.Id, At: *e.Published}
		for _, t := range e.Target {
			out.Targets = append(out.Targets, t.Id)
		}
		return out
	})
}

func (o *oktaV2) Absent(person, factor, group string) map[string]error {
	out := map[string]error{}
	note := func(name string, r *okta.Response, err error) { out[name] = o.fault(r, err) }
	_, r, err := o.c.UserFactor.ListSupportedSecurityQuestions(o.ctx, person)
	note("security questions", r, err)
	_, r, err = o.c.User.ChangeRecoveryQuestion(o.ctx, person, okta.UserCredentials{})
	note("recovery question", r, err)
	_, r, err = o.c.User.ForgotPasswordGenerateOneTimeToken(o.ctx, person, nil)
	note("forgotten password", r, err)
	_, r, err = o.c.User.ListUserSubscriptions(o.ctx, person)
	note("subscriptions", r, err)
	_, r, err = o.c.User.GetLinkedObjectsForUser(o.ctx, person, "manager", nil)
	note("linked objects", r, err)
	_, r, err = o.c.UserType.ListUserTypes(o.ctx)
	note("user types", r, err)
	_, r, err = o.c.UserSchema.GetUserSchema(o.ctx, "default")
	note("schemas", r, err)
	_, r, err = o.c.Group.ListGroupRules(o.ctx, nil)
	note("group rules", r, err)
	_, r, err = o.c.Group.ListGroupAssignedRoles(o.ctx, group, nil)
	note("roles of groups", r, err)
	_, r, err = o.c.Application.ListApplications(o.ctx, nil)
	note("applications", r, err)
	_, r, err = o.c.User.ListApplicationTargetsForApplicationAdministratorRoleForUser(o.ctx, person, "role", nil)
	note("application targets", r, err)
	_, r, err = o.c.UserFactor.GetFactorTransactionStatus(o.ctx, person, factor, "transaction")
	note("factor transactions", r, err)
	return out
}
