package webauthn_test

import (
	"testing"

	"barillet/factors"
	"barillet/factors/webauthn"
)

// ceremony is a verification that has begun.
type ceremony struct {
	prompt  factors.Prompt
	pending factors.Pending
}

func begin(t *testing.T, w *webauthn.WebAuthn, d factors.Device) ceremony {
	t.Helper()
	prompt, pending, err := w.BeginVerify(noon, who, []factors.Device{d})
	if err != nil {
		t.Fatal(err)
	}
	return ceremony{prompt, pending}
}

func finish(t *testing.T, w *webauthn.WebAuthn, s *soft, d factors.Device, c ceremony, count uint32) factors.Outcome {
	t.Helper()
	a := s.assertion(t, c.prompt.JSON)
	a.count = count
	o, err := w.FinishVerify(noon, who, []factors.Device{d}, c.pending, a.asserted(s.signer))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestFinishVerify_AnswersOvertakeEachOther runs ceremonies that are open at the same time.
func TestFinishVerify_AnswersOvertakeEachOther(t *testing.T) {
	const (
		good  = factors.ReasonNone
		clone = factors.ReasonClone
	)
	type step struct {
		ceremony string // "": a new one, answered at once
		begins   bool
		count    uint32
		want     factors.Reason
	}
	begins := func(name string) step { return step{ceremony: name, begins: true} }
	for name, steps := range map[string][]step{
		"in the order of the key":               {begins("a"), begins("b"), {"a", false, 101, good}, {"b", false, 102, good}, {"", false, 103, good}},
		"the later answer first":                {begins("a"), begins("b"), {"b", false, 102, good}, {"a", false, 101, good}, {"", false, 103, good}},
		"three, the last first":                 {begins("a"), begins("b"), begins("c"), {"c", false, 103, good}, {"a", false, 101, good}, {"b", false, 102, good}},
		"the stored count never falls":          {begins("a"), begins("b"), {"b", false, 102, good}, {"a", false, 101, good}, {"", false, 102, clone}},
		"one count in two ceremonies":           {begins("a"), begins("b"), {"a", false, 101, good}, {"b", false, 101, clone}},
		"the lower of two counts again":         {begins("a"), begins("b"), begins("c"), {"a", false, 102, good}, {"b", false, 101, good}, {"c", false, 101, clone}},
		"a count at which the ceremony began":   {begins("a"), {"a", false, 100, clone}},
		"below an answer before the ceremony":   {{"", false, 105, good}, begins("a"), {"a", false, 104, clone}},
		"a key that counts and then no longer":  {begins("a"), begins("b"), {"a", false, 101, good}, {"b", false, 0, clone}},
		"a later ceremony, the earlier is open": {begins("a"), {"", false, 101, good}, {"", false, 102, good}, {"a", false, 103, good}, {"", false, 104, good}},
	} {
		t.Run(name, func(t *testing.T) {
			w, s := newFactor(t, webauthn.Config{}), newSoft(t, -7)
			d := enrol(t, w, s, "d1", func(a *answer) { a.count = 100 })
			open := map[string]ceremony{}
			for i, x := range steps {
				if x.begins || x.ceremony == "" {
					open[x.ceremony] = begin(t, w, d)
				}
				if x.begins {
					continue
				}
				o := finish(t, w, s, d, open[x.ceremony], x.count)
				if o.Rejected != x.want || (o.Device.Disabled == "clone") != (x.want == clone) {
					t.Fatalf("step %d, count %d: got %q, mark %q, want %q", i, x.count, o.Rejected, o.Device.Disabled, x.want)
				}
				d = o.Device
			}
		})
	}
}

// TestFinishVerify_ForgetsOldCounts leaves one ceremony open during more answers than a record keeps. Its late answer is
// refused, because it cannot be compared, and the key is not disabled.
func TestFinishVerify_ForgetsOldCounts(t *testing.T) {
	w, s := newFactor(t, webauthn.Config{}), newSoft(t, -7)
	d := enrol(t, w, s, "d1", func(a *answer) { a.count = 100 })
	late := begin(t, w, d)
	for i := range uint32(100) {
		o := finish(t, w, s, d, begin(t, w, d), 102+i)
		if !o.Accepted() {
			t.Fatalf("answer %d: got %q", i, o.Rejected)
		}
		d = o.Device
	}
	if len(d.Data) > 1000 {
		t.Errorf("the record has %d bytes", len(d.Data))
	}
	if o := finish(t, w, s, d, late, 101); o.Rejected != factors.ReasonExpired || o.Device.ID != "" {
		t.Errorf("the late answer: got %q, device %q, want %q", o.Rejected, o.Device.ID, factors.ReasonExpired)
	}
	if o := finish(t, w, s, d, late, 202); !o.Accepted() {
		t.Errorf("a count above all: got %q", o.Rejected)
	}
}

func TestFinishVerify_KeyWithoutCounterAlwaysSendsZero(t *testing.T) {
	w, s := newFactor(t, webauthn.Config{}), newSoft(t, -7)
	d := enrol(t, w, s, "d1", nil)
	a, b := begin(t, w, d), begin(t, w, d)
	for _, c := range []ceremony{b, a, begin(t, w, d)} {
		o := finish(t, w, s, d, c, 0)
		if !o.Accepted() {
			t.Fatalf("got %q", o.Rejected)
		}
		d = o.Device
	}
}
