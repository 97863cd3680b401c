// Package factortest is the suite that every kind of second factor passes. It checks what is common to all of them: an
// answer is accepted once, arguments are not changed, unusable devices are ignored, and garbage is an outcome. The tests
// of a kind check what is particular to it: windows, counters, formats.
//
// The test of a kind calls Run with a Case:
//
//	factortest.Run(t, factortest.Case{
//		Factor: totp.TOTP{},
//		New:    func(t testing.TB) factortest.Token { return &phone{} },
//	})
package factortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"barillet/factors"
)

// Token is what a user has: a phone, a key, a sheet of codes. Each one is enrolled once.
type Token interface {
	// Enrol answers the prompt of an enrolment and keeps what Prove needs.
	Enrol(t testing.TB, now time.Time, p factors.Prompt) []byte
	// Prove returns a right answer that it has not returned before. The suite waits a minute and a half between two calls.
	Prove(t testing.TB, now time.Time, p factors.Prompt) []byte
}

// Case is one kind of factor under test.
type Case struct {
	Factor factors.Factor
	New    func(t testing.TB) Token
	Who    factors.Subject // the zero value: the suite's own user
}

// Start is the time at which every test of the suite begins.
var Start = time.Date(2026, 3, 29, 0, 59, 40, 0, time.UTC)

// pause is longer than any window in which an answer of one time is accepted at another.
const pause = 90 * time.Second

// Someone returns the user of a Case without Who.
func Someone() factors.Subject {
	return factors.Subject{Handle: bytes.Repeat([]byte{7}, 32), Login: "zoe@garage.example", Name: "Zoé Lefèvre",
		Issuer: "Barillet", Origin: "https://login.example"}
}

// Run checks what every kind of factor must do.
func Run(t *testing.T, c Case) {
	t.Helper()
	if c.Who.Handle == nil {
		c.Who = Someone()
	}
	tests := []struct {
		name string
		run  func(*testing.T)
	}{
		{"an enrolled device leaves its name and id to the caller", c.enrolled},
		{"an answer works once and the next one works again", c.once},
		{"the stored device keeps id, name and date", c.keeps},
		{"devices of another kind and disabled ones are ignored", c.ignored},
		{"another token's answer is refused", c.foreign},
		{"garbage is an outcome", c.garbage},
		{"a user without a device proves nothing", c.nobody},
		{"more devices than allowed are refused", c.tooMany},
	}
	for _, test := range tests {
		t.Run(test.name, test.run)
	}
}

func (c Case) enrolled(t *testing.T) {
	tok := c.New(t)
	prompt, p, err := c.Factor.BeginEnrol(Start, c.Who, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := c.finishEnrol(t, Start, p, tok.Enrol(t, Start, prompt))
	if !o.Accepted() {
		t.Fatalf("rejected: %s", o.Rejected)
	}
	if o.Device.ID != "" || o.Device.Name != "" || o.Device.Kind != c.Factor.Kind() || !o.Device.Added.Equal(Start) {
		t.Errorf("got id %q, name %q, kind %q, added %v", o.Device.ID, o.Device.Name, o.Device.Kind, o.Device.Added)
	}
	if !json.Valid(o.Device.Data) {
		t.Error("the device's data is not JSON")
	}
}

func (c Case) once(t *testing.T) {
	tok := c.New(t)
	d := c.Device(t, tok, "one")
	now := Start.Add(pause)
	prompt, p := c.begin(t, now, d)
	answer := tok.Prove(t, now, prompt)
	o := c.finish(t, now, p, answer, d)
	if !o.Accepted() || len(o.AMR) == 0 {
		t.Fatalf("the right answer: rejected %q, amr %v", o.Rejected, o.AMR)
	}
	_, p = c.begin(t, now, o.Device)
	if c.finish(t, now, p, answer, o.Device).Accepted() {
		t.Error("the same answer was accepted twice")
	}
	now = now.Add(pause)
	prompt, p = c.begin(t, now, o.Device)
	if next := c.finish(t, now, p, tok.Prove(t, now, prompt), o.Device); !next.Accepted() {
		t.Errorf("the next answer was rejected: %s", next.Rejected)
	}
}

func (c Case) keeps(t *testing.T) {
	tok := c.New(t)
	d := c.Device(t, tok, "kept")
	d.App = "OKTA"
	now := Start.Add(pause)
	prompt, p := c.begin(t, now, d)
	got := c.finish(t, now, p, tok.Prove(t, now, prompt), d).Device
	if got.ID != d.ID || got.Name != d.Name || got.Kind != d.Kind || got.App != d.App || !got.Added.Equal(d.Added) || got.Unique != d.Unique {
		t.Errorf("got %s %q %s %v, want %s %q %s %v", got.ID, got.Name, got.Kind, got.Added, d.ID, d.Name, d.Kind, d.Added)
	}
	if !got.LastUsed.Equal(now) {
		t.Errorf("last used: got %v, want %v", got.LastUsed, now)
	}
}

func (c Case) ignored(t *testing.T) {
	tok := c.New(t)
	d := c.Device(t, tok, "mine")
	other := factors.Device{ID: "other", Kind: "another-kind", Name: "other", Data: json.RawMessage(`not even JSON`)}
	broken := factors.Device{ID: "off", Kind: d.Kind, Name: "off", Disabled: "clone", Data: json.RawMessage(`{}`)}
	now := Start.Add(pause)
	prompt, p := c.begin(t, now, other, broken, d)
	answer := tok.Prove(t, now, prompt)
	if o := c.finish(t, now, p, answer, other, broken, d); !o.Accepted() || o.Device.ID != d.ID {
		t.Errorf("among others: rejected %q, device %q", o.Rejected, o.Device.ID)
	}
	off := d
	off.Disabled = "clone"
	if o := c.finish(t, now, p, answer, off, other); o.Accepted() || o.Device.ID == "other" {
		t.Errorf("a disabled device: rejected %q, device %q", o.Rejected, o.Device.ID)
	}
}

func (c Case) foreign(t *testing.T) {
	mine, theirs := c.New(t), c.New(t)
	d, f := c.Device(t, mine, "mine"), c.Device(t, theirs, "theirs")
	now := Start.Add(pause)
	prompt, _ := c.begin(t, now, f)
	answer := theirs.Prove(t, now, prompt)
	_, p := c.begin(t, now, d)
	o := c.finish(t, now, p, answer, d)
	if o.Accepted() {
		t.Error("accepted")
	}
	if o.Device.ID != "" && o.Device.ID != d.ID {
		t.Errorf("the outcome would store device %q, which is not the user's", o.Device.ID)
	}
}

func (c Case) garbage(t *testing.T) {
	d := c.Device(t, c.New(t), "one")
	_, enrol, err := c.Factor.BeginEnrol(Start, c.Who, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := Start.Add(pause)
	_, verify := c.begin(t, now, d)
	for name, answer := range Garbage() {
		if o := c.finish(t, now, verify, answer, d); o.Accepted() {
			t.Errorf("%s was accepted as proof", name)
		}
		// A kind may ignore the answer of an enrolment; it must not fail because of it.
		c.finishEnrol(t, now, enrol, answer)
	}
}

func (c Case) nobody(t *testing.T) {
	_, p, err := c.Factor.BeginVerify(Start, c.Who, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range Garbage() {
		if o := c.finish(t, Start, p, answer); o.Accepted() || o.Device.ID != "" {
			t.Errorf("%s: rejected %q, device %q", name, o.Rejected, o.Device.ID)
		}
	}
}

func (c Case) tooMany(t *testing.T) {
	d := c.Device(t, c.New(t), "first")
	m, st := c.Factor.Method(), c.Factor.Status(d)
	if m.Max < 1 || m.Input == "" || m.Slug == "" || m.OktaType == "" || st.Provider == "" {
		t.Fatalf("an empty description: %+v, %+v", m, st)
	}
	if m.Input != factors.InputBackup && !slices.Contains(m.Providers, st.Provider) {
		t.Errorf("provider %q is not among %q", st.Provider, m.Providers)
	}
	have := []factors.Device{d}
	for len(have) < m.Max {
		if _, _, err := c.Factor.BeginEnrol(Start, c.Who, have); err != nil {
			t.Fatalf("with %d of %d: %v", len(have), m.Max, err)
		}
		more := c.Device(t, c.New(t), "more")
		more.ID += factors.DeviceID(rune('a' + len(have)))
		have = append(have, more)
	}
	if _, _, err := c.Factor.BeginEnrol(Start, c.Who, have); !errors.Is(err, factors.ErrTooMany) {
		t.Errorf("with %d: got error %v, want %v", len(have), err, factors.ErrTooMany)
	}
}

// Garbage returns answers that no page sends, by name.
func Garbage() map[string][]byte {
	return map[string][]byte{
		"nothing":            nil,
		"no bytes":           {},
		"a mebibyte":         bytes.Repeat([]byte("9"), 1<<20),
		"NUL":                {0},
		"NUL among digits":   []byte("123\x00456"),
		"not UTF-8":          {0xff, 0xfe, 0xc0, 0x80, '1'},
		"an empty object":    []byte("{}"),
		"null":               []byte("null"),
		"deep JSON":          bytes.Repeat([]byte("["), 10_000),
		"a very long number": []byte(`{"id":1e999999}`),
	}
}

// Device enrols a token and sets the id and the name that a caller would.
func (c Case) Device(t testing.TB, tok Token, name string) factors.Device {
	t.Helper()
	if c.Who.Handle == nil {
		c.Who = Someone()
	}
	prompt, p, err := c.Factor.BeginEnrol(Start, c.Who, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := c.finishEnrol(t, Start, p, tok.Enrol(t, Start, prompt))
	if !o.Accepted() {
		t.Fatalf("enrolling: rejected %s", o.Rejected)
	}
	d := o.Device
	d.ID, d.Name = factors.DeviceID("device-"+name), name
	return d
}

func (c Case) begin(t testing.TB, now time.Time, have ...factors.Device) (factors.Prompt, factors.Pending) {
	t.Helper()
	before := clone(have)
	prompt, p, err := c.Factor.BeginVerify(now, c.Who, have)
	if err != nil {
		t.Fatalf("beginning to verify: %v", err)
	}
	if !reflect.DeepEqual(have, before) {
		t.Error("BeginVerify changed the devices it was given")
	}
	return prompt, p
}

func (c Case) finish(t testing.TB, now time.Time, p factors.Pending, answer []byte, have ...factors.Device) factors.Outcome {
	t.Helper()
	devices, pending, said, handle := clone(have), bytes.Clone(p), bytes.Clone(answer), bytes.Clone(c.Who.Handle)
	o, err := c.Factor.FinishVerify(now, c.Who, have, p, answer)
	if err != nil {
		t.Fatalf("verifying: %v", err)
	}
	if !reflect.DeepEqual(have, devices) || !bytes.Equal(p, pending) || !bytes.Equal(answer, said) || !bytes.Equal(handle, c.Who.Handle) {
		t.Error("FinishVerify changed what it was given")
	}
	return o
}

func (c Case) finishEnrol(t testing.TB, now time.Time, p factors.Pending, answer []byte) factors.Outcome {
	t.Helper()
	pending, said, handle := bytes.Clone(p), bytes.Clone(answer), bytes.Clone(c.Who.Handle)
	o, err := c.Factor.FinishEnrol(now, c.Who, p, answer)
	if err != nil {
		t.Fatalf("enrolling: %v", err)
	}
	if !bytes.Equal(p, pending) || !bytes.Equal(answer, said) || !bytes.Equal(handle, c.Who.Handle) {
		t.Error("FinishEnrol changed what it was given")
	}
	return o
}

// clone copies devices deeply, so that a change in place shows.
func clone(have []factors.Device) []factors.Device {
	out := slices.Clone(have)
	for i := range out {
		out[i].Data = bytes.Clone(out[i].Data)
		out[i].Copies = slices.Clone(out[i].Copies)
	}
	return out
}
