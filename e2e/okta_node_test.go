package e2e_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// oktaNode is Okta's client for Node, driven by okta.js.
type oktaNode struct {
	in  io.Writer
	out *bufio.Reader
}

// param are the arguments of one call, by the client's names.
type param map[string]any

func newOktaNode(tb testing.TB, base, token string) oktaClient {
	tb.Helper()
	return startOktaNode(tb, "OKTA_URL="+base, "OKTA_TOKEN="+token)
}

// startOktaNode starts okta.js with these variables.
func startOktaNode(tb testing.TB, variables ...string) *oktaNode {
	tb.Helper()
	if _, err := os.Stat("node_modules/@okta/okta-sdk-nodejs"); err != nil {
		tb.Fatalf("Okta's client for Node is missing: run npm ci in e2e, or e2e/install-tools.sh: %v", err)
	}
	command := exec.CommandContext(tb.Context(), tool(tb, "node", "nodejs"), "okta.js")
	// No more than this: the client would take a proxy, and a configuration, from the environment.
	command.Env, command.Stderr = append(variables, "PATH="+os.Getenv("PATH")), os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := command.Start(); err != nil {
		tb.Fatalf("starting node: %v", err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		_ = command.Wait() // it ends with its input; the test's context may have ended it before
	})
	return &oktaNode{in, bufio.NewReader(out)}
}

// call makes one call and reads what it gives into out, unless that is nil.
func (o *oktaNode) call(api, method string, p param, out any) error {
	ask, err := json.Marshal(map[string]any{"api": api, "method": method, "param": p})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(o.in, "%s\n", ask); err != nil {
		return fmt.Errorf("asking node: %w", err)
	}
	line, err := o.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("reading what node answers: %w", err)
	}
	var answer struct {
		Value json.RawMessage
		Fault *struct {
			Status                 int
			Code, Summary, Message string
		}
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return fmt.Errorf("reading what node answers: %w: %s", err, line)
	}
	switch {
	case answer.Fault == nil && out == nil:
		return nil
	case answer.Fault == nil:
		return json.Unmarshal(answer.Value, out)
	case answer.Fault.Status == 0:
		return errors.New(answer.Fault.Message)
	}
	return &oktaFault{answer.Fault.Status, answer.Fault.Code, answer.Fault.Summary}
}

// nodePerson is a person as this client gives one.
type nodePerson struct {
	ID, Status string
	Created    time.Time
	Profile    struct{ Login, FirstName, Badge string }
}

func (n nodePerson) person() oktaPerson {
	return oktaPerson{n.ID, n.Status, n.Profile.Login, n.Profile.FirstName, n.Profile.Badge, n.Created}
}

func (o *oktaNode) one(method string, p param) (oktaPerson, error) {
	var n nodePerson
	err := o.call("userApi", method, p, &n)
	return n.person(), err
}

func (o *oktaNode) people(api, method string, p param) ([]oktaPerson, error) {
	var all []nodePerson
	err := o.call(api, method, p, &all)
	return each(all, err, nodePerson.person)
}

func (o *oktaNode) Create(p oktaPerson, password string, groups []string, activate bool) (oktaPerson, error) {
	body := param{"profile": param{"login": p.Login, "email": p.Login, "firstName": p.FirstName, "lastName": "Martin", "badge": p.Badge}}
	if groups != nil {
		body["groupIds"] = groups
	}
	if password != "" {
		body["credentials"] = param{"password": param{"value": password}}
	}
	return o.one("createUser", param{"body": body, "activate": activate})
}

func (o *oktaNode) Person(idOrLogin string) (oktaPerson, error) {
	return o.one("getUser", param{"userId": idOrLogin})
}

func (o *oktaNode) People(q oktaQuery) ([]oktaPerson, error) {
	p := param{"limit": q.Limit}
	for name, text := range map[string]string{"q": q.Q, "filter": q.Filter, "search": q.Search} {
		if text != "" {
			p[name] = text
		}
	}
	return o.people("userApi", "listUsers", p)
}

func (o *oktaNode) Rename(id, firstName string) (oktaPerson, error) {
	return o.one("updateUser", param{"userId": id, "user": param{"profile": param{"firstName": firstName}}})
}

func (o *oktaNode) Do(act, id string) error {
	p := param{"userId": id}
	switch act {
	case "activate":
		p["sendEmail"] = false
	case "sessions":
		p["oauthTokens"] = true
	}
	method, ok := map[string]string{"activate": "activateUser", "suspend": "suspendUser", "unsuspend": "unsuspendUser", "deactivate": "deactivateUser",
		"delete": "deleteUser", "unlock": "unlockUser", "expire_password": "expirePassword", "reset_factors": "resetFactors", "sessions": "revokeUserSessions"}[act]
	if !ok {
		return fmt.Errorf("no act is called %q", act)
	}
	return o.call("userApi", method, p, nil)
}

func (o *oktaNode) ChangePassword(id, old, fresh string) error {
	return o.call("userApi", "changePassword", param{"userId": id, "changePasswordRequest": param{"oldPassword": param{"value": old}, "newPassword": param{"value": fresh}}}, nil)
}

func (o *oktaNode) PasswordLink(id string) (string, error) {
	var out struct{ ResetPasswordURL string }
	err := o.call("userApi", "generateResetPasswordToken", param{"userId": id, "sendEmail": false}, &out)
	return out.ResetPasswordURL, err
}

func (o *oktaNode) TemporaryPassword(id string) (string, error) {
	var out struct{ TempPassword string }
	err := o.call("userApi", "expirePasswordAndGetTemporaryPassword", param{"userId": id}, &out)
	return out.TempPassword, err
}

// nodeGroup is a group as this client gives one.
type nodeGroup struct {
	ID      string
	Profile struct{ Name string }
}

func (o *oktaNode) groups(api, method string, p param) ([]string, error) {
	var all []nodeGroup
	err := o.call(api, method, p, &all)
	return each(all, err, func(g nodeGroup) string { return g.Profile.Name })
}

func (o *oktaNode) CreateGroup(name string) (string, error) {
	var g nodeGroup
	err := o.call("groupApi", "createGroup", param{"group": param{"profile": param{"name": name, "description": "essai"}}}, &g)
	return g.ID, err
}

func (o *oktaNode) GroupNames(q string) ([]string, error) {
	return o.groups("groupApi", "listGroups", param{"q": q})
}

func (o *oktaNode) DeleteGroup(id string) error {
	return o.call("groupApi", "deleteGroup", param{"groupId": id}, nil)
}

func (o *oktaNode) Member(group, person string, belongs bool) error {
	method := "unassignUserFromGroup"
	if belongs {
		method = "assignUserToGroup"
	}
	return o.call("groupApi", method, param{"groupId": group, "userId": person}, nil)
}

func (o *oktaNode) Members(group string, limit int) ([]oktaPerson, error) {
	return o.people("groupApi", "listGroupUsers", param{"groupId": group, "limit": limit})
}

func (o *oktaNode) GroupsOf(person string) ([]string, error) {
	return o.groups("userApi", "listUserGroups", param{"userId": person})
}

func (o *oktaNode) GiveRole(person, role string) (string, error) {
	var given struct{ ID string }
	err := o.call("roleAssignmentApi", "assignRoleToUser", param{"userId": person, "assignRoleRequest": param{"type": role}}, &given)
	return given.ID, err
}

func (o *oktaNode) Roles(person string) ([]string, error) {
	var all []struct{ Type, Status string }
	err := o.call("roleAssignmentApi", "listAssignedRolesForUser", param{"userId": person}, &all)
	return each(all, err, func(x struct{ Type, Status string }) string { return x.Type + " " + x.Status })
}

func (o *oktaNode) Target(person, role, group string, added bool) error {
	method := "unassignGroupTargetFromUserAdminRole"
	if added {
		method = "assignGroupTargetToUserRole"
	}
	return o.call("roleTargetApi", method, param{"userId": person, "roleId": role, "groupId": group}, nil)
}

func (o *oktaNode) Targets(person, role string) ([]string, error) {
	return o.groups("roleTargetApi", "listGroupTargetsForRole", param{"userId": person, "roleId": role})
}

func (o *oktaNode) TakeRole(person, role string) error {
	return o.call("roleAssignmentApi", "unassignRoleFromUser", param{"userId": person, "roleId": role}, nil)
}

// nodeFactor is a device as this client gives one.
type nodeFactor struct {
	ID, FactorType, Provider, Status string
	Embedded                         struct {
		Activation struct{ SharedSecret string }
	} `json:"_embedded"`
}

func (n nodeFactor) factor() oktaFactor {
	return oktaFactor{n.ID, n.FactorType, n.Provider, n.Status, n.Embedded.Activation.SharedSecret}
}

func (o *oktaNode) factors(method, person string) ([]oktaFactor, error) {
	var all []nodeFactor
	err := o.call("userFactorApi", method, param{"userId": person}, &all)
	return each(all, err, nodeFactor.factor)
}

func (o *oktaNode) Factors(person string) ([]oktaFactor, error) {
	return o.factors("listFactors", person)
}

func (o *oktaNode) Catalogue(person string) ([]oktaFactor, error) {
	return o.factors("listSupportedFactors", person)
}

func (o *oktaNode) Enrol(person, provider string) (oktaFactor, error) {
	var n nodeFactor
	err := o.call("userFactorApi", "enrollFactor", param{"userId": person, "body": param{"factorType": "token:software:totp", "provider": provider}}, &n)
	return n.factor(), err
}

func (o *oktaNode) Activate(person, factor, code string) (string, error) {
	var n nodeFactor
	err := o.call("userFactorApi", "activateFactor", param{"userId": person, "factorId": factor, "body": param{"passCode": code}}, &n)
	return n.Status, err
}

func (o *oktaNode) Verify(person, factor, code string) (string, error) {
	var done struct{ FactorResult string }
	err := o.call("userFactorApi", "verifyFactor", param{"userId": person, "factorId": factor, "body": param{"passCode": code}}, &done)
	return done.FactorResult, err
}

func (o *oktaNode) Events(filter string, since time.Time, limit int) ([]oktaEvent, error) {
	var all []struct {
		UUID, EventType string
		Published       time.Time
		Outcome         struct{ Result string }
		Actor           struct{ ID string }
		Target          []struct{ ID string }
	}
	err := o.call("systemLogApi", "listLogEvents", param{"filter": filter, "since": since.UTC().Format(time.RFC3339), "limit": limit}, &all)
	out := make([]oktaEvent, len(all))
	for i, e := range all {
		out[i] = oktaEvent{ID: e.UUID, Type: e.EventType, Outcome: e.Outcome.Result, Actor: e.Actor.ID, At: e.Published}
		for _, t := range e.Target {
			out[i].Targets = append(out[i].Targets, t.ID)
		}
	}
	return out, err
}

func (o *oktaNode) Absent(person, factor, group string) map[string]error {
	who := param{"userId": person}
	out := map[string]error{}
	for name, c := range map[string]struct {
		api, method string
		param       param
	}{
		"security questions":  {"userFactorApi", "listSupportedSecurityQuestions", who},
		"recovery question":   {"userApi", "changeRecoveryQuestion", param{"userId": person, "userCredentials": param{}}},
		"forgotten password":  {"userApi", "forgotPassword", who},
		"subscriptions":       {"subscriptionApi", "listUserSubscriptions", param{"userId": person}},
		"linked objects":      {"userApi", "listLinkedObjectsForUser", param{"userId": person, "relationshipName": "manager"}},
		"user types":          {"userTypeApi", "listUserTypes", param{}},
		"schemas":             {"schemaApi", "getUserSchema", param{"schemaId": "default"}},
		"group rules":         {"groupApi", "listGroupRules", param{}},
		"roles of groups":     {"roleAssignmentApi", "listGroupAssignedRoles", param{"groupId": group}},
		"applications":        {"applicationApi", "listApplications", param{}},
		"application targets": {"roleTargetApi", "listApplicationTargetsForApplicationAdministratorRoleForUser", param{"userId": person, "roleId": "role"}},
		"factor transactions": {"userFactorApi", "getFactorTransactionStatus", param{"userId": person, "factorId": factor, "transactionId": "transaction"}},
	} {
		out[name] = o.call(c.api, c.method, c.param, &[]any{})
	}
	return out
}
