package throttle_test

import (
	"encoding/json"
	"testing"
	"time"

	"barillet/internal/throttle"

	"pgregory.net/rapid"
)

// restart is what a stored Guess goes through.
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

func TestWaitsBeginAfterFiveInARowAndDoubleToFifteenMinutes(t *testing.T) {
	for _, class := range []throttle.Class{throttle.Code, throttle.Password} {
		var f throttle.Failures
		now := start
		waits := []time.Duration{0, 0, 0, 0, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute}
		for i, want := range waits {
			f = f.WithFailure(now, class, false)
			ok, until := f.Allowed(now, class, false)
			if want == 0 {
				if !ok {
					t.Fatalf("class %d: wrong answer %d already waits", class, i+1)
				}
				continue
			}
			if got := until.Sub(now); ok || got != want {
				t.Fatalf("class %d: after %d wrong got %v, wait %v, want a wait of %v", class, i+1, ok, got, want)
			}
			now = until
			if ok, _ := f.Allowed(now, class, false); !ok {
				t.Fatalf("class %d: still refused when wait %d is over", class, i+1)
			}
		}
	}
}

func TestWrongCodesStopNothingElse(t *testing.T) {
	var f throttle.Failures
	for range 50 {
		f = f.WithFailure(start, throttle.Code, false)
	}
	for _, class := range []throttle.Class{throttle.Recovery, throttle.Ticket, throttle.Password, throttle.Key, throttle.Link} {
		if ok, _ := f.Allowed(start, class, false); !ok {
			t.Errorf("class %d is stopped by wrong codes", class)
		}
	}
}

func TestKeysAndLinksAreNeverStopped(t *testing.T) {
	for _, class := range []throttle.Class{throttle.Key, throttle.Link} {
		var f throttle.Failures
		for range 1000 {
			f = f.WithFailure(start, class, false)
		}
		if ok, _ := f.Allowed(start, class, false); !ok {
			t.Errorf("class %d is stopped", class)
		}
	}
}

func TestRecoveryAndTicketCodesHaveLimitsOfTheirOwn(t *testing.T) {
	for _, pair := range [][2]throttle.Class{{throttle.Recovery, throttle.Ticket}, {throttle.Ticket, throttle.Recovery}} {
		var f throttle.Failures
		for i := range 10 {
			if ok, _ := f.Allowed(start, pair[0], false); !ok {
				t.Fatalf("class %d is stopped after %d wrong", pair[0], i)
			}
			f = f.WithFailure(start, pair[0], false)
		}
		ok, until := f.Allowed(start, pair[0], false)
		if ok || until.Sub(start) != time.Hour {
			t.Errorf("class %d after 10 wrong: got %v until %v, want refused for an hour", pair[0], ok, until)
		}
		for _, class := range []throttle.Class{pair[1], throttle.Code} {
			if ok, _ := f.Allowed(start, class, false); !ok {
				t.Errorf("class %d is stopped by wrong answers of class %d", class, pair[0])
			}
		}
	}
}

func TestARightAnswerEndsTheRowAndNotTheDay(t *testing.T) {
	var f throttle.Failures
	now := start
	for range 4 { // four wrong, one right, five times over
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
			t.Fatalf("got rows %d and %d after a right code, want 0", f.Streak, f.Unknown.Codes.Streak)
		}
	}
	ok, until := f.Allowed(now, throttle.Code, false)
	if want := start.Add(24 * time.Hour); ok || !until.Equal(want) {
		t.Errorf("after 20 wrong in a day: got %v until %v, want refused until %v", ok, until, want)
	}
}

func TestARightPasswordDoesNotEndWaitsForCodes(t *testing.T) {
	var f throttle.Failures
	for range 5 {
		f = f.WithFailure(start, throttle.Code, false)
	}
	f = f.WithSuccess(start, throttle.Password, false).WithSuccess(start, throttle.Link, false)
	if ok, _ := f.Allowed(start, throttle.Code, false); ok || f.Streak != 5 {
		t.Errorf("got allowed %v, row %d, want a wait and 5", ok, f.Streak)
	}
}

func TestAClockSetBackStopsNobodyForLong(t *testing.T) {
	var f throttle.Failures
	for range 20 {
		for class := throttle.Code; class <= throttle.Password; class++ {
			f = f.WithFailure(start.AddDate(1, 0, 0), class, false)
		}
	}
	for class := throttle.Code; class <= throttle.Password; class++ {
		if ok, until := f.Allowed(start, class, false); !ok {
			t.Errorf("class %d is stopped until %v by answers of next year", class, until)
		}
	}
}

func TestTheRowOutlivesAQuietDayAndTheRestDoesNot(t *testing.T) {
	f := throttle.Failures{}.WithFailure(start, throttle.Code, false)
	if f.Expired(start.AddDate(0, 1, 0)) {
		t.Error("a row of wrong codes is forgotten without a right one")
	}
	f = f.WithSuccess(start.Add(time.Minute), throttle.Code, false)
	if f.Expired(start.Add(time.Hour)) || !f.Expired(start.AddDate(0, 0, 8)) {
		t.Errorf("got quiet %v after an hour and %v after 8 days, want false, true",
			f.Expired(start.Add(time.Hour)), f.Expired(start.AddDate(0, 0, 8)))
	}
	p := throttle.Failures{}.WithFailure(start, throttle.Password, false)
	if p.Expired(start.Add(23*time.Hour)) || !p.Expired(start.Add(24*time.Hour)) {
		t.Error("a wrong password is not forgotten after exactly 24 hours")
	}
}

// Every answer that May lets through is wrong, and arrives whenever it likes; the program restarts often.
func TestNoWindowSeesMoreWrongAnswersJudgedThanItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		class := rapid.SampledFrom([]throttle.Class{throttle.Code, throttle.Recovery, throttle.Ticket}).Draw(t, "class")
		known := rapid.Bool().Draw(t, "known")
		var f throttle.Failures
		now := start
		var judged []time.Time
		for range rapid.IntRange(1, 400).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 30, 61, 300, 901, 3600}).Draw(t, "pause")) * time.Second)
			ok, until := f.Allowed(now, class, known)
			if !ok {
				if until.Sub(now) > 24*time.Hour || !until.After(now) {
					t.Fatalf("a stop of %v", until.Sub(now))
				}
				if ok, _ := f.Allowed(until, class, known); !ok {
					t.Fatal("refused at the time it was told to come back")
				}
				continue
			}
			judged = append(judged, now)
			f = restart(t, f.WithFailure(now, class, known))
			if rapid.IntRange(0, 9).Draw(t, "owner") == 0 { // the person signs in between
				f = f.WithSuccess(now, throttle.Code, rapid.Bool().Draw(t, "owner known"))
			}
		}
		spans := map[time.Duration]int{15 * time.Minute: 10, 24 * time.Hour: 20}
		if class != throttle.Code {
			spans = map[time.Duration]int{time.Hour: 10}
		}
		for span, limit := range spans {
			for i := range judged {
				if i+limit < len(judged) && judged[i+limit].Sub(judged[i]) < span {
					t.Fatalf("%d judged within %v", limit+1, span)
				}
			}
		}
	})
}

func TestUnknownBrowsersNeverStopAKnownOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f throttle.Failures
		now := start
		for range rapid.IntRange(1, 200).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "pause")))
			class := throttle.Class(rapid.IntRange(1, 6).Draw(t, "class"))
			f = restart(t, f.WithFailure(now, class, false))
			for class := throttle.Code; class <= throttle.Link; class++ {
				if ok, _ := f.Allowed(now, class, true); !ok {
					t.Fatalf("class %d of a known browser is stopped", class)
				}
			}
		}
	})
}

func TestMethodsChangeOnlyWhatTheyReturn(t *testing.T) {
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
		t.Errorf("got %v as the last time, want an hour after the start: two answers share memory", at[len(at)-1])
	}
}

func FuzzAStoredGuessNeverStopsForEver(f *testing.F) {
	f.Add([]byte(`{"unknown":{"codes":{"row":6,"times":["2026-03-02T08:00:00Z"],"wait_until":"2026-03-02T08:01:00Z"}},"row":6}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var g throttle.Failures
		if json.Unmarshal(raw, &g) != nil {
			return
		}
		for class := throttle.Code; class <= throttle.Link; class++ {
			if ok, until := g.Allowed(start, class, false); !ok && until.Sub(start) > 24*time.Hour+5*time.Minute {
				t.Errorf("class %d: stopped for %v", class, until.Sub(start))
			}
		}
	})
}
