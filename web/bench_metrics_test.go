package web_test

import "testing"

// BenchmarkMetrics is the second step and GET /login with a session while the program is measured, beside one that is not.
func BenchmarkMetrics(b *testing.B) {
	s := openStage(b, nil)
	const listen = "BARILLET_METRICS_LISTEN=127.0.0.1:0"
	page := func(*testing.B) job {
		j := job{Repeat: true}
		for _, cookie := range s.sessions {
			j.Acts = append(j.Acts, act{{Method: "GET", Path: "/login", Cookie: cookie, To: "/account"}})
		}
		return j
	}
	for name, do := range map[string]func(*testing.B) job{"second-step": s.secondSteps, "page": page} {
		b.Run(name, func(b *testing.B) {
			compare(b, 8, legTime(), side{"measured", s.onCopy(do, listen)}, side{"plain", s.onCopy(do)})
		})
	}
}
