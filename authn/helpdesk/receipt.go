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

// event is the log's side of a receipt: from it the receipt of a reset that is repeated is read again.
func (j resetJob) event(u *account.User, c *Request, action string, rec ResetResult) audit.Event {
	e := j.op.Event(action, u)
	var check IdentityCheck
	switch {
	case c != nil:
		check = IdentityCheck{c.Identity, c.IdentityBy}
	case j.request.Check != nil:
		check = *j.request.Check
	}
	e.Detail = map[string]string{"owner": j.op.Owner, "ticket": [...]string{"mail", "answer", "handed"}[j.way]}
	for key, text := range map[string]string{"why": j.request.Reason, "helpRequestId": j.request.HelpRequest,
		"identity": string(check.Method), "identityBy": check.By} {
		if text != "" {
			e.Detail[key] = text
		}
	}
	if j.approval != nil {
		e.Detail["approvalId"], e.Detail["requestedBy"] = j.approval.ID, j.approval.By
	}
	if action == audit.FactorsReset {
		e.Detail["devices"] = writeDevices(rec.Devices)
		for key, n := range rec.counts() {
			e.Detail[key] = strconv.Itoa(*n)
		}
	}
	return e
}

// counts are the numbers of a receipt by their names in the log.
func (r *ResetResult) counts() map[string]*int {
	return map[string]*int{"copies": &r.Copies, "recoveryCodes": &r.RecoveryCodes,
		"sessions": &r.Sessions, "browsers": &r.Browsers}
}

// writeDevices returns the number of devices of each kind as in "totp=1 webauthn=2".
func writeDevices(devices map[factors.Kind]int) string {
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(devices)) {
		out = append(out, string(kind)+"="+strconv.Itoa(devices[kind]))
	}
	return strings.Join(out, " ")
}

// readDevices reads what writeDevices has written.
func readDevices(text string) map[factors.Kind]int {
	out := map[factors.Kind]int{}
	for word := range strings.FieldsSeq(text) {
		kind, n, _ := strings.Cut(word, "=")
		out[factors.Kind(kind)], _ = strconv.Atoi(n)
	}
	return out
}

// previousResult reads the receipt of a person's last reset, for one that repeats it: it stands in the log, under the very time
// that the person's record names. It is read before the Update, which cannot search, and only where nobody is left to
// reset.
func (d *Service) previousResult(ctx context.Context, u *account.User) (ResetResult, error) {
	if u.ResetAt.IsZero() || len(u.Devices) > 0 { // the ticket outlived what it was given for, or this is a reset of its own
		return ResetResult{}, nil
	}
	r := ResetResult{At: u.ResetAt}
	var found []audit.Entry
	err := d.accounts.Store.View(ctx, func(s store.Snapshot) (err error) {
		found, _, err = d.accounts.Log.Scan(s, audit.Query{Since: r.At, Until: r.At.Add(time.Nanosecond),
			Subject: string(u.ID), Actions: []string{audit.FactorsReset}, Limit: 1})
		return err
	})
	if err != nil || len(found) == 0 {
		return r, err
	}
	detail := found[0].Detail
	r.Reason, r.HelpRequest = detail["why"], detail["helpRequestId"]
	r.Devices = readDevices(detail["devices"])
	for key, n := range r.counts() {
		*n, _ = strconv.Atoi(detail[key]) // written by event; 0 where it is not
	}
	return r, nil
}

// masked shows where a mail went without giving the address away: "a•••@g•••.example".
func masked(addresses []string) []string {
	var out []string
	for _, a := range addresses {
		local, domain, _ := strings.Cut(a, "@")
		name, top := domain, ""
		if dot := strings.LastIndexByte(domain, '.'); dot >= 0 {
			name, top = domain[:dot], domain[dot:]
		}
		out = append(out, head(local)+"@"+head(name)+top)
	}
	return out
}

// head is the first character and dots, of ASCII text.
func head(s string) string { return s[:min(len(s), 1)] + "•••" }
