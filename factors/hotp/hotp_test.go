package hotp_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	library "github.com/pquerna/otp/hotp"

	"barillet/factors"
	"barillet/factors/factortest"
	"barillet/factors/hotp"
	"barillet/factors/oath"
)

// token is a hardware token with a button.
type token struct {
	secret string
	next   uint64
}

func (k *token) press(t testing.TB) string {
	t.Helper()
	code := k.at(t, k.next)
	k.next++
	return code
}

func (k *token) at(t testing.TB, counter uint64) string {
	t.Helper()
	code, err := library.GenerateCode(k.secret, counter)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func (k *token) Enrol(t testing.TB, _ time.Time, p factors.Prompt) []byte {
	k.secret = p.View.(oath.View).Secret
	return []byte(k.press(t))
}

func (k *token) Prove(t testing.TB, _ time.Time, _ factors.Prompt) []byte { return []byte(k.press(t)) }

func suite() factortest.Case {
	return factortest.Case{Factor: hotp.HOTP{}, New: func(testing.TB) factortest.Token { return &token{} }}
}

func TestFactor(t *testing.T) { factortest.Run(t, suite()) }

func verify(t testing.TB, p factors.Pending, code string, devices ...factors.Device) factors.Outcome {
	t.Helper()
	o, err := hotp.HOTP{}.FinishVerify(factortest.Start, factortest.Someone(), devices, p, []byte(code))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// secret is that of RFC 4226 appendix D, and vectors are its codes of the counters from 0.
const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

var vectors = []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"}

func imported(t testing.TB, counter uint64) factors.Device {
	t.Helper()
	d, err := hotp.HOTP{}.Import(factortest.Start, factortest.Someone(), fmt.Sprintf("otpauth://hotp/Maker?secret=%s&counter=%d", secret, counter))
	if err != nil {
		t.Fatal(err)
	}
	d.ID = "d1"
	return d
}

func TestFinishVerify_AcceptsVectorsOfRFC4226(t *testing.T) {
	d := imported(t, 0)
	for counter, code := range vectors {
		o := verify(t, nil, code, d)
		if !o.Accepted() {
			t.Fatalf("counter %d: rejected %q", counter, o.Rejected)
		}
		d = o.Device
	}
}

func TestFinishVerify_CountersAndResynchronisation(t *testing.T) {
	const (
		good   = factors.ReasonNone
		used   = factors.ReasonReplayed
		wrong  = factors.ReasonWrong
		resync = factors.ReasonResync
	)
	type try struct {
		counter uint64
		want    factors.Reason
	}
	for name, tries := range map[string][]try{
		"the next code":                              {{100, good}, {101, good}},
		"the last code of the look-ahead":            {{109, good}, {110, good}},
		"one beyond the look-ahead is not enough":    {{110, resync}},
		"two in a row resynchronise":                 {{110, resync}, {111, good}, {112, good}},
		"the end of the reach":                       {{1099, resync}, {1100, good}},
		"beyond the reach":                           {{1100, wrong}, {1101, wrong}},
		"two with one missing do not":                {{500, resync}, {502, resync}, {503, good}},
		"the same twice does not":                    {{500, resync}, {500, resync}},
		"two in the wrong order do not":              {{501, resync}, {500, resync}},
		"an answer between two in a row breaks them": {{500, resync}, {5000, wrong}, {501, resync}},
		"a used code":                                {{100, good}, {100, used}, {101, good}},
		"a code that was passed over":                {{105, good}, {103, used}, {106, good}},
		"both codes of a resynchronisation are used": {{500, resync}, {501, good}, {500, used}, {501, used}},
		"a used code long ago is a wrong one":        {{100, good}, {89, wrong}},
	} {
		t.Run(name, func(t *testing.T) {
			k, d := &token{secret: secret}, imported(t, 100)
			var p factors.Pending
			for i, x := range tries {
				o := verify(t, p, k.at(t, x.counter), d)
				if o.Rejected != x.want {
					t.Fatalf("try %d, counter %d: got %q, want %q", i+1, x.counter, o.Rejected, x.want)
				}
				if p = o.Pending; o.Device.ID != "" {
					d = o.Device
				}
			}
		})
	}
}

func TestFinishVerify_ResynchronisesTheTokenOfTheFirstCode(t *testing.T) {
	mine, other := imported(t, 0), imported(t, 0)
	k := &token{secret: strings.Repeat("MFRGGZDF", 4)}
	other.ID = "d2"
	other.Data = json.RawMessage(`{"secret":"YWJjZGVhYmNkZWFiY2RlYWJjZGU=","account":"x","next":0}`)
	p := verify(t, nil, k.at(t, 700), mine, other).Pending
	if o := verify(t, p, (&token{secret: secret}).at(t, 701), mine, other); o.Rejected != factors.ReasonResync {
		t.Errorf("the next code of the other token: got %q, want %q", o.Rejected, factors.ReasonResync)
	}
	if o := verify(t, p, k.at(t, 701), mine, other); !o.Accepted() || o.Device.ID != "d2" {
		t.Errorf("got %q, device %q, want the second one", o.Rejected, o.Device.ID)
	}
	if o := verify(t, p, k.at(t, 701), mine); o.Accepted() {
		t.Error("accepted although the token was removed meanwhile")
	}
}

func TestBeginEnrolSeed_AcceptsAUsedToken(t *testing.T) {
	raw := []byte("12345678901234567890")
	pending, err := hotp.HOTP{}.BeginEnrolSeed(factortest.Start, factortest.Someone(), nil, factors.Seed{Secret: raw, Counter: 2})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := (hotp.HOTP{}).ManualEntry(pending); err != nil || m.Secret != "" || m.Bytes != 20 {
		t.Errorf("got %v, %v, want no secret of 20 bytes", m, err)
	}
	k := &token{secret: secret}
	for counter, want := range map[uint64]factors.Reason{1: factors.ReasonWrong, 2: factors.ReasonNone, 1001: factors.ReasonNone, 1002: factors.ReasonWrong} {
		o, err := hotp.HOTP{}.FinishEnrol(factortest.Start, factortest.Someone(), pending, []byte(k.at(t, counter)))
		if err != nil || o.Rejected != want || o.Accepted() == (o.Device.Unique == "") {
			t.Errorf("counter %d: got %q, unique %q, %v, want %q", counter, o.Rejected, o.Device.Unique, err, want)
		}
	}
	for name, seed := range map[string]factors.Seed{
		"no_secret": {}, "short": {Secret: raw[:15]}, "long": {Secret: bytes.Repeat(raw, 4)}, "weak": {Secret: make([]byte, 20)},
		"counter": {Secret: raw, Counter: 1 << 63},
	} {
		_, err := hotp.HOTP{}.BeginEnrolSeed(factortest.Start, factortest.Someone(), nil, seed)
		if refused, ok := errors.AsType[factors.ImportError](err); !ok || string(refused) != name {
			t.Errorf("got %v, want %q", err, name)
		}
	}
}

func TestQRCodePNG_ShowsAPendingToken(t *testing.T) {
	prompt, pending, err := hotp.HOTP{}.BeginEnrol(factortest.Start, factortest.Someone(), nil)
	if err != nil {
		t.Fatal(err)
	}
	view := prompt.View.(oath.View)
	if !strings.HasPrefix(view.URI, "otpauth://hotp/Barillet:zoe%40garage.example?secret="+view.Secret) || !strings.HasSuffix(view.URI, "&counter=0") {
		t.Errorf("got %s", view.URI)
	}
	if m, err := (hotp.HOTP{}).ManualEntry(pending); err != nil || m.Secret != view.Secret {
		t.Errorf("got %v, want what the page shows", err)
	}
	if picture, err := (hotp.HOTP{}).QRCodePNG(factortest.Someone(), pending); err != nil || !bytes.HasPrefix(picture, []byte("\x89PNG")) {
		t.Errorf("got %d bytes, %v", len(picture), err)
	}
	if _, err := (hotp.HOTP{}).ManualEntry([]byte(`{}`)); err == nil {
		t.Error("an enrolment without a secret is read")
	}
}

func TestImport_RefusesByOneWord(t *testing.T) {
	for uri, want := range map[string]string{
		"":                                  "no_otpauth",
		"otpauth://totp/x?secret=" + secret: "unsupported",
		"otpauth://hotp/x?secret=" + secret: "counter",
		"otpauth://hotp/x?secret=" + secret + "&counter=-1":               "counter",
		"otpauth://hotp/x?secret=" + secret + "&counter=1e3":              "counter",
		"otpauth://hotp/x?secret=" + secret + "&counter=4503599627370497": "counter",
		"otpauth://hotp/x?secret=" + secret + "&counter=1&counter=2":      "twice",
		"otpauth://hotp/x?counter=1":                                      "no_secret",
		"otpauth://hotp/x?secret=AAAA&counter=1":                          "short",
		"otpauth://hotp/x?secret=" + secret + "&counter=1&digits=8":       "digits",
	} {
		d, err := hotp.HOTP{}.Import(factortest.Start, factortest.Someone(), uri)
		if refused, ok := errors.AsType[factors.ImportError](err); !ok || string(refused) != want || d.Data != nil {
			t.Errorf("%q: got %v, want %q and nothing", uri, err, want)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add("otpauth://hotp/Maker:zoe?secret=" + secret + "&issuer=Maker&counter=7")
	f.Add("otpauth://hotp/x?secret=" + secret + "&counter=4503599627370496")
	f.Add("otpauth://hotp/%zz?secret=%00&counter=")
	f.Fuzz(func(t *testing.T, uri string) {
		d, err := hotp.HOTP{}.Import(factortest.Start, factortest.Someone(), uri)
		if err != nil {
			if _, ok := errors.AsType[factors.ImportError](err); !ok || d.Data != nil {
				t.Fatalf("got %+v, %v, want one word and nothing", d, err)
			}
			return
		}
		if d.Name == "" || len([]rune(d.Name)) > 64 || d.Unique == "" {
			t.Fatalf("got name %q, unique %q", d.Name, d.Unique)
		}
		d.ID = "d1"
		if o := verify(t, nil, "000000", d); o.Rejected == factors.ReasonExpired || o.Rejected == factors.ReasonReplayed && strings.HasSuffix(uri, "counter=0") {
			t.Fatalf("got %q of an imported token", o.Rejected)
		}
	})
}

// FuzzFinishVerify checks that no stored record and no pending state makes a code acceptable that is not one of the record.
func FuzzFinishVerify(f *testing.F) {
	f.Add([]byte(`{"secret":"MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=","account":"a","next":3}`), []byte(`{"device":"d1","counter":700}`), "969429")
	f.Add([]byte(`{"secret":"","next":-1}`), []byte(`null`), "755224")
	f.Add([]byte(`{"secret":"MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=","next":4503599627370496}`), []byte(`{"device":"d1","counter":-1}`), "000000")
	f.Fuzz(func(t *testing.T, data, pending []byte, code string) {
		d := factors.Device{ID: "d1", Kind: hotp.Kind, Data: data}
		o, err := hotp.HOTP{}.FinishVerify(factortest.Start, factortest.Someone(), []factors.Device{d}, pending, []byte(code))
		if err != nil || !o.Accepted() {
			return
		}
		var before, after struct{ Next int64 }
		if json.Unmarshal(data, &before) != nil || json.Unmarshal(o.Device.Data, &after) != nil || after.Next <= before.Next || after.Next > before.Next+1001 {
			t.Fatalf("the counter went from %d to %d", before.Next, after.Next)
		}
	})
}
