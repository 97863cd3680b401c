package api_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
)

// write appends events to the log, one second apart.
func (d *apiEnv) write(events ...audit.Event) {
	d.T.Helper()
	for _, e := range events {
		d.Clock.Advance(time.Second)
		if _, err := account.Update(d.T.Context(), d.Accounts, d.Accounts.NewOperation(d.From), func(tx *account.Tx) (struct{}, error) {
			return struct{}{}, tx.Audit(e)
		}); err != nil {
			d.T.Fatal(err)
		}
	}
}

func TestLogs_Filter(t *testing.T) {
	d := open(t)
	admin := d.admin()
	zoe := audit.Actor{Type: audit.TypeUser, ID: "u1", Name: "zoe@garage.example"}
	phone := audit.Actor{Type: audit.TypeDevice, ID: "d1", Name: `her "blue" phone`}
	d.From.Address = netip.MustParseAddr("2001:db8::1")
	d.write(
		audit.Event{Action: audit.SessionStart, Outcome: audit.Success, Actor: zoe, Subject: "u1", Session: "s1"},
		audit.Event{Action: audit.FactorProven, Outcome: audit.Failure, Reason: "wrong_code", Actor: zoe, Subject: "u1", Targets: []audit.Actor{phone}},
		audit.Event{Action: audit.FactorsReset, Outcome: audit.Success, Actor: audit.Actor{Type: audit.TypeToken, ID: "token:t1", Name: "desk"}, Subject: "u2"},
	)
	at := func(seconds int) string {
		return authntest.Start.Add(time.Duration(seconds) * time.Second).Format("2006-01-02T15:04:05.000Z")
	}
	const first, second, third = "a", "b", "c" // the three events, in their order; the token's is left out
	for filter, want := range map[string]string{
		`eventType eq "user.session.start"`:                                      first,
		`eventType sw "user.mfa"`:                                                third,
		`eventType co "auth_via"`:                                                second,
		`eventType ew ".start" or eventType eq "user.mfa.factor.reset_all"`:      first + third,
		`eventType EQ "USER.SESSION.START"`:                                      first,
		`actor.id eq "u1"`:                                                       first + second,
		`actor.id eq "u1" and outcome.result eq "FAILURE"`:                       second,
		`target.id eq "u1"`:                                                      first + second,
		`target.id eq "d1"`:                                                      second, // not only the person
		`target.id eq "u1" and target.id eq "d1"`:                                second,
		`target.displayName eq "her \"blue\" phone"`:                             second,
		`outcome.reason pr`:                                                      second,
		`not (outcome.reason pr) and actor.type eq "User"`:                       first,
		`(eventType sw "user.s" or eventType sw "user.m") and target.id ne "u1"`: third,
		`eventType sw "user.s" or eventType sw "user.m" and target.id eq "u1"`:   first, // and binds tighter
		`severity eq "WARN"`:                                                     second,
		`authenticationContext.externalSessionId eq "s1"`:                        first,
		`client.ipAddress eq "2001:db8::1" and actor.displayName eq "desk"`:      third,
		`published gt "` + at(1) + `"`:                                           second + third,
		`published ge "` + at(1) + `" and published lt "` + at(3) + `"`:          first + second,
		`published le "` + at(2) + `" and actor.id eq "u1"`:                      first + second,
		`published gt "` + at(2) + `" or eventType eq "user.session.start"`:      first + third,
		`not (published lt "` + at(3) + `")`:                                     third,
		`((((((eventType eq "user.session.start"))))))`:                          first,
		`published ge "2026-03-02T09:00:02+01:00" and eventType sw "user.auth"`:  second,
		`published gt "` + at(3) + `"`:                                           "",
		`published lt "` + at(1) + `" and actor.id eq "u1"`:                      "",
	} {
		for _, order := range []string{"", "&sortOrder=DESCENDING"} {
			got := ""
			for _, e := range read[[]tree](t, d.call("GET", "/api/v1/logs?filter="+url.QueryEscape(filter)+order, admin, ""), 200) {
				switch e.get("eventType") {
				case audit.SessionStart:
					got += first
				case audit.FactorProven:
					got += second
				case audit.FactorsReset:
					got += third
				}
			}
			if order != "" && len(got) > 1 {
				turned := []byte(got)
				for i := range len(turned) / 2 {
					turned[i], turned[len(turned)-1-i] = turned[len(turned)-1-i], turned[i]
				}
				got = string(turned)
			}
			if got != want {
				t.Errorf("%s%s: got %q, want %q", filter, order, got, want)
			}
		}
	}
	both := "/api/v1/logs?since=" + at(2) + "&filter=" + url.QueryEscape(`published gt "`+at(0)+`"`)
	if got := read[[]tree](t, d.call("GET", both, admin, ""), 200); len(got) != 2 {
		t.Errorf("got %d, want what lies within both times", len(got))
	}
}

func TestLogs_RejectInvalidFilter(t *testing.T) {
	d := open(t)
	admin := d.admin()
	for _, filter := range []string{`eventType`, `eventType eq`, `eventType eq user`, `eventType eq ""`, `eventType is "a"`, `color eq "a"`, `debugContext.debugData.why eq "a"`,
		`published eq "2026-03-02T08:00:00Z"`, `published gt "yesterday"`, `eventType gt "2026-03-02T08:00:00Z"`, `published pr`, `(eventType eq "a"`, `eventType eq "a")`,
		`()`, `not eventType eq "a"`, `not ()`, `eventType eq "a" and`, `or eventType eq "a"`, `eventType eq "a" eventType eq "b"`, `eventType eq "a"and severity eq "b"`,
		strings.Repeat("(", 9) + `eventType eq "a"` + strings.Repeat(")", 9), strings.Repeat(`uuid eq "a" or `, 20) + `uuid eq "b"`, `uuid eq "` + strings.Repeat("x", 3000) + `"`} {
		p := problem(t, d.call("GET", "/api/v1/logs?filter="+url.QueryEscape(filter), admin, ""), 400)
		if p.ErrorCode != "E0000031" || !strings.Contains(p.Detail, "filter") {
			t.Errorf("%.40s: got %+v, want the parameter named", filter, p)
		}
	}
}

func TestLogs_EventHasAllMembersOfOkta(t *testing.T) {
	d := open(t)
	d.write(audit.Event{Action: audit.SessionStart, Outcome: audit.Success, Actor: audit.Actor{Type: audit.TypeUser, ID: "u1", Name: "zoe"}, Subject: "u1"})
	d.From = account.RequestInfo{}
	d.write(audit.Event{Action: audit.MailFailed, Outcome: audit.Failure, Actor: audit.Actor{Type: audit.TypeSystem, Name: "barillet"}})
	list := read[[]tree](t, d.local("GET", "/api/v1/logs", ""), 200)
	for _, e := range list {
		for _, member := range strings.Fields("actor authenticationContext client debugContext displayMessage eventType legacyEventType outcome published request securityContext severity target transaction uuid version") {
			if _, there := e[member]; !there {
				t.Errorf("%s: %s is missing", e.get("eventType"), member)
			}
		}
	}
	if got := mustJSON(t, list[0].get("request")); got != `{"ipChain":[{"ip":"192.0.2.10","version":"V4"}]}` {
		t.Errorf("got request %s", got)
	}
	if got := mustJSON(t, list[1].get("request")); got != `{"ipChain":[]}` {
		t.Errorf("got request %s of the service itself", got)
	}
	if a := list[0].get("client", "userAgent").(map[string]any); a["browser"] != "Firefox" || a["os"] != "Android" {
		t.Errorf("got %v", a)
	}
}

// FuzzEventFilter checks that a filter is either applied or refused.
func FuzzEventFilter(f *testing.F) {
	for _, seed := range []string{`eventType eq "a"`, `not (actor.id eq "u1") and published gt "2026-03-02T08:00:00Z"`, `((uuid pr))`, `a eq "b" or (`, `uuid eq "\"\\"`} {
		f.Add(seed)
	}
	d := open(f)
	d.write(audit.Event{Action: audit.SessionStart, Outcome: audit.Success})
	f.Fuzz(func(t *testing.T, filter string) {
		env := *d.Env
		env.T = t // reports violations of the contract
		one := apiEnv{Env: &env, API: d.API}
		w := one.local("GET", "/api/v1/logs?filter="+url.QueryEscape(filter), "")
		if w.Code != 200 && w.Code != 400 {
			t.Errorf("%q: got %d %s", filter, w.Code, w.Body)
		}
	})
}

// Okta's clients show the name of an actor. The event of a session has an id only.
func TestLogs_NameTheAdministratorOfASession(t *testing.T) {
	d := open(t)
	ines := d.CreateUser("ines@garage.example", nil)
	gone := "uaaaaaaaaaaaaaaaaaaaaaaaaaa"
	d.write(audit.Event{Action: audit.UserSuspended, Outcome: audit.Success, Actor: audit.Actor{Type: audit.TypeUser, ID: string(ines.ID)}, Subject: "u1"},
		audit.Event{Action: audit.UserSuspended, Outcome: audit.Success, Actor: audit.Actor{Type: audit.TypeUser, ID: gone}, Subject: "u1"})
	var names []any
	for _, e := range read[[]tree](t, d.call("GET", "/api/v1/logs?filter="+url.QueryEscape(`eventType eq "user.lifecycle.suspend"`), d.admin(), ""), 200) {
		names = append(names, e.get("actor", "displayName"), e.get("actor", "alternateId"))
	}
	if len(names) != 4 || names[0] != ines.Login || names[1] != ines.Login || names[2] != gone || names[3] != gone {
		t.Errorf("got %v, want the login, and the id of a deleted user", names)
	}
}
