package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	okta "github.com/okta/okta-sdk-golang/v5/okta"
)

// oktaV5 is Okta's client for Go, version 5, which is made from Okta's own description of its API: it is the
// strictest of the three about the shape of answers.
type oktaV5 struct {
	ctx context.Context
	c   *okta.APIClient
}

func newOktaV5(tb testing.TB, base, token string) oktaClient {
	tb.Helper()
	config, err := okta.NewConfiguration(okta.WithOrgUrl(base), okta.WithToken(token), okta.WithCache(false),
		okta.WithRateLimitMaxRetries(2), okta.WithRateLimitMaxBackOff(30)) // without both it never tries again
	if err != nil {
		tb.Fatalf("making Okta's client, version 5: %v", err)
	}
	at, err := url.Parse(base)
	if err != nil {
		tb.Fatal(err)
	}
	config.Host = at.Host // of a base URL it takes the name and leaves out the port
	return &oktaV5{config.Context, okta.NewAPIClient(config)}
}

// fault returns the error of the client: the model that it read or, for a status without a model, the
// body.
func (o *oktaV5) fault(r *okta.APIResponse, err error) error {
	var e *okta.GenericOpenAPIError
	if !errors.As(err, &e) || r == nil {
		return err
	}
	out := &oktaFault{Status: r.StatusCode, Summary: e.Error()}
	model, ok := e.Model().(okta.Error)
	if !ok && e.Error() == r.Status {
		ok = json.Unmarshal(e.Body(), &model) == nil
	}
	if ok {
		out.Code, out.Summary = model.GetErrorCode(), model.GetErrorSummary()
	}
	return out
}

func restV5[T any](o *oktaV5, all []T, r *okta.APIResponse, err error) ([]T, error) {
	for err == nil && r.HasNextPage() {
		var more []T
		if r, err = r.Next(&more); err == nil {
			all = append(all, more...)
		}
	}
	return all, o.fault(r, err)
}

func (o *oktaV5) profile(id, status string, created time.Time, p *okta.UserProfile) oktaPerson {
	out := oktaPerson{ID: id, Status: status, Created: created, Login: p.GetLogin(), FirstName: p.GetFirstName()}
	out.Badge, _ = p.AdditionalProperties["badge"].(string)
	return out
}

func (o *oktaV5) person(u okta.User) oktaPerson {
	profile := u.GetProfile()
	return o.profile(u.GetId(), u.GetStatus(), u.GetCreated(), &profile)
}

func (o *oktaV5) one(u *okta.User, r *okta.APIResponse, err error) (oktaPerson, error) {
	if err != nil {
		return oktaPerson{}, o.fault(r, err)
	}
	return o.person(*u), nil
}

func (o *oktaV5) Create(p oktaPerson, password string, groups []string, activate bool) (oktaPerson, error) {
	profile := okta.UserProfile{AdditionalProperties: map[string]any{"badge": p.Badge}}
	profile.SetLogin(p.Login)
	profile.SetEmail(p.Login)
	profile.SetFirstName(p.FirstName)
	profile.SetLastName("Martin")
	body := okta.CreateUserRequest{Profile: profile, GroupIds: groups}
	if password != "" {
		body.Credentials = &okta.UserCredentials{Password: &okta.PasswordCredential{Value: &password}}
	}
	return o.one(o.c.UserAPI.CreateUser(o.ctx).Body(body).Activate(activate).Execute())
}

func (o *oktaV5) Person(idOrLogin string) (oktaPerson, error) {
	u, r, err := o.c.UserAPI.GetUser(o.ctx, idOrLogin).Execute()
	if err != nil {
		return oktaPerson{}, o.fault(r, err)
	}
	profile := u.GetProfile()
	return o.profile(u.GetId(), u.GetStatus(), u.GetCreated(), &profile), nil
}

func (o *oktaV5) People(q oktaQuery) ([]oktaPerson, error) {
	ask := o.c.UserAPI.ListUsers(o.ctx).Limit(int32(q.Limit))
	if q.Q != "" {
		ask = ask.Q(q.Q)
	}
	if q.Filter != "" {
		ask = ask.Filter(q.Filter)
	}
	if q.Search != "" {
		ask = ask.Search(q.Search)
	}
	all, r, err := ask.Execute()
	all, err = restV5(o, all, r, err)
	return each(all, err, o.person)
}

func (o *oktaV5) Rename(id, firstName string) (oktaPerson, error) {
	profile := okta.UserProfile{}
	profile.SetFirstName(firstName)
	return o.one(o.c.UserAPI.UpdateUser(o.ctx, id).User(okta.UpdateUserRequest{Profile: &profile}).Execute())
}

func (o *oktaV5) Do(act, id string) error {
	var r *okta.APIResponse
	var err error
	switch act {
	case "activate":
		_, r, err = o.c.UserAPI.ActivateUser(o.ctx, id).SendEmail(false).Execute()
	case "suspend":
		r, err = o.c.UserAPI.SuspendUser(o.ctx, id).Execute()
	case "unsuspend":
		r, err = o.c.UserAPI.UnsuspendUser(o.ctx, id).Execute()
	case "deactivate":
		r, err = o.c.UserAPI.DeactivateUser(o.ctx, id).Execute()
	case "delete":
		r, err = o.c.UserAPI.DeleteUser(o.ctx, id).Execute()
	case "unlock":
		r, err = o.c.UserAPI.UnlockUser(o.ctx, id).Execute()
	case "expire_password":
		_, r, err = o.c.UserAPI.ExpirePassword(o.ctx, id).Execute()
	case "reset_factors":
		r, err = o.c.UserAPI.ResetFactors(o.ctx, id).Execute()
	case "sessions":
		r, err = o.c.UserAPI.RevokeUserSessions(o.ctx, id).OauthTokens(true).Execute()
	default:
		err = fmt.Errorf("no act is called %q", act)
	}
	return o.fault(r, err)
}

func (o *oktaV5) ChangePassword(id, old, fresh string) error {
	_, r, err := o.c.UserAPI.ChangePassword(o.ctx, id).ChangePasswordRequest(okta.ChangePasswordRequest{
		OldPassword: &okta.PasswordCredential{Value: &old}, NewPassword: &okta.PasswordCredential{Value: &fresh}}).Execute()
	return o.fault(r, err)
}

func (o *oktaV5) PasswordLink(id string) (string, error) {
	link, r, err := o.c.UserAPI.GenerateResetPasswordToken(o.ctx, id).SendEmail(false).Execute()
	return link.GetResetPasswordUrl(), o.fault(r, err)
}

func (o *oktaV5) TemporaryPassword(id string) (string, error) {
	password, r, err := o.c.UserAPI.ExpirePasswordAndGetTemporaryPassword(o.ctx, id).Execute()
	return password.GetTempPassword(), o.fault(r, err)
}

func (o *oktaV5) group(g okta.Group) string {
	profile := g.GetProfile()
	return profile.GetName()
}

func (o *oktaV5) CreateGroup(name string) (string, error) {
	profile := okta.GroupProfile{}
	profile.SetName(name)
	profile.SetDescription("essai")
	g, r, err := o.c.GroupAPI.CreateGroup(o.ctx).Group(okta.Group{Profile: &profile}).Execute()
	return g.GetId(), o.fault(r, err)
}

func (o *oktaV5) GroupNames(q string) ([]string, error) {
	all, r, err := o.c.GroupAPI.ListGroups(o.ctx).Q(q).Execute()
	all, err = restV5(o, all, r, err)
	return each(all, err, o.group)
}

func (o *oktaV5) DeleteGroup(id string) error {
	return o.fault(o.c.GroupAPI.DeleteGroup(o.ctx, id).Execute())
}

func (o *oktaV5) Member(group, person string, belongs bool) error {
	if belongs {
		return o.fault(o.c.GroupAPI.AssignUserToGroup(o.ctx, group, person).Execute())
	}
	return o.fault(o.c.GroupAPI.UnassignUserFromGroup(o.ctx, group, person).Execute())
}

func (o *oktaV5) Members(group string, limit int) ([]oktaPerson, error) {
	all, r, err := o.c.GroupAPI.ListGroupUsers(o.ctx, group).Limit(int32(limit)).Execute()
	all, err = restV5(o, all, r, err)
	return each(all, err, func(m okta.GroupMember) oktaPerson {
		profile := m.GetProfile()
		return o.profile(m.GetId(), m.GetStatus(), m.GetCreated(), &profile)
	})
}

func (o *oktaV5) GroupsOf(person string) ([]string, error) {
	all, r, err := o.c.UserAPI.ListUserGroups(o.ctx, person).Execute()
	all, err = restV5(o, all, r, err)
	return each(all, err, o.group)
}

func (o *oktaV5) GiveRole(person, role string) (string, error) {
	given, r, err := o.c.RoleAssignmentAPI.AssignRoleToUser(o.ctx, person).AssignRoleRequest(okta.AssignRoleRequest{Type: &role}).Execute()
	return given.GetId(), o.fault(r, err)
}

func (o *oktaV5) Roles(person string) ([]string, error) {
	all, r, err := o.c.RoleAssignmentAPI.ListAssignedRolesForUser(o.ctx, person).Execute()
	return each(all, o.fault(r, err), func(x okta.Role) string { return x.GetType() + " " + x.GetStatus() })
}

func (o *oktaV5) Target(person, role, group string, added bool) error {
	if added {
		return o.fault(o.c.RoleTargetAPI.AssignGroupTargetToUserRole(o.ctx, person, role, group).Execute())
	}
	return o.fault(o.c.RoleTargetAPI.UnassignGroupTargetFromUserAdminRole(o.ctx, person, role, group).Execute())
}

func (o *oktaV5) Targets(person, role string) ([]string, error) {
	all, r, err := o.c.RoleTargetAPI.ListGroupTargetsForRole(o.ctx, person, role).Execute()
	return each(all, o.fault(r, err), o.group)
}

func (o *oktaV5) TakeRole(person, role string) error {
	return o.fault(o.c.RoleAssignmentAPI.UnassignRoleFromUser(o.ctx, person, role).Execute())
}

// factor is one of a list. A kind that Okta does not have, such as recovery codes, is an empty entry to this client.
func (o *oktaV5) factor(x okta.ListFactors200ResponseInner) oktaFactor {
	switch f := x.GetActualInstance().(type) {
	case *okta.UserFactorTOTP:
		out := oktaFactor{ID: f.GetId(), Provider: f.GetProvider(), Status: f.GetStatus()}
		out.Type, _ = f.FactorType.(string)
		if activation := f.Embedded["activation"]; activation != nil {
			out.Secret, _ = activation["sharedSecret"].(string)
		}
		return out
	case *okta.UserFactorWebAuthn:
		return oktaFactor{ID: f.GetId(), Type: "webauthn", Provider: f.GetProvider(), Status: f.GetStatus()}
	}
	return oktaFactor{}
}

func (o *oktaV5) Factors(person string) ([]oktaFactor, error) {
	all, r, err := o.c.UserFactorAPI.ListFactors(o.ctx, person).Execute()
	return each(all, o.fault(r, err), o.factor)
}

func (o *oktaV5) Catalogue(person string) ([]oktaFactor, error) {
	all, r, err := o.c.UserFactorAPI.ListSupportedFactors(o.ctx, person).Execute()
	return each(all, o.fault(r, err), func(f okta.UserFactorSupported) oktaFactor {
		return oktaFactor{Type: f.GetFactorType(), Provider: f.GetProvider(), Status: f.GetStatus()}
	})
}

func (o *oktaV5) Enrol(person, provider string) (oktaFactor, error) {
	totp := okta.NewUserFactorTOTP()
	totp.FactorType = "token:software:totp"
	totp.SetProvider(provider)
	f, r, err := o.c.UserFactorAPI.EnrollFactor(o.ctx, person).Body(okta.UserFactorTOTPAsListFactors200ResponseInner(totp)).Execute()
	if err != nil {
		return oktaFactor{}, o.fault(r, err)
	}
	return o.factor(*f), nil
}

func (o *oktaV5) Activate(person, factor, code string) (string, error) {
	f, r, err := o.c.UserFactorAPI.ActivateFactor(o.ctx, person, factor).Body(map[string]any{"passCode": code}).Execute()
	if err != nil {
		return "", o.fault(r, err)
	}
	return o.factor(*f).Status, nil
}

func (o *oktaV5) Verify(person, factor, code string) (string, error) {
	done, r, err := o.c.UserFactorAPI.VerifyFactor(o.ctx, person, factor).Body(map[string]any{"passCode": code}).Execute()
	return done.GetFactorResult(), o.fault(r, err)
}

func (o *oktaV5) Events(filter string, since time.Time, limit int) ([]oktaEvent, error) {
	all, r, err := o.c.SystemLogAPI.ListLogEvents(o.ctx).Filter(filter).Since(since).Limit(int32(limit)).Execute()
	all, err = restV5(o, all, r, err)
	return each(all, err, func(e okta.LogEvent) oktaEvent {
		outcome, actor := e.GetOutcome(), e.GetActor()
		out := oktaEvent{ID: e.GetUuid(), Type: e.GetEventType(), Outcome: outcome.GetResult(), Actor: actor.GetId(), At: e.GetPublished()}
		for _, t := range e.Target {
			out.Targets = append(out.Targets, t.GetId())
		}
		return out
	})
}

func (o *oktaV5) Absent(person, factor, group string) map[string]error {
	out := map[string]error{}
	note := func(name string, r *okta.APIResponse, err error) { out[name] = o.fault(r, err) }
	_, r, err := o.c.UserFactorAPI.ListSupportedSecurityQuestions(o.ctx, person).Execute()
	note("security questions", r, err)
	_, r, err = o.c.UserAPI.ChangeRecoveryQuestion(o.ctx, person).UserCredentials(okta.UserCredentials{}).Execute()
	note("recovery question", r, err)
	_, r, err = o.c.UserAPI.ForgotPassword(o.ctx, person).Execute()
	note("forgotten password", r, err)
	_, r, err = o.c.SubscriptionAPI.ListSubscriptionsUser(o.ctx, person).Execute()
	note("subscriptions", r, err)
	_, r, err = o.c.UserAPI.ListLinkedObjectsForUser(o.ctx, person, "manager").Execute()
	note("linked objects", r, err)
	_, r, err = o.c.UserTypeAPI.ListUserTypes(o.ctx).Execute()
	note("user types", r, err)
	_, r, err = o.c.SchemaAPI.GetUserSchema(o.ctx, "default").Execute()
	note("schemas", r, err)
	_, r, err = o.c.GroupAPI.ListGroupRules(o.ctx).Execute()
	note("group rules", r, err)
	_, r, err = o.c.RoleAssignmentAPI.ListGroupAssignedRoles(o.ctx, group).Execute()
	note("roles of groups", r, err)
	_, r, err = o.c.ApplicationAPI.ListApplications(o.ctx).Execute()
	note("applications", r, err)
	_, r, err = o.c.RoleTargetAPI.ListApplicationTargetsForApplicationAdministratorRoleForUser(o.ctx, person, "role").Execute()
	note("application targets", r, err)
	_, r, err = o.c.UserFactorAPI.GetFactorTransactionStatus(o.ctx, person, factor, "transaction").Execute()
	note("factor transactions", r, err)
	return out
}
