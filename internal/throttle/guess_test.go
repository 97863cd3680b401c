package throttle_test

import (
	"encoding/json"
	"testing"
	"time"

	"barillet/internal/throttle"

	"pgregory.net/rapid"
)

// restart returns g after it was encoded and decoded, as in a restart of the service.
func restart(t rapid.TB, f throttle.Failures) throttle.Failures {
	raw, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var back throttle.Failures
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

func TestFailures_CauseWaitsAfterFiveInARow(t *testing.T) {
	for _, class := range []throttle.Class{throttle.Code, throttle.Password} {
		var f throttle.Failures
		now := start
		waits := []time.Duration{0, 0, 0, 0, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute}
		for i, want := range waits {
			f = f.WithFailure(now, class, false)
			ok, until := f.Allowed(now, class, false)
			if want == 0 {
				if !ok {
					t.Fatalf("class %d: failure %d causes a wait", class, i+1)
				}
				continue
			}
			if got := until.Sub(now); ok || got != want {
				t.Fatalf("class %d: after %d failures got %v, wait %v, want a wait of %v", class, i+1, ok, got, want)
			}
			now = until
			if ok, _ := f.Allowed(now, class, false); !ok {
				t.Fatalf("class %d: not allowed after wait %d", class, i+1)
			}
		}
	}
}

func TestFailures_OfCodesLimitOnlyCodes(t *testing.T) {
	var f throttle.Failures
	for range 50 {
		f = f.WithFailure(start, throttle.Code, false)
	}
	for _, class := range []throttle.Class{throttle.Recovery, throttle.Ticket, throttle.Password, throttle.Key, throttle.Link} {
		if ok, _ := f.Allowed(start, class, false); !ok {
			t.Errorf("class %d is limited by failed codes", class)
		}
	}
}

func TestFailures_NeverLimitKeysAndLinks(t *testing.T) {
	for _, class := range []throttle.Class{throttle.Key, throttle.Link} {
		var f throttle.Failures
		for range 1000 {
			f = f.WithFailure(start, class, false)
		}
		if ok, _ := f.Allowed(start, class, false); !ok {
			t.Errorf("class %d is limited", class)
		}
	}
}

func TestFailures_LimitRecoveryCodesAndTicketsSeparately(t *testing.T) {
	for _, pair := range [][2]throttle.Class{{throttle.Recovery, throttle.Ticket}, {throttle.Ticket, throttle.Recovery}} {
		var f throttle.Failures
		for i := range 10 {
			if ok, _ := f.Allowed(start, pair[0], false); !ok {
				t.Fatalf("class %d is limited after %d failures", pair[0], i)
			}
			f = f.WithFailure(start, pair[0], false)
		}
		ok, until := f.Allowed(start, pair[0], false)
		if ok || until.Sub(start) != time.Hour {
			t.Errorf("class %d after 10 failures: got %v until %v, want a wait of an hour", pair[0], ok, until)
		}
		for _, class := range []throttle.Class{pair[1], throttle.Code} {
			if ok, _ := f.Allowed(start, class, false); !ok {
				t.Errorf("class %d is limited by failures of class %d", class, pair[0])
			}
		}
	}
}

func TestSuccess_EndsTheStreakButNotTheDailyLimit(t *testing.T) {
	var f throttle.Failures
	now := start
	for range 4 { // five failures and a success, four times
		for range 5 {
			_, until := f.Allowed(now, throttle.Code, false)
			if until.After(now) {
				now = until
			}
			f = f.WithFailure(now, throttle.Code, false)
			now = now.Add(5 * time.Minute)
		}
		f = f.WithSuccess(now, throttle.Code, false)
		if f.Streak != 0 || f.Unknown.Codes.Streak != 0 {
			t.Fatalf("got streaks %d and %d after a success, want 0", f.Streak, f.Unknown.Codes.Streak)
		}
	}
	ok, until := f.Allowed(now, throttle.Code, false)
	if want := start.Add(24 * time.Hour); ok || !until.Equal(want) {
		t.Errorf("after 20 failures in a day: got %v until %v, want a wait until %v", ok, until, want)
	}
}

func TestSuccess_OfAPasswordDoesNotEndWaitsForCodes(t *testing.T) {
	var f throttle.Failures
	for range 5 {
		f = f.WithFailure(start, throttle.Code, false)
	}
	f = f.WithSuccess(start, throttle.Password, false).WithSuccess(start, throttle.Link, false)
	if ok, _ := f.Allowed(start, throttle.Code, false); ok || f.Streak != 5 {
		t.Errorf("got allowed %v, streak %d, want false, 5", ok, f.Streak)
	}
}

func TestExpired_KeepsTheStreakOfCodes(t *testing.T) {
	f := throttle.Failures{}.WithFailure(start, throttle.Code, false)
	if f.Expired(start.AddDate(0, 1, 0)) {
		t.Error("a streak of failed codes ended without a success")
	}
	f = f.WithSuccess(start.Add(time.Minute), throttle.Code, false)
	if f.Expired(start.Add(time.Hour)) || !f.Expired(start.AddDate(0, 0, 8)) {
		t.Errorf("got %v after an hour and %v after 8 days, want false, true",
			f.Expired(start.Add(time.Hour)), f.Expired(start.AddDate(0, 0, 8)))
	}
	p := throttle.Failures{}.WithFailure(start, throttle.Password, false)
	if p.Expired(start.Add(23*time.Hour)) || !p.Expired(start.Add(24*time.Hour)) {
		t.Error("a failed password does not expire after exactly 24 hours")
	}
}

// Each answer that is allowed fails. The answers arrive at any time, and the service restarts after each.
func TestFailures_NeverExceedTheLimitOfASpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		class := rapid.SampledFrom([]throttle.Class{throttle.Code, throttle.Recovery, throttle.Ticket}).Draw(t, "class")
		known := rapid.Bool().Draw(t, "known")
		var f throttle.Failures
		now := start
		var checked []time.Time
		for range rapid.IntRange(1, 400).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 30, 61, 300, 901, 3600}).Draw(t, "pause")) * time.Second)
			ok, until := f.Allowed(now, class, known)
			if !ok {
				if until.Sub(now) > 24*time.Hour || !until.After(now) {
					t.Fatalf("got a wait of %v", until.Sub(now))
				}
				if ok, _ := f.Allowed(until, class, known); !ok {
					t.Fatal("not allowed at the end of the wait")
				}
				continue
			}
			checked = append(checked, now)
			f = restart(t, f.WithFailure(now, class, known))
			if rapid.IntRange(0, 9).Draw(t, "owner") == 0 { // the user signs in
				f = f.WithSuccess(now, throttle.Code, rapid.Bool().Draw(t, "owner known"))
			}
		}
		spans := map[time.Duration]int{15 * time.Minute: 10, 24 * time.Hour: 20}
		if class != throttle.Code {
			spans = map[time.Duration]int{time.Hour: 10}
		}
		for span, limit := range spans {
			for i := range checked {
				if i+limit < len(checked) && checked[i+limit].Sub(checked[i]) < span {
					t.Fatalf("%d answers were checked within %v", limit+1, span)
				}
			}
		}
	})
}

func TestFailures_OfUnknownBrowsersDoNotLimitKnownOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f throttle.Failures
		now := start
		for range rapid.IntRange(1, 200).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "pause")))
			class := throttle.Class(rapid.IntRange(1, 6).Draw(t, "class"))
			f = restart(t, f.WithFailure(now, class, false))
			for class := throttle.Code; class <= throttle.Link; class++ {
				if ok, _ := f.Allowed(now, class, true); !ok {
					t.Fatalf("class %d of a known browser is limited", class)
				}
			}
		}
	})
}

func TestFailures_MethodsDoNotChangeTheirReceiver(t *testing.T) {
	f := throttle.Failures{}
	for i := range 19 {
		f = f.WithFailure(start.Add(time.Duration(i)*time.Minute), throttle.Code, false)
	}
	before, _ := json.Marshal(f)
	a, b := f.WithFailure(start.Add(time.Hour), throttle.Code, false), f.WithFailure(start.Add(2*time.Hour), throttle.Code, false)
	_, _, _ = a, b, f.WithSuccess(start.Add(time.Hour), throttle.Code, false)
	after, _ := json.Marshal(f)
	if string(before) != string(after) {
		t.Errorf("got %s, want %s", after, before)
	}
	if at := a.Unknown.Codes.Times; !at[len(at)-1].Equal(start.Add(time.Hour)) {
		t.Errorf("got %v as the last time, want an hour after the start: two values share memory", at[len(at)-1])
	}
}

func FuzzFailures_WaitsEnd(f *testing.F) {
	f.Add([]byte(`{"unknown":{"codes":{"streak":6,"times":["2026-03-02T08:00:00Z"],"wait_until":"2026-03-02T08:01:00Z"}},"streak":6}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var g throttle.Failures
		if json.Unmarshal(raw, &g) != nil {
			return
		}
		for class := throttle.Code; class <= throttle.Link; class++ {
			if ok, until := g.Allowed(start, class, false); !ok && until.Sub(start) > 24*time.Hour+5*time.Minute {
				t.Errorf("class %d: got a wait of %v", class, until.Sub(start))
			}
		}
	})
}
