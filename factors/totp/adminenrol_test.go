package totp_test

import (
	"bytes"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"barillet/factors"
	"barillet/factors/factortest"
	"barillet/factors/oath"
	"barillet/factors/totp"
)

func TestManualEntry_MatchesThePage(t *testing.T) {
	prompt, pending, err := totp.TOTP{}.BeginEnrol(start, factortest.Someone(), nil)
	if err != nil {
		t.Fatal(err)
	}
	page := prompt.View.(oath.View)
	a, err := totp.TOTP{}.ManualEntry(pending)
	if err != nil || a.Secret != page.Secret || a.Bytes != 20 {
		t.Errorf("got %v, %d bytes, want what the page shows", err, a.Bytes)
	}
	picture, err := totp.TOTP{}.QRCodePNG(factortest.Someone(), pending)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(picture)); err != nil {
		t.Fatalf("the picture is no PNG: %v", err)
	}
	name := filepath.Join(t.TempDir(), "qr.png")
	if err := os.WriteFile(name, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(need(t, "zbarimg", "zbar-tools"), "--raw", "-q", "-Sdisable", "-Sqrcode.enable", name).Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != page.URI {
		t.Errorf("read from the picture: got %q, %v, want the page's", got, err)
	}
}

func TestManualEntry_RejectsUnreadablePending(t *testing.T) {
	for _, pending := range []string{"", "{}", `{"secret":"QUFB","account":"a"}`, "no JSON"} {
		if a, err := (totp.TOTP{}).ManualEntry([]byte(pending)); err == nil || a.Secret != "" {
			t.Errorf("%q: got an activation, %v", pending, err)
		}
		if p, err := (totp.TOTP{}).QRCodePNG(factortest.Someone(), []byte(pending)); err == nil || p != nil {
			t.Errorf("%q: got a picture, %v", pending, err)
		}
	}
}

func TestBeginEnrol_AvoidsLabelOfUnconfirmedDevice(t *testing.T) {
	waits := suite().Device(t, &phone{}, "first")
	waits.Disabled = "unconfirmed"
	prompt, _, err := totp.TOTP{}.BeginEnrol(start, factortest.Someone(), []factors.Device{waits})
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(prompt.View.(oath.View).URI, "?"); !strings.Contains(first, "%20%28") {
		t.Errorf("the new key has the label of the one that waits: %s", first)
	}
}
