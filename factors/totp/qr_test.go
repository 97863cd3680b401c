package totp_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/url"
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

// awkward are issuers, logins and device names that have broken a label.
func awkward() []factors.Subject {
	parts := []string{"Société Générale & Cie", "Garage+Fils", "100 % Élec", "a=b&c=d", "what?#/fragment", "ガレージ東京自動車", "Ñandú 'quoted' \"twice\"",
		"colon: inside", "  blanks   all  over ", "emoji 🔧🚗", "line\nbreak", strings.Repeat("très long ", 30), "%41%20%zz", "Ünïcödé", "x"}
	var out []factors.Subject
	for i := range 200 {
		s := factortest.Someone()
		s.Issuer = parts[i%len(parts)]
		s.Login = fmt.Sprintf("%s%d@garage.example", parts[(i/len(parts)+i*7+3)%len(parts)], i)
		s.Device = parts[(i*4+1)%len(parts)]
		out = append(out, s)
	}
	return out
}

func TestQRCode_IsReadByZbarimg(t *testing.T) {
	tool := need(t, "zbarimg", "zbar-tools")
	dir := t.TempDir()
	var want, files []string
	first := suite().Device(t, &phone{}, "first")
	for i, who := range awkward() {
		var have []factors.Device
		if i%2 == 1 { // a second key: the label has the device's name, too
			taken := who
			prompt, p, err := totp.TOTP{}.BeginEnrol(start, taken, nil)
			if err != nil {
				t.Fatal(err)
			}
			o, err := totp.TOTP{}.FinishEnrol(start, taken, p, (&phone{}).Enrol(t, start, prompt))
			if err != nil {
				t.Fatal(err)
			}
			have = []factors.Device{first, o.Device}
		}
		prompt, _, err := totp.TOTP{}.BeginEnrol(start, who, have)
		if err != nil {
			t.Fatalf("%q: %v", who.Login, err)
		}
		v := prompt.View.(oath.View)
		want = append(want, v.URI)
		name := filepath.Join(dir, fmt.Sprintf("%03d.png", i))
		if err := os.WriteFile(name, render(t, v.QR), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	out, err := exec.Command(tool, append([]string{"--raw", "-q", "-Sdisable", "-Sqrcode.enable"}, files...)...).Output()
	if err != nil {
		t.Fatalf("zbarimg: %v", err)
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(got) != len(want) {
		t.Fatalf("got %d pictures read, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("picture %d: got %q, want %q", i, got[i], want[i])
		}
	}
}

// render paints the very path that is shipped, four pixels a module, dark on white.
func render(t *testing.T, qr oath.QR) []byte {
	t.Helper()
	const px = 4
	img := image.NewGray(image.Rect(0, 0, qr.Size*px, qr.Size*px))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	for _, run := range strings.SplitAfter(qr.Path, "z") {
		if run == "" {
			continue
		}
		var x, y, n, back int
		if _, err := fmt.Sscanf(run, "M%d %dh%dv1h-%dz", &x, &y, &n, &back); err != nil || n != back {
			t.Fatalf("the path has %q", run)
		}
		if x < 4 || y < 4 || x+n > qr.Size-4 || y >= qr.Size-4 {
			t.Fatalf("%q lies in the quiet zone of four modules", run)
		}
		for py := y * px; py < (y+1)*px; py++ {
			for px4 := x * px; px4 < (x+n)*px; px4++ {
				img.SetGray(px4, py, color.Gray{})
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBeginEnrol_Labels(t *testing.T) {
	who := factortest.Someone()
	who.Issuer = "Société: Générale & Cie + Fils"
	var have []factors.Device
	for _, step := range []struct{ device, account string }{
		{"phone", "zoe@garage.example"},
		{"tablette de l'atelier", "zoe@garage.example (tablette de l'atelie)"},
		{"", "zoe@garage.example (2)"},
		{"tablette de l'atelier", "zoe@garage.example (3)"},
	} {
		who.Device = step.device
		prompt, p, err := totp.TOTP{}.BeginEnrol(start, who, have)
		if err != nil {
			t.Fatal(err)
		}
		v := prompt.View.(oath.View)
		u, err := url.Parse(v.URI)
		if err != nil {
			t.Fatal(err)
		}
		const issuer = "Société Générale & Cie + Fils"
		if got, want := u.Path, "/"+issuer+":"+step.account; u.Scheme != "otpauth" || u.Host != "totp" || got != want {
			t.Errorf("got label %q, want %q", got, want)
		}
		if q := u.Query(); len(q) != 2 || q.Get("issuer") != issuer || q.Get("secret") != v.Secret {
			t.Errorf("got issuer %q and %d parameters", q.Get("issuer"), len(q))
		}
		if strings.ContainsAny(v.URI, "+ ") || strings.Contains(v.Secret, "=") || len(v.Secret) != 32 || strings.ReplaceAll(v.Groups, " ", "") != v.Secret {
			t.Errorf("a URI or a key that apps stumble over")
		}
		o, err := totp.TOTP{}.FinishEnrol(start, who, p, (&phone{}).Enrol(t, start, prompt))
		if err != nil {
			t.Fatal(err)
		}
		have = append(have, o.Device)
	}
}

// A key that is replaced (protocol rule 15) and one enrolled after a reset take the old entry's place in the app.
func TestBeginEnrol_ReusesLabelOfRemovedDevice(t *testing.T) {
	who := factortest.Someone()
	first := suite().Device(t, &phone{}, "first")
	prompt, _, err := totp.TOTP{}.BeginEnrol(start, who, []factors.Device{first})
	if err != nil {
		t.Fatal(err)
	}
	if uri := prompt.View.(oath.View).URI; !strings.Contains(uri, "Barillet:zoe%40garage.example%20%282%29?") {
		t.Errorf("beside another: got label in %q", uri[:60])
	}
	prompt, _, err = totp.TOTP{}.BeginEnrol(start, who, nil)
	if err != nil {
		t.Fatal(err)
	}
	if uri := prompt.View.(oath.View).URI; !strings.Contains(uri, "Barillet:zoe%40garage.example?") {
		t.Errorf("alone: got label in %q", uri[:60])
	}
}

func TestBeginEnrol_LongestLabelFitsQRCode(t *testing.T) {
	who := factortest.Someone()
	who.Issuer, who.Device = strings.Repeat("東", 500), strings.Repeat("🔧", 500)
	who.Login = strings.Repeat("&", 242) + "@example.com"
	first, p, err := totp.TOTP{}.BeginEnrol(start, who, nil)
	if err != nil {
		t.Fatal(err)
	}
	o, err := totp.TOTP{}.FinishEnrol(start, who, p, (&phone{}).Enrol(t, start, first))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := (totp.TOTP{}).BeginEnrol(start, who, []factors.Device{o.Device}); err != nil {
		t.Error(err)
	}
}
