package e2e_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"barillet/static"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/templates/console/samples"
)

// consoleSamples serves every sample of the console at /page/{lang}/{name}, with the headers of the program.
func consoleSamples(t *testing.T) string {
	t.Helper()
	program := Serve(t, Options{})
	answer, err := http.Get(program.URL + "/login")
	if err != nil {
		t.Fatalf("asking for the headers: %v", err)
	}
	answer.Body.Close()
	policy := answer.Header.Get("Content-Security-Policy")
	if policy == "" {
		t.Fatal("the program sends no Content-Security-Policy")
	}
	files, err := static.New("")
	if err != nil {
		t.Fatal(err)
	}
	r, err := templates.New(templates.Brand{}, files.URL, view.Files)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+static.Prefix, files)
	mux.HandleFunc("POST /", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }) // the page stays
	for _, lang := range templates.Languages() {
		for _, s := range samples.All(lang) {
			mux.HandleFunc("GET /page/"+lang+"/"+s.Name, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Security-Policy", policy)
				if err := r.Page(w, s.Page); err != nil {
					http.Error(w, html.EscapeString(err.Error()), http.StatusInternalServerError)
				}
			})
		}
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// consoleWidths are a phone, a tablet held upright, and a desktop.
var consoleWidths = []int64{PhoneWidth, 768, DesktopWidth}

func TestPages_Console(t *testing.T) {
	t.Parallel()
	base := consoleSamples(t)
	const browsers = 3
	for n := range browsers {
		t.Run(fmt.Sprint("part ", n), func(t *testing.T) {
			t.Parallel()
			b := NewBrowser(t, base, BrowserOptions{})
			for i, s := range samples.All("fr") {
				if i%browsers != n {
					continue
				}
				b.judgeSample("fr", s.Name, consoleWidths, []string{"light", "dark"})
				b.fits("/page/fr/"+s.Name, 600, 1008, 1024, 1152)
				b.judgeSample("en", s.Name, consoleWidths[:1], []string{"light"})
			}
		})
	}
}

// judgeSample fails the test unless axe finds nothing on a sample, and nothing of it is wider than the window.
func (b *Browser) judgeSample(lang, name string, widths []int64, schemes []string) {
	b.tb.Helper()
	path := "/page/" + lang + "/" + name
	if got := b.Open(path); got != http.StatusOK {
		b.tb.Errorf("%s: got status %d", path, got)
		return
	}
	b.evaluate(`document.querySelectorAll("details").forEach(d => d.open = true);
		document.querySelectorAll("form[data-continue]").forEach(f => f.requestSubmit = () => {})`) // the page stays
	for _, width := range widths {
		b.fits(path, width)
		for _, scheme := range schemes {
			b.Scheme(scheme)
			b.Accessible(fmt.Sprintf("%s, %d, %s", path, width, scheme))
			b.keep(fmt.Sprintf("console-%s-%s.%d.%s", name, lang, width, scheme))
		}
	}
}

// fits fails the test for every width at which the page is wider than the window.
func (b *Browser) fits(path string, widths ...int64) {
	b.tb.Helper()
	for _, width := range widths {
		b.View(width, 900)
		if out := b.sticksOut(); out > 0 {
			b.tb.Errorf("%s at %d pixels is %d wider than the window", path, width, out)
		}
	}
}

// keep saves a picture of the page in the folder that BARILLET_ALBUM names, if it names one.
func (b *Browser) keep(name string) {
	b.tb.Helper()
	folder := os.Getenv("BARILLET_ALBUM")
	if folder == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), b.Page(), 0o600); err != nil {
		b.tb.Fatalf("keeping a picture: %v", err)
	}
}
