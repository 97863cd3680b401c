package systemlog

import (
	"cmp"
	"encoding/json"
	"net/netip"
	"strings"

	"barillet/internal/audit"
	"barillet/internal/input"
	"barillet/web/reply"
)

// Event is an event in the shape of Okta's System Log.
type Event struct {
	UUID                  string             `json:"uuid"`
	Published             *string            `json:"published"`
	EventType             string             `json:"eventType"`
	LegacyEventType       *string            `json:"legacyEventType"` // always null
	Version               string             `json:"version"`
	Severity              string             `json:"severity"`
	DisplayMessage        string             `json:"displayMessage"`
	Actor                 entityJSON         `json:"actor"`
	Client                clientJSON         `json:"client"`
	AuthenticationContext authenticationJSON `json:"authenticationContext"`
	Outcome               outcomeJSON        `json:"outcome"`
	Target                []entityJSON       `json:"target"`
	Transaction           transactionJSON    `json:"transaction"`
	DebugContext          debugJSON          `json:"debugContext"`
	Request               requestJSON        `json:"request"`
	SecurityContext       securityJSON       `json:"securityContext"`
}

type entityJSON struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	AlternateID string `json:"alternateId"`
	DisplayName string `json:"displayName"`
}

type clientJSON struct {
	IPAddress string    `json:"ipAddress"`
	UserAgent agentJSON `json:"userAgent"`
}

type agentJSON struct {
	RawUserAgent string `json:"rawUserAgent"`
	Browser      string `json:"browser"` // "Firefox"
	OS           string `json:"os"`      // "Android"
}

type authenticationJSON struct {
	AuthenticationStep int    `json:"authenticationStep"` // always 0, as at Okta
	ExternalSessionID  string `json:"externalSessionId"`
}

// requestJSON contains the address of the client, without trusted proxies.
type requestJSON struct {
	IPChain []addressJSON `json:"ipChain"`
}

type addressJSON struct {
	IP      string `json:"ip"`
	Version string `json:"version"` // "V4", "V6"
}

// securityJSON is Okta's information about networks. It is empty, because the service looks up no addresses.
type securityJSON struct {
	AsNumber *int    `json:"asNumber"`
	AsOrg    *string `json:"asOrg"`
	ISP      *string `json:"isp"`
	Domain   *string `json:"domain"`
	IsProxy  *bool   `json:"isProxy"`
}

type outcomeJSON struct {
	Result string  `json:"result"`
	Reason *string `json:"reason"`
}

type transactionJSON struct {
	Type   string   `json:"type"`
	ID     string   `json:"id"`
	Detail struct{} `json:"detail"`
}

type debugJSON struct {
	DebugData map[string]string `json:"debugData"`
}

// New returns the JSON of an entry of the audit log.
func New(e audit.Entry) Event {
	out := Event{UUID: e.ID, Published: reply.Timestamp(e.At), EventType: e.Action, Version: "0", Severity: severity(e.Event),
		DisplayMessage: displayMessage(e.Event), Actor: actor(e.Actor),
		Client: clientJSON{IPAddress: e.Address, UserAgent: userAgent(e.Agent)}, Request: ipChain(e.Address),
		AuthenticationContext: authenticationJSON{ExternalSessionID: e.Session},
		Outcome:               outcomeJSON{Result: e.Outcome}, Target: []entityJSON{},
		Transaction: transactionJSON{Type: "WEB", ID: e.Request}, DebugContext: debugJSON{DebugData: e.Detail}}
	if e.Actor.Type == audit.TypeOperator || e.Actor.Type == audit.TypeSystem {
		out.Transaction.Type = "JOB"
	}
	if out.DebugContext.DebugData == nil {
		out.DebugContext.DebugData = map[string]string{}
	}
	if e.Reason != "" {
		out.Outcome.Reason = &e.Reason
	}
	if e.Subject != "" {
		out.Target = append(out.Target, entity(audit.Actor{Type: audit.TypeUser, ID: e.Subject, Name: e.SubjectName}))
	}
	for _, t := range e.Targets {
		out.Target = append(out.Target, entity(t))
	}
	return out
}

// userAgent returns the names of browser and system, as on the pages.
func userAgent(agent string) agentJSON {
	browser, system, both := strings.Cut(input.DescribeUserAgent(agent), ", ")
	if !both { // one name: browser or system
		browser = ""
	}
	return agentJSON{RawUserAgent: agent, Browser: browser, OS: system}
}

// ipChain returns the address of the client. It is empty for the admin socket and for the service itself.
func ipChain(address string) requestJSON {
	at, err := netip.ParseAddr(address)
	switch {
	case err != nil:
		return requestJSON{[]addressJSON{}}
	case at.Is4():
		return requestJSON{[]addressJSON{{address, "V4"}}}
	}
	return requestJSON{[]addressJSON{{address, "V6"}}}
}

// actor returns the JSON of an actor. An administrator without a name has their id as the name: Okta's clients show one.
func actor(a audit.Actor) entityJSON {
	if a.Type == audit.TypeUser {
		a.Name = cmp.Or(a.Name, a.ID)
	}
	return entity(a)
}

func entity(a audit.Actor) entityJSON {
	if a.Type == "" {
		a.Type = audit.TypeUnknown
	}
	return entityJSON{ID: a.ID, Type: a.Type, AlternateID: a.Name, DisplayName: a.Name}
}

// severity returns Okta's severity: WARN for refusals and failures, ERROR for damage.
func severity(e audit.Event) string {
	switch {
	case e.Action == audit.StoreDamaged, e.Action == audit.LogContradicted:
		return "ERROR"
	case e.Outcome == audit.Failure, e.Outcome == audit.Deny, e.Action == audit.MailFailed, e.Action == audit.ClockJumped,
		e.Action == audit.SpaceLow, e.Action == audit.CertProblem, e.Action == audit.WebhookDisabled, e.Action == audit.WebhookOverrun:
		return "WARN"
	}
	return "INFO"
}

// Notification returns the body of a webhook delivery: the type, the time, and the event as GET /logs returns it.
func Notification(e audit.Entry) ([]byte, error) {
	return json.Marshal(struct {
		Type      string  `json:"type"`
		Timestamp *string `json:"timestamp"`
		Data      Event   `json:"data"`
	}{e.Action, reply.Timestamp(e.At), New(e)})
}
