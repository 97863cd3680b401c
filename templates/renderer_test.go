package templates

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

func newRenderer(t *testing.T) *Renderer {
	t.Helper()
	r, err := New(Brand{}, func(name string) string { return "/static/" + name })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A page is parsed when it is first shown. A broken page must fail here and not before a user.
func TestNew_EachPageParsesInEachLanguageAndHasASample(t *testing.T) {
	r := newRenderer(t)
	for _, lang := range languages {
		shown := map[string]bool{}
		for _, s := range Gallery(lang) {
			shown[s.Page.Template()] = true
		}
		if len(r.langs[lang].pages) < len(pages()) {
			t.Errorf("%s: got %d pages, want at least %d", lang, len(r.langs[lang].pages), len(pages()))
		}
		for name, parsed := range r.langs[lang].pages {
			first, err := parsed()
			if err != nil {
				t.Errorf("%s: %v", lang, err)
			}
			if second, _ := parsed(); first != second {
				t.Errorf("%s: page %s is parsed twice", lang, name)
			}
			if !shown[name] {
				t.Errorf("%s: no sample renders page %s", lang, name)
			}
		}
	}
	if _, err := r.mail(); err != nil {
		t.Error(err)
	}
}

// Requests that are the first to show a page wait for one parsing, and all get the same page.
func TestPage_FirstRequestsOfAPageGetTheSame(t *testing.T) {
	r := newRenderer(t)
	var all sync.WaitGroup
	out := make([]bytes.Buffer, 8)
	for i := range out {
		all.Go(func() {
			if err := r.Page(&out[i], Login{Base: Base{Lang: "fr"}}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range out {
		if out[i].Len() == 0 || !bytes.Equal(out[i].Bytes(), out[0].Bytes()) {
			t.Errorf("request %d got another page", i)
		}
	}
}

// A page that uses a template which does not exist is an error.
func TestPage_RefusesAMissingTemplate(t *testing.T) {
	r := newRenderer(t)
	from := fstest.MapFS{"pages/broken.html": {Data: []byte(`{{define "title"}}x{{end}}{{define "main"}}{{template "missing"}}{{end}}`)}}
	if _, err := r.parsePage(r.langs["fr"].words, from, "broken"); err == nil || !strings.Contains(err.Error(), `"missing"`) {
		t.Errorf("got %v, want an error that names the template", err)
	}
}

// Each page has copies of the parts that it uses, and of no others.
func TestPage_AllPagesTakeLittleMemory(t *testing.T) {
	r := newRenderer(t)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for _, lang := range languages {
		for _, s := range Gallery(lang) {
			if err := r.Page(io.Discard, s.Page); err != nil {
				t.Fatal(err)
			}
		}
	}
	used := float64(heap()-before) / (1 << 20)
	if used > 12 {
		t.Errorf("all pages take %.1f MiB, want at most 12", used)
	}
	runtime.KeepAlive(r)
}
