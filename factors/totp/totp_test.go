package totp_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/hotp"

	"barillet/factors"
	"barillet/factors/factortest"
	"barillet/factors/oath"
	"barillet/factors/totp"
)

// phone is an authenticator app whose clock may be off.
type phone struct {
	secret string
	ahead  time.Duration
}

func (p *phone) code(t testing.TB, now time.Time) string {
	t.Helper()
	c, err := hotp.GenerateCode(p.secret, uint64(now.Add(p.ahead).Unix()/30))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (p *phone) Enrol(t testing.TB, now time.Time, prompt factors.Prompt) []byte {
	p.secret = prompt.View.(oath.View).Secret
	return []byte(p.code(t, now))
}

func (p *phone) Prove(t testing.TB, now time.Time, _ factors.Prompt) []byte {
	return []byte(p.code(t, now))
}

func suite() factortest.Case {
	return factortest.Case{Factor: totp.TOTP{}, New: func(testing.TB) factortest.Token { return &phone{} }}
}

func TestFactor(t *testing.T) { factortest.Run(t, suite()) }

var start = factortest.Start

func after(steps int) time.Time { return start.Add(time.Duration(steps) * 30 * time.Second) }

func verify(t testing.TB, now time.Time, p factors.Pending, code string, have ...factors.Device) factors.Outcome {
	t.Helper()
	o, err := totp.TOTP{}.FinishVerify(now, factortest.Someone(), have, p, []byte(code))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func need(t testing.TB, tool, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Fatalf("%s is missing: install the Debian package %s", tool, pkg)
	}
	return path
}

// RFC 6238 appendix B, SHA-1; the six last digits of its eight.
func TestFinishEnrol_AcceptsVectorsOfRFC6238(t *testing.T) {
	pending := factors.Pending(`{"secret":"MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=","account":"a"}`)
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471",
		1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		o, err := totp.TOTP{}.FinishEnrol(time.Unix(at, 0), factortest.Someone(), pending, []byte(want))
		if err != nil || !o.Accepted() {
			t.Errorf("at %d: rejected %q, error %v", at, o.Rejected, err)
		}
	}
}

// RFC 4226 appendix D: counters 0 to 9, which are the first ten steps.
func TestFinishEnrol_AcceptsVectorsOfRFC4226(t *testing.T) {
	pending := factors.Pending(`{"secret":"MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=","account":"a"}`)
	for step, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		o, err := totp.TOTP{}.FinishEnrol(time.Unix(int64(step)*30, 0), factortest.Someone(), pending, []byte(want))
		if err != nil || !o.Accepted() {
			t.Errorf("counter %d: rejected %q, error %v", step, o.Rejected, err)
		}
	}
}

func TestFinishEnrol_AgreesWithOathtool(t *testing.T) {
	tool := need(t, "oathtool", "oathtool")
	for i := range 1000 {
		now := time.Unix(1_000_000_000+int64(i)*7_919_077, 0).UTC()
		prompt, p, err := totp.TOTP{}.BeginEnrol(now, factortest.Someone(), nil)
		if err != nil {
			t.Fatal(err)
		}
		// Two codes a run: the present step's and the next one's.
		out, err := exec.Command(tool, "--totp", "--window=1", "--now", now.Format("2006-01-02 15:04:05 UTC"),
			"-b", prompt.View.(oath.View).Secret).CombinedOutput()
		if err != nil {
			t.Fatalf("oathtool: %v: %s", err, out)
		}
		codes := strings.Fields(string(out))
		if len(codes) != 2 {
			t.Fatalf("got %q from oathtool, want two codes", out)
		}
		o, err := totp.TOTP{}.FinishEnrol(now, factortest.Someone(), p, []byte(codes[0]))
		if err != nil || !o.Accepted() {
			t.Fatalf("case %d: enrolling: rejected %q, error %v", i, o.Rejected, err)
		}
		if o = verify(t, now.Add(30*time.Second), nil, codes[1], o.Device); !o.Accepted() {
			t.Fatalf("case %d: verifying: rejected %q", i, o.Rejected)
		}
	}
}

func TestFinishVerify_CodeFormats(t *testing.T) {
	tests := []struct {
		name, before, between, after string
		ok                           bool
	}{
		{"bare", "", "", "", true},
		{"with a blank", "", " ", "", true},
		{"with a no-break blank", "", "\u00a0", "", true},
		{"with a thin blank", "", "\u2009", "", true},
		{"with a narrow no-break blank", "", "\u202f", "", true},
		{"with blanks around", " \t", "", "\r\n", true},
		{"with a plus", "+", "", "", false},
		{"with a minus", "-", "", "", false},
		{"with a dash", "", "-", "", false},
		{"with a seventh digit", "", "", "0", false},
		{"with a NUL", "", "\x00", "", false},
		{"with a zero-width blank", "", "\u200b", "", true},
		{"with the marks of a mail program", "\u202a", "\u2060", "\u202c\ufeff", true},
		{"with an accent", "", "\u0301", "", false},
	}
	ph := &phone{}
	d := suite().Device(t, ph, "phone")
	code := ph.code(t, after(3))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := verify(t, after(3), nil, test.before+code[:3]+test.between+code[3:]+test.after, d)
			if o.Accepted() != test.ok || !test.ok && o.Rejected != factors.ReasonFormat {
				t.Errorf("got %q, want accepted %v", o.Rejected, test.ok)
			}
		})
	}
	if got := verify(t, after(3), nil, code[:5], d).Rejected; got != factors.ReasonFormat {
		t.Errorf("five digits: got %q, want %q", got, factors.ReasonFormat)
	}
	for name, zero := range map[string]rune{"full-width digits": '０', "Arabic digits": '٠', "Devanagari digits": '०', "bold digits": '𝟎'} {
		typed := strings.Map(func(r rune) rune { return r - '0' + zero }, code)
		if o := verify(t, after(3), nil, typed, d); !o.Accepted() {
			t.Errorf("%s: rejected %q", name, o.Rejected)
		}
	}
}

func TestRead_RejectsShortSecret(t *testing.T) {
	for _, s := range []string{"", "AAAA", "AAAAAAAAAAAAAAAAAAAA"} { // none, 3 and 15 bytes
		data := fmt.Appendf(nil, `{"secret":%q,"account":"a"}`, s)
		if _, err := (totp.TOTP{}).FinishEnrol(start, factortest.Someone(), data, []byte("328482")); err == nil {
			t.Errorf("a pending secret %q was taken", s)
		}
		d := factors.Device{ID: "x", Kind: totp.Kind, Data: data}
		if _, err := (totp.TOTP{}).FinishVerify(start, factortest.Someone(), []factors.Device{d}, nil, []byte("328482")); err == nil {
			t.Errorf("a stored secret %q was taken", s)
		}
	}
}

func FuzzCode(f *testing.F) {
	ph := &phone{}
	d := suite().Device(f, ph, "phone")
	code := ph.code(f, after(3))
	f.Add([]byte(code))
	f.Add([]byte(code[:3] + "\u202f" + code[3:]))
	f.Add([]byte("123 456"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		o := verify(t, after(3), nil, string(answer), d)
		if o.Accepted() && verify(t, after(3), nil, string(answer), o.Device).Accepted() {
			t.Error("accepted twice")
		}
	})
}

func FuzzStored(f *testing.F) {
	d := suite().Device(f, &phone{}, "phone")
	f.Add([]byte(d.Data), []byte(`{"device":"x","step":1,"off":2,"at":3}`))
	f.Add([]byte(`{"secret":"MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=","account":"a","last":58,"drift":-2,"lean":1,"consumed":[60,61]}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, data, pending []byte) {
		d := factors.Device{ID: "x", Kind: totp.Kind, Data: data}
		o, err := totp.TOTP{}.FinishVerify(start, factortest.Someone(), []factors.Device{d}, pending, []byte("123456"))
		if err == nil && o.Device.ID != "" {
			if again := verify(t, start, nil, "123456", o.Device); again.Accepted() {
				t.Error("what was stored takes the same code again")
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, n := range []int{1, 5} {
		b.Run(fmt.Sprintf("%d keys", n), func(b *testing.B) {
			var have []factors.Device
			ph := &phone{}
			for i := range n {
				ph = &phone{}
				have = append(have, suite().Device(b, ph, fmt.Sprint(i)))
			}
			code := []byte(ph.code(b, after(3))) // of the key that is tried last
			b.ReportAllocs()
			for b.Loop() {
				if o, err := (totp.TOTP{}).FinishVerify(after(3), factors.Subject{}, have, nil, code); err != nil || !o.Accepted() {
					b.Fatal(o.Rejected, err)
				}
			}
		})
	}
}

func BenchmarkEnrol(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() { // nearly all of it is the QR code
		if _, _, err := (totp.TOTP{}).BeginEnrol(start, factortest.Someone(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
