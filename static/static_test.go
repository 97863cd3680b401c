package static_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"barillet/static"
)

func get(t testing.TB, f *static.Files, method, url, encoding string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, url, nil)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result()
}

func files(t testing.TB, accent string) *static.Files {
	t.Helper()
	f, err := static.New(accent)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sheet returns brand.css for an accent colour, as served.
func sheet(t testing.TB, accent string) string {
	t.Helper()
	f := files(t, accent)
	body, err := io.ReadAll(get(t, f, "GET", f.URL("brand.css"), "").Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestFiles_ServesHashedNamesAsImmutable(t *testing.T) {
	f := files(t, "")
	for name, kind := range map[string]string{
		"barillet.css": "text/css; charset=utf-8", "brand.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8",
		"webauthn.js": "text/javascript; charset=utf-8", "favicon.svg": "image/svg+xml",
	} {
		url := f.URL(name)
		if !regexp.MustCompile(`^/static/\w+\.[0-9a-f]{16}\.\w+$`).MatchString(url) || !f.Has(name) {
			t.Errorf("%s: got url %q", name, url)
		}
		plain, packed := get(t, f, "GET", url, ""), get(t, f, "GET", url, "br, gzip")
		if plain.StatusCode != 200 || plain.Header.Get("Content-Type") != kind || !strings.Contains(plain.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: got %d %v", name, plain.StatusCode, plain.Header)
		}
		want, err := io.ReadAll(plain.Body)
		if err != nil {
			t.Fatal(err)
		}
		body := io.Reader(packed.Body)
		if packed.Header.Get("Content-Encoding") == "gzip" {
			if body, err = gzip.NewReader(packed.Body); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := io.ReadAll(body); err != nil || string(got) != string(want) {
			t.Errorf("%s: packed and plain differ: %v", name, err)
		}
	}
}

func TestFiles_RejectsUnknownPathsAndOtherMethods(t *testing.T) {
	f := files(t, "")
	for _, c := range []struct {
		method, url, encoding string
		status                int
		coding                string
	}{
		{"GET", f.URL("barillet.css"), "gzip;q=0", 200, ""},
		{"GET", f.URL("barillet.css"), "gzip; q=0.5", 200, "gzip"},
		{"HEAD", f.URL("barillet.css"), "gzip", 200, "gzip"},
		{"POST", f.URL("barillet.css"), "", 405, ""},
		{"GET", "/static/barillet.css", "", 404, ""},
		{"GET", "/static/", "", 404, ""},
		{"GET", "/static/../static.go", "", 404, ""},
		{"GET", f.URL("nothing.css"), "", 404, ""},
	} {
		got := get(t, f, c.method, c.url, c.encoding)
		if got.StatusCode != c.status || got.Header.Get("Content-Encoding") != c.coding {
			t.Errorf("%s %s: got %d %q, want %d %q", c.method, c.url, got.StatusCode, got.Header.Get("Content-Encoding"), c.status, c.coding)
		}
	}
}

func TestFiles_StaySmall(t *testing.T) {
	size := map[string]int{}
	entries, err := os.ReadDir("files")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if e.Name() == "reference.css" { // beside the others on the pages of the reference alone
			size["reference"] = int(info.Size())
			continue
		}
		if strings.HasPrefix(e.Name(), "console.") { // beside the others in the console alone
			size[e.Name()] = int(info.Size())
			continue
		}
		size[e.Name()[strings.LastIndex(e.Name(), "."):]] += int(info.Size())
	}
	if size["reference"] >= 6000 {
		t.Errorf("got %d bytes of css for the reference, want under 6000", size["reference"])
	}
	if size["console.css"] >= 8000 || size["console.js"] >= 6000 {
		t.Errorf("got %d bytes of css and %d of js for the console, want under 8000 and 6000", size["console.css"], size["console.js"])
	}
	if size[".css"] >= 15000 || size[".js"] >= 10000 {
		t.Errorf("got %d bytes of css, want under 15000; %d of js, want under 10000", size[".css"], size[".js"])
	}
}

func TestFiles_LoadNothingFromOtherOrigins(t *testing.T) {
	entries, err := os.ReadDir("files")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		raw, err := os.ReadFile("files/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(raw), `xmlns="http://www.w3.org/2000/svg"`, "")
		if m := regexp.MustCompile(`https?:|@import|url\(|innerHTML|eval\(`).FindString(text); m != "" {
			t.Errorf("%s holds %q", e.Name(), m)
		}
	}
}

func TestNew_RejectsInvalidColour(t *testing.T) {
	for _, bad := range []string{"teal", "#12345", "#1234567", "123456", "#12345g", "#0b4f5c;}body{display:none", "#é1234"} {
		if _, err := static.New(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzAnAccentIsRefusedOrBecomesACleanSheet(f *testing.F) {
	f.Add("#0b4f5c")
	f.Add("#FFFFFF")
	f.Fuzz(func(t *testing.T, accent string) {
		got, err := static.New(accent)
		if err != nil {
			if got != nil {
				t.Error("a refused colour gave files")
			}
			return
		}
		if s := sheet(t, accent); !regexp.MustCompile(`^(?s)[-:;{}#a-z0-9@() \n]+$`).MatchString(s) {
			t.Errorf("got %q", s)
		}
	})
}

// ratio returns the contrast of two colours by the formula of WCAG 2.2, independent of the tested code.
func ratio(t testing.TB, a, b string) float64 {
	t.Helper()
	lum := func(s string) float64 {
		s = strings.TrimPrefix(s, "#")
		if len(s) == 3 {
			s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
		}
		n, err := strconv.ParseUint(s, 16, 32)
		if err != nil {
			t.Fatalf("%q is no colour: %v", s, err)
		}
		sum := 0.0
		for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
			v := float64(n>>(8*i)&255) / 255
			if v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			sum += weight * v
		}
		return sum
	}
	x, y := lum(a), lum(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// schemes returns the colours of a sheet in light and in dark mode.
func schemes(t testing.TB, css ...string) []map[string]string {
	t.Helper()
	out := []map[string]string{{}, {}}
	for _, s := range css {
		light, dark, found := strings.Cut(s, "(prefers-color-scheme")
		if !found {
			t.Fatal("no dark scheme")
		}
		dark, _, _ = strings.Cut(dark, "*, ::before")
		for i, part := range []string{light, dark} {
			for _, m := range regexp.MustCompile(`--([\w-]+):\s*(#[0-9a-f]+)`).FindAllStringSubmatch(part, -1) {
				out[i][m[1]] = m[2]
			}
		}
	}
	return out
}

func TestNew_KeepsTextReadableForEachAccent(t *testing.T) {
	raw, err := os.ReadFile("files/barillet.css")
	if err != nil {
		t.Fatal(err)
	}
	pairs := [][2]string{
		{"ink", "ground"}, {"ink", "plate"}, {"soft", "ground"}, {"soft", "plate"}, {"bar-ink", "bar"}, {"wrong", "plate"}, {"wrong", "ground"},
		{"ink", "wrong-ground"}, {"wrong", "wrong-ground"}, {"ink", "good-ground"}, {"ink", "warn-ground"}, {"ink", "accent-ground"},
		{"accent", "ground"}, {"accent", "plate"}, {"accent", "accent-ground"}, {"on-accent", "accent"}, {"soft", "accent-ground"},
	}
	for _, accent := range []string{"", "#000000", "#ffffff", "#ff6600", "#ffff00", "#00ff00", "#0000ff", "#808080", "#7f1d1d"} {
		for i, scheme := range schemes(t, string(raw), sheet(t, accent)) {
			for _, p := range pairs {
				if got := ratio(t, scheme[p[0]], scheme[p[1]]); got < 7 {
					t.Errorf("accent %q, %s: %s %s on %s %s: got %.2f, want 7", accent, []string{"light", "dark"}[i], p[0], scheme[p[0]], p[1], scheme[p[1]], got)
				}
			}
			if got := ratio(t, scheme["edge"], scheme["plate"]); got < 3 {
				t.Errorf("edge of a field: got %.2f, want 3 (WCAG 2.2, 1.4.11)", got)
			}
		}
	}
}

func TestNew_DefaultAccentEqualsStyleSheet(t *testing.T) {
	raw, err := os.ReadFile("files/barillet.css")
	if err != nil {
		t.Fatal(err)
	}
	want, got := schemes(t, string(raw)), schemes(t, sheet(t, ""))
	for i := range want {
		for _, name := range []string{"accent", "on-accent", "accent-ground"} {
			if fmt.Sprint(got[i][name]) != want[i][name] && !(want[i][name] == "#fff" && got[i][name] == "#ffffff") {
				t.Errorf("%s: brand.css has %s, barillet.css %s", name, got[i][name], want[i][name])
			}
		}
	}
}
