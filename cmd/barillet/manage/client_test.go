package manage

import (
	"encoding/json"
	"testing"
	"time"
)

func TestRefusal_NamesTheRequestOfAnInternalError(t *testing.T) {
	for want, body := range map[string]string{
		"not found":                             `{"status":404,"detail":"Not found","errorId":"X"}`,
		"internal error (request X in the log)": `{"status":500,"detail":"Internal error","errorId":"X"}`,
		"conflict":                              `{"status":409}`,
		"validation failed: login: not a login": `{"status":400,"detail":"Validation failed: login: not a login","errorCauses":[{"message":"not a login"}]}`,
		"conflict; assigned to Anne":            `{"status":409,"detail":"Conflict","errorCauses":[{"message":"assigned to \u001bAnne"}]}`,
	} {
		var r refusal
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			t.Fatal(err)
		}
		if got := r.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLifetime_AcceptsDaysAndDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "12h": 12 * time.Hour, "0d": 0, "-1h": 0, "d": 0, "": 0, "1000000d": 0} {
		got, err := parseLifetime(text)
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
}
