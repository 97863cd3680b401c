package console_test

import (
	"bytes"
	"flag"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"barillet/static"
	"barillet/templates"
	"barillet/templates/console"
	"barillet/templates/console/samples"
)

// go test ./templates/console -gallery localhost:8099 serves every page in every state: /, and /page/fr/act.
var address = flag.String("gallery", "", "serve the pages on this address instead of testing")

func TestMain(m *testing.M) {
	flag.Parse()
	if *address == "" {
		os.Exit(m.Run())
	}
	fmt.Fprintln(os.Stderr, serve(*address))
	os.Exit(1)
}

func serve(address string) error {
	files, err := static.New("")
	if err != nil {
		return err
	}
	r, err := templates.New(templates.Brand{}, files.URL, console.Files)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(static.Prefix, files)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		for _, lang := range templates.Languages() {
			for _, s := range samples.All(lang) {
				fmt.Fprintf(w, "<p><a href=\"/page/%s/%s\">%[1]s %[2]s</a>\n", lang, html.EscapeString(s.Name))
			}
		}
	})
	mux.HandleFunc("GET /page/{lang}/{name}", func(w http.ResponseWriter, req *http.Request) {
		for _, s := range samples.All(req.PathValue("lang")) {
			if s.Name == req.PathValue("name") {
				if err := r.Page(w, s.Page); err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
				}
				return
			}
		}
		http.NotFound(w, req)
	})
	return http.ListenAndServe(address, mux)
}

func open(t *testing.T) *templates.Renderer {
	t.Helper()
	r, err := templates.New(templates.Brand{}, func(name string) string { return "/static/" + name }, console.Files)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var (
	inline = regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script>`)
	form   = regexp.MustCompile(`<form [^>]*method="post[^>]*>`)
	input  = regexp.MustCompile(`<(?:input|select|textarea)\b[^>]*>`)
	id     = regexp.MustCompile(`\sid="([^"]*)"`)
	hidden = regexp.MustCompile(`type="(?:hidden|radio|checkbox)"`)
)

// Each page has one heading, complete sentences, labelled fields, and nothing that the Content-Security-Policy refuses.
func TestPage_RendersEachSampleInEachLanguage(t *testing.T) {
	r := open(t)
	shown := map[string]bool{}
	for _, lang := range templates.Languages() {
		for _, s := range samples.All(lang) {
			t.Run(lang+"/"+s.Name, func(t *testing.T) {
				var b bytes.Buffer
				if err := r.Page(&b, s.Page); err != nil {
					t.Fatal(err)
				}
				shown[s.Page.Template()] = true
				out := b.String()
				for _, bad := range []string{"<no value>", "{{", "%!", "ZgotmplZ", "&lt;nil"} {
					if strings.Contains(out, bad) {
						t.Errorf("page contains %q", bad)
					}
				}
				if got := strings.Count(out, "<h1"); got != 1 {
					t.Errorf("got %d h1, want 1", got)
				}
				if m := inline.FindString(out); m != "" {
					t.Errorf("inline style or handler %q", m)
				}
				for _, m := range form.FindAllString(out, -1) {
					if !strings.Contains(out, m+`<input type="hidden" name="subject" value="u1.abc">`) {
						t.Errorf("no user in %s", m)
					}
				}
				seen := map[string]bool{}
				for _, m := range id.FindAllStringSubmatch(out, -1) {
					if seen[m[1]] {
						t.Errorf("two elements have the id %q", m[1])
					}
					seen[m[1]] = true
				}
				for _, tag := range input.FindAllString(out, -1) {
					m := id.FindStringSubmatch(tag)
					if !hidden.MatchString(tag) && (m == nil || !strings.Contains(out, `for="`+m[1]+`"`)) && !strings.Contains(tag, "aria-label=") {
						t.Errorf("no label for %s", tag)
					}
				}
			})
		}
	}
	names, err := fs.Glob(console.Files, "pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if page := strings.TrimSuffix(strings.TrimPrefix(n, "pages/"), ".html"); !shown[page] && page != "console_start" && page != "console_secret" {
			t.Errorf("no sample of %s", page)
		}
	}
}

// catalogue returns all sentences of the console in one language, by key. Plural forms are joined.
func catalogue(t *testing.T, lang string) map[string]string {
	t.Helper()
	names, err := fs.Glob(console.Files, "locales/"+lang+"*.toml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no catalogue: %v", err)
	}
	out := map[string]string{}
	for _, n := range names {
		raw, err := fs.ReadFile(console.Files, n)
		if err != nil {
			t.Fatal(err)
		}
		var tree map[string]any
		if err := toml.Unmarshal(raw, &tree); err != nil {
			t.Fatal(err)
		}
		flatten(t, out, "", tree)
	}
	return out
}

func flatten(t *testing.T, out map[string]string, prefix string, tree map[string]any) {
	t.Helper()
	for k, v := range tree {
		switch v := v.(type) {
		case string:
			if _, twice := out[prefix+k]; twice {
				t.Errorf("two files have %q", prefix+k)
			}
			out[prefix+k] = v
		case map[string]any:
			if one, ok := v["one"].(string); ok {
				out[prefix+k] = fmt.Sprint(one, " ", v["other"])
				continue
			}
			flatten(t, out, prefix+k+".", v)
		}
	}
}

var placeholder = regexp.MustCompile(`{{\.(\w+)}}`)

func TestCatalogue_HasSameKeysAndPlaceholdersInEachLanguage(t *testing.T) {
	fr, en := catalogue(t, "fr"), catalogue(t, "en")
	names := func(s string) []string {
		found := placeholder.FindAllString(s, -1)
		slices.Sort(found)
		return slices.Compact(found)
	}
	for key, s := range fr {
		if other, ok := en[key]; !ok {
			t.Errorf("en lacks %q", key)
		} else if !reflect.DeepEqual(names(other), names(s)) {
			t.Errorf("%s: placeholders in en are %q, in fr %q", key, names(other), names(s))
		}
	}
	for key := range en {
		if _, ok := fr[key]; !ok {
			t.Errorf("fr lacks %q", key)
		}
	}
}

func TestCatalogue_UsesNoBreakSpacesInFrench(t *testing.T) {
	apart := regexp.MustCompile(`\S* [:;?!»]|« \S*|\S*[^\s\d\x{a0}\x{202f}](?:[?!;»]|:(?:\s|$))`)
	for key, sentence := range catalogue(t, "fr") {
		if found := apart.FindString(sentence); found != "" {
			t.Errorf("%s: no no-break space at the sign in %q", key, found)
		}
		if strings.Contains(sentence, "'") {
			t.Errorf("%s: a straight apostrophe in %q", key, sentence)
		}
	}
}
