package totp_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"barillet/factors"
	"barillet/factors/factortest"
	"barillet/factors/totp"
)

// try is one code given at a server's step, by a phone that many steps ahead.
type try struct {
	at, ahead int
	want      factors.Reason
}

const (
	good  = factors.ReasonNone
	wrong = factors.ReasonWrong
	used  = factors.ReasonReplayed
	clock = factors.ReasonClock
)

func TestFinishVerify_Steps(t *testing.T) {
	tests := []struct {
		name   string
		drift  int // of the phone, at enrolment
		shared bool
		tries  []try
	}{
		{"the present step", 0, false, []try{{10, 0, good}}},
		{"the step before and the one after", 0, false, []try{{10, -1, good}, {20, 1, good}}},
		{"two steps off is refused once the key is enrolled", 0, false, []try{{10, 2, wrong}}},
		{"a code works once", 0, false, []try{{10, 0, good}, {10, 0, used}}},
		{"nothing before the last one works", 0, false, []try{{10, 1, good}, {10, 0, used}, {10, -1, used}, {11, 0, used}, {12, 0, good}}},
		{"the enrolment's code is used up", 0, false, []try{{0, 0, used}, {1, 0, good}}},
		{"a clock that goes back makes nothing good again", 0, false, []try{{10, 1, good}, {100, 0, good}, {10, 0, used}, {10, 1, used}, {12, 0, good}, {100, 0, used}, {101, 0, good}}},
		{"a clock that goes back refuses the codes of one step", 0, false, []try{{100, 0, good}, {10, 0, used}, {11, 0, good}, {12, 0, good}}},
		{"so does a wrong code before", 0, false, []try{{100, 0, good}, {10, 25, wrong}, {11, 0, good}}},
		{"drift learned at enrolment moves the window", 2, false, []try{{10, 3, good}, {20, 2, good}, {30, 1, good}, {40, -1, wrong}}},
		{"drift behind, too", -2, false, []try{{10, -3, good}, {20, -2, good}, {40, 1, wrong}}},
		{"one code typed late does not move the window", 0, false, []try{{10, -1, good}, {20, 1, good}}},
		{"two in a row on one side do", 0, false, []try{{10, -1, good}, {20, -1, good}, {30, -2, good}, {40, 1, wrong}}},
		{"drift never passes two steps", 2, false, []try{{10, 3, good}, {20, 3, good}, {30, 4, wrong}}},
		{"a key with copies has no drift", 2, true, []try{{10, 2, wrong}, {20, 1, good}, {30, -1, good}}},
		{"a key with copies does not learn any", 0, true, []try{{10, -1, good}, {20, -1, good}, {30, -2, wrong}, {40, 1, good}}},
		{"a step seen ahead of time is consumed", 0, false, []try{{10, 10, wrong}, {19, 1, used}, {20, 0, used}, {21, 0, good}}},
		{"a consumed step locks nobody out of those between", 0, false, []try{{10, 10, wrong}, {11, 0, good}, {12, 0, good}, {20, 0, used}}},
		{"ten minutes are in sight", 0, false, []try{{100, 20, wrong}, {120, 0, used}}},
		{"beyond them nothing is", 0, false, []try{{100, 21, wrong}, {121, 0, good}}},
		{"an old code never seen is refused and consumed", 0, false, []try{{30, -5, wrong}, {26, -1, used}, {27, 0, good}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ph := &phone{ahead: time.Duration(test.drift) * 30 * time.Second}
			d := suite().Device(t, ph, "phone")
			if test.shared {
				d.Copies = []factors.Copy{{ID: "c", Name: "other"}}
			}
			for i, try := range test.tries {
				o := verify(t, after(try.at), nil, ph.code(t, after(try.at+try.ahead-test.drift)), d)
				if o.Rejected != try.want {
					t.Fatalf("try %d: got %q, want %q", i, o.Rejected, try.want)
				}
				if o.Device.ID != "" {
					d = o.Device
				}
			}
		})
	}
}

func TestFinishEnrol_AcceptsTwoStepsEitherSide(t *testing.T) {
	for ahead := -3; ahead <= 3; ahead++ {
		ph := &phone{ahead: time.Duration(ahead) * 30 * time.Second}
		prompt, p, err := totp.TOTP{}.BeginEnrol(start, factortest.Someone(), nil)
		if err != nil {
			t.Fatal(err)
		}
		o, err := totp.TOTP{}.FinishEnrol(start, factortest.Someone(), p, ph.Enrol(t, start, prompt))
		if want := ahead >= -2 && ahead <= 2; err != nil || o.Accepted() != want {
			t.Errorf("%d steps ahead: rejected %q, error %v, want accepted %v", ahead, o.Rejected, err, want)
		}
	}
}

// A drift was learned and the phone's clock put right since: two codes in a row of the right time are taken, and
// the user does not read that a right clock is off.
func TestFinishVerify_ResynchronisesCorrectedClock(t *testing.T) {
	ph := &phone{ahead: time.Minute}
	d := suite().Device(t, ph, "phone")
	ph.ahead = 0
	first := verify(t, after(10), nil, ph.code(t, after(10)), d)
	if first.Rejected != factors.ReasonWrong {
		t.Fatalf("first code: got %q, want %q", first.Rejected, factors.ReasonWrong)
	}
	second := verify(t, after(11), first.Pending, ph.code(t, after(11)), first.Device)
	if !second.Accepted() {
		t.Fatalf("second code: got %q, want it accepted", second.Rejected)
	}
	if again := verify(t, after(11), nil, ph.code(t, after(11)), second.Device); again.Rejected != factors.ReasonReplayed {
		t.Errorf("the second code again: got %q, want %q", again.Rejected, factors.ReasonReplayed)
	}
}

// A learned drift does not grow by two codes in a row: a thief with old or future codes of a phone gets no further.
func TestFinishVerify_LearnedDriftDoesNotGrow(t *testing.T) {
	ph := &phone{ahead: time.Minute}
	d := suite().Device(t, ph, "phone")
	for _, ahead := range []int{5, -4} {
		at := 10
		first := verify(t, after(at), nil, (&phone{secret: ph.secret}).code(t, after(at+ahead)), d)
		second := verify(t, after(at+1), first.Pending, (&phone{secret: ph.secret}).code(t, after(at+1+ahead)), first.Device)
		if first.Rejected != wrong || second.Rejected != clock {
			t.Errorf("two codes %d steps ahead: got %q and %q, want %q and %q", ahead, first.Rejected, second.Rejected, wrong, clock)
		}
	}
}

func TestFinishVerify_CodesOfTwoPhonesAreNotInARow(t *testing.T) {
	a, b := &phone{}, &phone{}
	da, db := suite().Device(t, a, "a"), suite().Device(t, b, "b")
	first := verify(t, after(10), nil, a.code(t, after(15)), da, db)
	if second := verify(t, after(11), first.Pending, b.code(t, after(16)), first.Device, db); first.Rejected != wrong || second.Rejected != wrong {
		t.Errorf("got %q and %q, want %q twice", first.Rejected, second.Rejected, wrong)
	}
}

func TestFinishVerify_ReportsClockOffset(t *testing.T) {
	tests := []struct {
		name   string
		shared bool
		tries  []try
		off    time.Duration
	}{
		{"two in a row, the clock ahead", false, []try{{10, 5, wrong}, {11, 5, clock}}, 150 * time.Second},
		{"two in a row, the clock behind", false, []try{{30, -20, wrong}, {31, -20, clock}}, -10 * time.Minute},
		{"one alone", false, []try{{10, 5, wrong}}, 0},
		{"not of consecutive steps", false, []try{{10, 5, wrong}, {12, 5, wrong}}, 0},
		{"not with one offset", false, []try{{10, 5, wrong}, {12, 4, wrong}}, 0},
		{"one used already", false, []try{{10, 5, wrong}, {10, 5, used}, {11, 5, clock}}, 150 * time.Second},
		{"a guess in between", false, []try{{10, 5, wrong}, {10, 5000, wrong}, {11, 5, wrong}}, 0},
		{"a third in a row", false, []try{{10, 5, wrong}, {11, 5, clock}, {12, 5, clock}}, 150 * time.Second},
		{"a shared key two steps off", true, []try{{10, 2, wrong}, {11, 2, clock}}, time.Minute},
		{"a key two steps off", false, []try{{10, 2, wrong}, {11, 2, clock}, {12, 2, clock}}, time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ph := &phone{}
			d := suite().Device(t, ph, "phone")
			if test.shared {
				d.Copies = []factors.Copy{{ID: "c", Name: "other"}}
			}
			var p factors.Pending
			var o factors.Outcome
			for i, try := range test.tries {
				if o = verify(t, after(try.at), p, ph.code(t, after(try.at+try.ahead)), d); o.Rejected != try.want {
					t.Fatalf("try %d: got %q, want %q", i, o.Rejected, try.want)
				}
				if o.Device.ID != "" {
					d = o.Device
				}
				if o.Pending != nil {
					p = o.Pending
				}
			}
			if o.ClockOff != test.off {
				t.Errorf("off by: got %v, want %v", o.ClockOff, test.off)
			}
		})
	}
}

func TestFinishVerify_NeedsBothCodesInOneLogin(t *testing.T) {
	ph := &phone{}
	d := suite().Device(t, ph, "phone")
	o := verify(t, after(10), nil, ph.code(t, after(15)), d)
	if o = verify(t, after(11), nil, ph.code(t, after(16)), o.Device); o.Rejected != wrong {
		t.Errorf("got %q, want %q", o.Rejected, wrong)
	}
}

func TestFinishVerify_TriesLastUsedFirst(t *testing.T) {
	a, b := &phone{}, &phone{}
	da, db := suite().Device(t, a, "a"), suite().Device(t, b, "b")
	for at, ph := range []*phone{a, b, b, a} {
		o := verify(t, after(10+at), nil, ph.code(t, after(10+at)), da, db)
		if !o.Accepted() {
			t.Fatalf("try %d: %s", at, o.Rejected)
		}
		if want := map[*phone]factors.DeviceID{a: da.ID, b: db.ID}[ph]; o.Device.ID != want {
			t.Fatalf("try %d: got device %q, want %q", at, o.Device.ID, want)
		}
		if o.Device.ID == da.ID {
			da = o.Device
		} else {
			db = o.Device
		}
	}
}

func TestFinishVerify_IsSafeForConcurrentUse(t *testing.T) {
	ph := &phone{}
	d := suite().Device(t, ph, "phone")
	code := ph.code(t, after(3))
	var mu sync.Mutex // stands for the store: judged outside it, stored if nothing moved, else judged again
	rev, counts := 0, map[factors.Reason]int{}
	var wg sync.WaitGroup
	for range 24 {
		wg.Go(func() {
			for {
				mu.Lock()
				seen, mine := rev, d
				mu.Unlock()
				o, err := totp.TOTP{}.FinishVerify(after(3), factortest.Someone(), []factors.Device{mine}, nil, []byte(code))
				mu.Lock()
				if seen == rev {
					if counts[o.Rejected]++; err != nil {
						t.Error(err)
					}
					if o.Device.ID != "" {
						d, rev = o.Device, rev+1
					}
					mu.Unlock()
					return
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if counts[good] != 1 || counts[used] != 23 {
		t.Errorf("got %v, want one accepted and 23 used", counts)
	}
}

func TestFinishCopy_NeedsLaterStep(t *testing.T) {
	tests := []struct {
		name  string
		tries []try
	}{
		{"the present step", []try{{11, 0, good}}},
		{"the step used last", []try{{10, 0, used}}},
		{"one before it", []try{{10, -1, used}}},
		{"one after it, early", []try{{10, 1, good}}},
		{"one too far ahead, and consumed", []try{{11, 3, wrong}, {14, 0, used}, {15, 0, good}}},
		{"two steps off twice is not taken", []try{{11, 2, wrong}, {12, 2, wrong}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ph := &phone{}
			d := suite().Device(t, ph, "phone")
			d = verify(t, after(10), nil, ph.code(t, after(10)), d).Device
			d.Copies = []factors.Copy{{ID: "c", Name: "other"}}
			for i, try := range test.tries {
				o, err := totp.TOTP{}.FinishCopy(after(try.at), factortest.Someone(), d, []byte(ph.code(t, after(try.at+try.ahead))))
				if err != nil || o.Rejected != try.want {
					t.Fatalf("try %d: got %q, error %v, want %q", i, o.Rejected, err, try.want)
				}
				if o.Device.ID != "" {
					d = o.Device
				}
			}
		})
	}
}

func TestShowAgain_KeepsSecretAndLabel(t *testing.T) {
	who := factortest.Someone()
	prompt, p, err := totp.TOTP{}.BeginEnrol(start, who, nil)
	if err != nil {
		t.Fatal(err)
	}
	ph := &phone{}
	o, err := totp.TOTP{}.FinishEnrol(start, who, p, ph.Enrol(t, start, prompt))
	if err != nil {
		t.Fatal(err)
	}
	again, err := totp.TOTP{}.ShowAgain(start, who, o.Device)
	if err != nil || again.View != prompt.View {
		t.Errorf("got another picture, error %v", err)
	}
	o.Device.Copies = make([]factors.Copy, 6)
	if _, err := (totp.TOTP{}).ShowAgain(start, who, o.Device); err == nil {
		t.Error("a sixth copy was shown")
	}
}

func TestFinishEnrol_KeepsApp(t *testing.T) {
	for app, want := range map[string]string{"OKTA": "OKTA", "GOOGLE": "GOOGLE", "": "GOOGLE"} {
		who := factortest.Someone()
		who.App = app
		prompt, p, err := totp.TOTP{}.BeginEnrol(start, who, nil)
		if err != nil {
			t.Fatal(err)
		}
		o, err := totp.TOTP{}.FinishEnrol(start, who, p, (&phone{}).Enrol(t, start, prompt))
		if err != nil || o.Device.App != app {
			t.Errorf("got app %q, error %v, want %q", o.Device.App, err, app)
		}
		if got := (totp.TOTP{}).Status(o.Device); got.Provider != want {
			t.Errorf("got %+v", got)
		}
	}
}

func TestFinishVerify_LimitsConsumedSteps(t *testing.T) {
	ph := &phone{}
	d := suite().Device(t, ph, "phone")
	for at := range 300 {
		if o := verify(t, after(at), nil, ph.code(t, after(at+20)), d); o.Device.ID != "" {
			d = o.Device
		}
	}
	var r struct{ Consumed []int64 }
	if err := json.Unmarshal(d.Data, &r); err != nil || len(r.Consumed) == 0 || len(r.Consumed) > 64 {
		t.Errorf("got %d consumed steps, error %v", len(r.Consumed), err)
	}
}
