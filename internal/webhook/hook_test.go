package webhook_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"barillet/internal/audit"
	"barillet/internal/outbox"
	"barillet/internal/webhook"
	"barillet/store"
	"barillet/store/storetest"
)

func TestIsFilter(t *testing.T) {
	for filter, want := range map[string]bool{"*": true, "user.*": true, "user.mfa.factor.reset_all": true, "user": true, "": false, ".": false, ".*": false,
		"**": false, "user*": false, "user.*.start": false, "user..start": false, "User.*": false, "user.* ": false, "user.session.start.": false,
		"a." + strings.Repeat("b", 62): true, "a." + strings.Repeat("b", 63): false} {
		if got := webhook.IsFilter(filter); got != want {
			t.Errorf("%q: got %v, want %v", filter, got, want)
		}
	}
}

func TestReplace_KeepsThePreviousSecretForADay(t *testing.T) {
	r := listen(t)
	h := newEnv(t, r)
	h.hook("one", r.URL, "*")
	second := webhook.Secret(strings.Repeat("2", 32))
	h.change(func(b *webhook.EndpointList) error { b.Find("one").Replace(h.clock(), second); return nil })
	latest := func() post {
		h.happen(audit.SessionStart)
		h.pass()
		all := r.posts("")
		return all[len(all)-1]
	}
	h.wait(24*time.Hour - time.Second)
	if p := latest(); verify(p, secretOf("one")) != nil || verify(p, second) != nil || len(strings.Fields(p.header.Get("webhook-signature"))) != 2 {
		t.Errorf("within the day: got %q, want two valid signatures", p.header.Get("webhook-signature"))
	}
	h.wait(time.Second)
	if p := latest(); verify(p, secretOf("one")) == nil || verify(p, second) != nil {
		t.Error("after the day: want a signature by the new secret only")
	}
	third := webhook.Secret(strings.Repeat("3", 32))
	h.change(func(b *webhook.EndpointList) error { b.Find("one").Replace(h.clock(), third); return nil })
	if p := latest(); verify(p, secretOf("one")) == nil || verify(p, second) != nil || verify(p, third) != nil {
		t.Error("replaced twice: want signatures by the last two secrets")
	}
}

func TestEndpoint_PrintsWithoutItsSecret(t *testing.T) {
	hook := webhook.Endpoint{ID: "one"}
	hook.Replace(start, secretOf("one"))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{hook, &hook, hook.Keys, hook.Keys[0].Value} {
			got := fmt.Sprintf(verb, v)
			if strings.Contains(got, "secret") || strings.Contains(got, "736563726574") || strings.Contains(got, "115 101 99") || strings.Contains(got, "0x73, 0x65") {
				t.Errorf("%s: got %s", verb, got)
			}
		}
	}
}

func TestRecords_Golden(t *testing.T) {
	hook := webhook.Endpoint{ID: "abc", Name: "Atelier", URL: "https://hooks.example/in", Events: []string{"user.mfa.*"}, DisabledReason: webhook.DisabledGone, Overruns: []webhook.Overrun{{Lane: audit.LaneNoise, Since: start}},
		By: "token:1", Created: start, Changed: start.Add(time.Hour)}
	hook.Replace(start, webhook.Secret("0123456789abcdef"))
	hook.Replace(start, webhook.Secret("fedcba9876543210"))
	storetest.Golden(t, store.Webhooks, nil, webhook.EndpointList{Hooks: []webhook.Endpoint{hook}})
	storetest.Golden(t, store.WebhookDeliveries, nil, webhook.Job{Event: "20260302T080000.000000000Z-abc", Type: audit.FactorsReset, Rank: audit.LaneNoise, Endpoint: "abc", Endpoints: []string{"abc", "def"},
		State: outbox.Attempts{Queued: start, NotBefore: start.Add(time.Minute), ExpiresAt: start.Add(time.Hour), Count: 2, Tried: start.Add(time.Second),
			LastError: "status 500", Unreachable: true, Dead: true, Died: start.Add(time.Hour)}})
}
