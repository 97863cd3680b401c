package manage

import (
	"testing"
	"time"
)

func TestARefusalIsSaidWithItsRequestWhenItIsOurFault(t *testing.T) {
	for want, r := range map[string]refusal{
		"not found":                             {Status: 404, Detail: "Not found", ErrorID: "X"},
		"internal error (request X in the log)": {Status: 500, Detail: "Internal error", ErrorID: "X"},
		"conflict":                              {Status: 409},

		"validation failed: profile.email: not an address":                     {Status: 400, Detail: "Validation failed: profile.email: address"},
		"validation failed: name: empty, too long, or with control characters": {Status: 400, Detail: "Validation failed: name: name"},
		"validation failed: owner: not_active: the person is away":             {Status: 400, Detail: "Validation failed: owner: not_active: the person is away"},
		"validation failed: profile":                                           {Status: 400, Detail: "Validation failed: profile"},
		"validation failed: something: peculiar":                               {Status: 400, Detail: "Validation failed: something: peculiar"},
	} {
		if got := r.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLifetimesAreReadInDaysAndAsDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "12h": 12 * time.Hour, "0d": 0, "-1h": 0, "d": 0, "": 0, "1000000d": 0} {
		got, err := lifetime(text)
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
}
