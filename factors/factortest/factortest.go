// Package factortest is the suite that every kind of second factor passes. It owns what is common to all of them:
// an answer works once, nothing that is passed in is changed, devices that may not be asked are not asked, and
// garbage is an outcome. What is particular to a kind (windows, counters, formats) is tested beside that kind.
//
// A kind's test makes a Case and calls Run:
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

// Token is what a person holds in the hand: a phone, a key, a sheet of codes. Each one is enrolled once.
type Token interface {
	// Enrol answers an enrolment's prompt and keeps what it needs for Prove.
	Enrol(t testing.TB, now time.Time, p factors.Prompt) []byte
	// Prove is a right answer that was not given before. The suite lets a minute and a half pass between two of them.
	Prove(t testing.TB, now time.Time, p factors.Prompt) []byte
}

// Case is one kind of factor under test.
type Case struct {
	Factor factors.Factor
	New    func(t testing.TB) Token
	Who    factors.Subject // the zero value: a person of the suite's own
}

// Start is the instant at which every test of the suite begins.
var Start = time.Date(2026, 3, 29, 0, 59, 40, 0, time.UTC)

// pause is longer than any window in which an honest answer of one moment may still be taken for another's.
const pause = 90 * time.Second

// Someone is the person whom the suite enrols when a Case names nobody.
func Someone() factors.Subject {
	return factors.Subject{Handle: bytes.Repeat([]byte{7}, 32), Login: "zoe@garage.example", Name: "Zoé Lefèvre",
		Issuer: "Barillet", Origin: "https://login.example"}
}

// Run proves what every kind of factor must do.
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
		{"somebody without a device proves nothing", c.nobody},
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
	if prompt.Template == "" {
		t.Error("the prompt names no template")
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
		t.Errorf("the outcome would store device %q, which is not the person's", o.Device.ID)
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
		// Whether a kind needs an answer at all to enrol is its own affair; that it bears one is not.
		c.finishEnrol(t, now, enrol, answer)
	}
}

func (c Case) nobody(t *testing.T) {
	prompt, p, err := c.Factor.BeginVerify(Start, c.Who, nil)
	if err != nil {
		t.Fatal(err)
	}
	if prompt.Template == "" {
		t.Error("the prompt names no template")
	}
	for name, answer := range Garbage() {
		if o := c.finish(t, Start, p, answer); o.Accepted() || o.Device.ID != "" {
			t.Errorf("%s: rejected %q, device %q", name, o.Rejected, o.Device.ID)
		}
	}
}

func (c Case) tooMany(t *testing.T) {
	describer, ok := c.Factor.(factors.Describer)
	if !ok {
		t.Fatal("the kind does not describe its devices")
	}
	d := c.Device(t, c.New(t), "first")
	about := describer.Describe(d)
	if about.MaxOfKind < 1 || about.OktaType == "" || about.Provider == "" {
		t.Fatalf("an empty description: %+v", about)
	}
	have := []factors.Device{d}
	for len(have) < about.MaxOfKind {
		if _, _, err := c.Factor.BeginEnrol(Start, c.Who, have); err != nil {
			t.Fatalf("with %d of %d: %v", len(have), about.MaxOfKind, err)
		}
		more := c.Device(t, c.New(t), "more")
		more.ID += factors.DeviceID(rune('a' + len(have)))
		have = append(have, more)
	}
	if _, _, err := c.Factor.BeginEnrol(Start, c.Who, have); !errors.Is(err, factors.ErrTooMany) {
		t.Errorf("with %d: got error %v, want %v", len(have), err, factors.ErrTooMany)
	}
}

// Garbage is what no honest page sends, by name.
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

// Device enrols a token and gives the device the id and name that a caller would.
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

// clone copies devices down to the last byte, so that a change in place shows.
func clone(have []factors.Device) []factors.Device {
	out := slices.Clone(have)
	for i := range out {
		out[i].Data = bytes.Clone(out[i].Data)
		out[i].Copies = slices.Clone(out[i].Copies)
	}
	return out
}
