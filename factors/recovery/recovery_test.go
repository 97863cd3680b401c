package recovery_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/factors"
	"barillet/factors/factortest"
	"barillet/factors/recovery"
)

func mac(purpose string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, []byte("a pepper of the tests"))
	for _, p := range append([][]byte{[]byte(purpose)}, parts...) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write(p)
	}
	return h.Sum(nil)
}

var kind = recovery.Recovery{MAC: mac}

// sheet is the paper that a user keeps.
type sheet struct{ codes []string }

func (s *sheet) Enrol(t testing.TB, _ time.Time, p factors.Prompt) []byte {
	s.codes = slices.Clone(p.View.(recovery.View).Codes)
	return []byte("kept")
}

func (s *sheet) Prove(testing.TB, time.Time, factors.Prompt) []byte {
	next := s.codes[0]
	s.codes = s.codes[1:]
	return []byte(next)
}

func suite() factortest.Case {
	return factortest.Case{Factor: kind, New: func(testing.TB) factortest.Token { return &sheet{} }}
}

func TestFactor(t *testing.T) { factortest.Run(t, suite()) }

func verify(t testing.TB, who factors.Subject, d factors.Device, answer string) factors.Outcome {
	t.Helper()
	o, err := kind.FinishVerify(factortest.Start, who, []factors.Device{d}, nil, []byte(answer))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestFinishVerify_AcceptsEachCodeOnce(t *testing.T) {
	paper, who := &sheet{}, factortest.Someone()
	d := suite().Device(t, paper, "sheet")
	if len(paper.codes) != 10 || len(slices.Compact(slices.Sorted(slices.Values(paper.codes)))) != 10 {
		t.Fatalf("got %d codes, want ten different ones", len(paper.codes))
	}
	if got := kind.Status(d).Remaining; got != 10 {
		t.Errorf("got %d codes left, want 10", got)
	}
	if m := kind.Method(); m.Primary || m.Input != factors.InputBackup || m.Max != 1 {
		t.Errorf("got %+v", m)
	}
	for i, c := range paper.codes {
		if len(c) != 19 || strings.ContainsAny(c, "ILOUilou") {
			t.Errorf("code %d is not sixteen Crockford characters in four groups", i)
		}
		if strings.Contains(string(d.Data), c) || strings.Contains(string(d.Data), strings.ReplaceAll(c, "-", "")) {
			t.Errorf("code %d is stored in clear", i)
		}
		o := verify(t, who, d, c)
		if !o.Accepted() || o.Remaining != 9-i || kind.Status(o.Device).Remaining != 9-i {
			t.Fatalf("code %d: rejected %q, left %d", i, o.Rejected, o.Remaining)
		}
		d = o.Device
		if again := verify(t, who, d, c); again.Rejected != factors.ReasonReplayed || again.Device.ID != "" {
			t.Errorf("code %d again: got %q, want %q", i, again.Rejected, factors.ReasonReplayed)
		}
	}
}

// fullWidth returns a code as an East Asian keyboard types it.
func fullWidth(code string) string {
	return strings.Map(func(r rune) rune { return r - '!' + '！' }, code)
}

func TestFinishVerify_CodeSpellings(t *testing.T) {
	paper, who := &sheet{}, factortest.Someone()
	d := suite().Device(t, paper, "sheet")
	c := paper.codes[0]
	bare := strings.ReplaceAll(c, "-", "")
	tests := []struct {
		name, answer string
		want         factors.Reason
	}{
		{"as shown", c, ""},
		{"without dashes", bare, ""},
		{"in lower case", strings.ToLower(c), ""},
		{"with blanks all over", "  " + strings.Join(strings.Split(bare, ""), " ") + "\r\n", ""},
		{"with the no-break blanks and dashes of phones", strings.ReplaceAll(c, "-", "\u00a0–\u202f"), ""},
		{"with letter O for nought", strings.ReplaceAll(c, "0", "O"), ""},
		{"with letter I for one", strings.ReplaceAll(c, "1", "i"), ""},
		{"with letter L for one", strings.ReplaceAll(c, "1", "l"), ""},
		{"one short", bare[:15], factors.ReasonFormat},
		{"one long", bare + "0", factors.ReasonFormat},
		{"with a U", "U" + bare[1:], factors.ReasonFormat},
		{"in full width", fullWidth(c), ""},
		{"with characters that cannot be seen", "\ufeff" + c[:6] + "\u200b" + c[6:] + "\u202c", ""},
		{"with a Kelvin sign", "\u212a" + bare[1:], factors.ReasonFormat},
		{"empty", "", factors.ReasonFormat},
		{"another code", "0000-0000-0000-0000", factors.ReasonWrong},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := verify(t, who, d, test.answer).Rejected; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestFinishVerify_BindsCodeToUserAndSet(t *testing.T) {
	paper, other := &sheet{}, &sheet{}
	d, second := suite().Device(t, paper, "one"), suite().Device(t, other, "two")
	stranger := factortest.Someone()
	stranger.Handle = bytes.Repeat([]byte{8}, 32)
	if got := verify(t, stranger, d, paper.codes[0]).Rejected; got != factors.ReasonWrong {
		t.Errorf("moved to another person: got %q, want %q", got, factors.ReasonWrong)
	}
	if got := verify(t, factortest.Someone(), second, paper.codes[0]).Rejected; got != factors.ReasonWrong {
		t.Errorf("in another set: got %q, want %q", got, factors.ReasonWrong)
	}
}

func TestBeginEnrol_PendingHoldsNoCode(t *testing.T) {
	prompt, p, err := kind.BeginEnrol(factortest.Start, factortest.Someone(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range prompt.View.(recovery.View).Codes {
		if bytes.Contains(p, []byte(c)) || bytes.Contains(p, []byte(strings.ReplaceAll(c, "-", ""))) {
			t.Error("a code is pending in clear")
		}
	}
}

func TestFinishVerify_ReportsUnreadableSet(t *testing.T) {
	for _, data := range []string{``, `null`, `{}`, `{"salt":"AAAAAAAAAAAAAAAAAAAAAA==","codes":[{"mac":""}]}`, `{"salt":"AA==","codes":[]}`} {
		d := factors.Device{ID: "x", Kind: recovery.Kind, Data: []byte(data)}
		o, err := kind.FinishVerify(factortest.Start, factortest.Someone(), []factors.Device{d}, nil, []byte("0000000000000000"))
		if err == nil {
			t.Errorf("%q: got outcome %q, want an error", data, o.Rejected)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	paper := &sheet{}
	d := suite().Device(f, paper, "sheet")
	for _, c := range paper.codes {
		f.Add([]byte(c))
	}
	f.Add([]byte("oooo-iiii-llll-0101"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		o := verify(t, factortest.Someone(), d, string(answer))
		if o.Accepted() && kind.Status(o.Device).Remaining != 9 {
			t.Errorf("accepted without striking the code out")
		}
	})
}

func FuzzStored(f *testing.F) {
	paper := &sheet{}
	d := suite().Device(f, paper, "sheet")
	f.Add([]byte(d.Data))
	f.Add([]byte(verify(f, factortest.Someone(), d, paper.codes[0]).Device.Data))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := factors.Device{ID: "x", Kind: recovery.Kind, Data: data}
		o, err := kind.FinishVerify(factortest.Start, factortest.Someone(), []factors.Device{d}, nil, []byte("7ZZZ-ZZZZ-ZZZZ-ZZZZ"))
		if err == nil && o.Accepted() {
			t.Error("a code nobody made was accepted")
		}
		kind.Status(d)
	})
}

func BenchmarkVerify(b *testing.B) {
	paper, who := &sheet{}, factortest.Someone()
	have := []factors.Device{suite().Device(b, paper, "sheet")}
	answer := []byte(paper.codes[9])
	b.ReportAllocs()
	for b.Loop() {
		if o, err := kind.FinishVerify(factortest.Start, who, have, nil, answer); err != nil || !o.Accepted() {
			b.Fatal(o.Rejected, err)
		}
	}
}
