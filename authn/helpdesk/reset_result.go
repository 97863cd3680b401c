package helpdesk

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/store"
)

// resetEvent returns the audit event of a reset. previousResult reads the result of a repeated reset from it.
func (j resetJob) resetEvent(u *account.User, c *Request, action string, result ResetResult) audit.Event {
	e := j.principal.Event(action, u)
	e.Detail = map[string]string{"owner": j.principal.Owner, "method": [...]string{"email", "response", "screen"}[j.delivery]}
	for key, text := range map[string]string{"reason": j.request.Reason, "helpRequestId": j.request.HelpRequest} {
		if text != "" {
			e.Detail[key] = text
		}
	}
	switch {
	case c != nil:
		c.identityCheck().detail(e.Detail)
	case j.request.Check != nil:
		j.request.Check.detail(e.Detail)
	}
	if j.unchecked != nil {
		e.Detail["openHelpRequestId"] = j.unchecked.ID
	}
	j.principal.DescribeConsent(&e)
	if j.handed != nil {
		e.Detail["witness"], e.Detail["handoverId"] = string(j.handed.Witness), j.handed.ID
	}
	if action == audit.FactorsReset {
		e.Detail["devices"] = writeDevices(result.Devices)
		for key, n := range result.counts() {
			e.Detail[key] = strconv.Itoa(*n)
		}
	}
	return e
}

// counts returns the numbers of a result by their names in the audit event.
func (r *ResetResult) counts() map[string]*int {
	return map[string]*int{"copies": &r.Copies, "recoveryCodes": &r.RecoveryCodes,
		"sessions": &r.Sessions, "browsers": &r.Browsers}
}

// writeDevices returns the number of devices of each kind as text, such as "totp=1 webauthn=2".
func writeDevices(devices map[factors.Kind]int) string {
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(devices)) {
		out = append(out, string(kind)+"="+strconv.Itoa(devices[kind]))
	}
	return strings.Join(out, " ")
}

// readDevices parses the output of writeDevices.
func readDevices(text string) map[factors.Kind]int {
	out := map[factors.Kind]int{}
	for word := range strings.FieldsSeq(text) {
		kind, n, _ := strings.Cut(word, "=")
		out[factors.Kind(kind)], _ = strconv.Atoi(n)
	}
	return out
}

// previousResult returns the result of the last reset of u, from the audit event with the time of that reset. It
// returns an empty result if u has devices. A transaction cannot search the log, so the caller reads it before.
func (s *Service) previousResult(ctx context.Context, u *account.User) (ResetResult, error) {
	if u.ResetAt.IsZero() || len(u.Devices) > 0 { // no earlier reset, or this is not a repeat
		return ResetResult{}, nil
	}
	r := ResetResult{At: u.ResetAt}
	var found []audit.Entry
	err := s.accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		found, _, err = s.accounts.Log.Scan(snap, audit.Query{Since: r.At, Until: r.At.Add(time.Nanosecond),
			Subjects: []string{string(u.ID)}, Actions: []string{audit.FactorsReset}, Limit: 1})
		return err
	})
	if err != nil || len(found) == 0 {
		return r, err
	}
	detail := found[0].Detail
	r.Reason, r.HelpRequest = detail["reason"], detail["helpRequestId"]
	r.Devices = readDevices(detail["devices"])
	for key, n := range r.counts() {
		*n, _ = strconv.Atoi(detail[key]) // written by resetEvent; 0 if absent
	}
	return r, nil
}
