package totp_test

import (
	"bytes"
	"encoding/base32"
	"errors"
	"strings"
	"testing"

	"barillet/factors"
	"barillet/factors/factortest"
	"barillet/factors/totp"
)

const foreign = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" // 20 bytes

func TestImport_PhoneKeepsWorking(t *testing.T) {
	for name, uri := range map[string]string{
		"as Google writes it":       "otpauth://totp/Okta:zoe@garage.example?secret=" + foreign + "&issuer=Okta",
		"with every default":        "otpauth://totp/Okta?secret=" + foreign + "&algorithm=SHA1&digits=6&period=30",
		"in other case, in groups":  "OTPAUTH://TOTP/Okta:x?Secret=jbsw%20y3dp-ehpk3pxpjbswy3dpehpk3pxp&Algorithm=hmac-sha-1",
		"padded, with more in it":   "otpauth://totp/Okta?secret=" + foreign + "%3D%3D&image=https%3A%2F%2Fx&lock=1",
		"with blanks around it all": "  otpauth://totp/Okta?secret=" + foreign + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			d, err := totp.TOTP{}.Import(start, factortest.Someone(), uri)
			if err != nil {
				t.Fatal(err)
			}
			if d.Kind != totp.Kind || d.Name != "Okta" || d.ID != "" || d.Unique == "" || strings.Contains(d.Unique, foreign) {
				t.Errorf("got %+v", d)
			}
			d.ID = "d1"
			now := after(0)
			for i, want := range []factors.Reason{factors.ReasonReplayed, factors.ReasonNone} {
				if o := verify(t, now, nil, (&phone{secret: foreign}).code(t, now), d); o.Rejected != want {
					t.Errorf("%d steps after the import: got %q, want %q", i, o.Rejected, want)
				}
				now = after(i + 1)
			}
		})
	}
}

func TestImport_RefusesByOneWord(t *testing.T) {
	b32 := func(n int) string { return base32.StdEncoding.EncodeToString(bytes.Repeat([]byte{1, 2}, n)[:n]) }
	for uri, want := range map[string]string{
		"":                                   "no_otpauth",
		foreign:                              "no_otpauth",
		"https://totp/x?secret=AAAA":         "no_otpauth",
		"otpauth://yubi/x?secret=" + foreign: "unsupported",
		"otpauth://totp/x?secret=%zz":        "no_otpauth",
		"otpauth://hotp/x?secret=" + foreign + "&counter=1":        "unsupported",
		"otpauth://totp/x?secret=" + foreign + "&algorithm=SHA256": "algorithm",
		"otpauth://totp/x?secret=" + foreign + "&algorithm=MD5":    "algorithm",
		"otpauth://totp/x?secret=" + foreign + "&digits=8":         "digits",
		"otpauth://totp/x?secret=" + foreign + "&digits=06":        "digits",
		"otpauth://totp/x?secret=" + foreign + "&period=60":        "period",
		"otpauth://totp/x":            "no_secret",
		"otpauth://totp/x?secret=%3D": "no_secret",
		"otpauth://totp/x?secret=18901890189018901890189018901890":     "base32",
		"otpauth://totp/x?secret=" + foreign + "%0A" + foreign:         "base32",
		"otpauth://totp/x?secret=" + b32(15):                           "short",
		"otpauth://totp/x?secret=" + b32(65):                           "long",
		"otpauth://totp/x?secret=" + strings.Repeat("A", 32):           "weak",
		"otpauth://totp/x?secret=" + foreign + "&secret=" + foreign:    "twice",
		"otpauth://totp/x?secret=" + foreign + "&SECRET=" + foreign:    "twice",
		"otpauth://totp/x?secret=" + foreign + "&period=30&period=30":  "twice",
		"otpauth-migration://offline?data=" + foreign:                  "no_otpauth",
		"otpauth://totp/x?secret=" + foreign + "&algorithm=SHA1SHA512": "algorithm",
	} {
		d, err := totp.TOTP{}.Import(start, factortest.Someone(), uri)
		unfit, ok := errors.AsType[factors.ImportError](err)
		if !ok || string(unfit) != want || d.ID != "" || d.Data != nil {
			t.Errorf("%q: got %v, want %q and nothing", uri, err, want)
		}
	}
	for n, fits := range map[int]bool{16: true, 20: true, 64: true} {
		if _, err := (totp.TOTP{}).Import(start, factortest.Someone(), "otpauth://totp/x?secret="+b32(n)); (err == nil) != fits {
			t.Errorf("%d bytes: got %v", n, err)
		}
	}
}

func TestImport_UniqueIgnoresSpelling(t *testing.T) {
	unique := func(uri string) string {
		d, err := totp.TOTP{}.Import(start, factortest.Someone(), uri)
		if err != nil {
			t.Fatal(err)
		}
		return d.Unique
	}
	one := unique("otpauth://totp/a?secret=" + foreign)
	if unique("otpauth://totp/b:c?secret="+strings.ToLower(foreign)+"%3D%3D&issuer=d") != one {
		t.Error("another spelling is another key")
	}
	if unique("otpauth://totp/a?secret="+foreign+"AAAAAAAA") != one { // RFC 2104 §2
		t.Error("zeros at the end, which change no code, are another key")
	}
	if unique("otpauth://totp/a?secret="+foreign[:31]+"Q") == one {
		t.Error("another key is the same")
	}
}

func FuzzImport(f *testing.F) {
	f.Add("otpauth://totp/Okta:zoe?secret=" + foreign + "&issuer=Okta")
	f.Add("otpauth://hotp/x?secret=" + foreign)
	f.Add("otpauth://totp/%zz?secret=%00")
	f.Fuzz(func(t *testing.T, uri string) {
		d, err := totp.TOTP{}.Import(start, factortest.Someone(), uri)
		if err != nil {
			if _, ok := errors.AsType[factors.ImportError](err); !ok || d.Data != nil {
				t.Fatalf("got %+v, %v, want one word and nothing", d, err)
			}
			return
		}
		d.ID = "d1"
		if d.Name == "" || len([]rune(d.Name)) > 64 {
			t.Fatalf("got name %q", d.Name)
		}
		if o, err := (totp.TOTP{}).FinishVerify(after(3), factortest.Someone(), []factors.Device{d}, nil, []byte("000000")); err != nil || o.Rejected == factors.ReasonExpired {
			t.Fatalf("got %v, %v of an imported key", o.Rejected, err)
		}
	})
}
