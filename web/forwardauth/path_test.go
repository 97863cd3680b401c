package forwardauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

func newTestRules(t testing.TB, texts ...string) rules {
	t.Helper()
	var parsed []Rule
	for _, text := range texts {
		r, err := ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, r)
	}
	all, err := newRules(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestMatch_RefusesPathThatAServerCouldReadAsAdmin(t *testing.T) {
	all := newTestRules(t, "wiki.example", "wiki.example/admin group:g1")
	for name, paths := range map[string][]string{
		"case":                  {"/Admin", "/ADMIN/x", "/adm%C4%B1n", "/ADM%C4%B0N", "/%C3%A1dmin", "/a%CC%81dmin"},
		"compatibility letters": {"/%EF%BC%A1dmin", "/%F0%9D%90%9Admin", "/%E2%93%90dmin", "/ａdmin"},
		"full-width separators": {"/%EF%BC%8Fadmin", "/x/..%EF%BC%8Fadmin", "/x%EF%BC%BC..%EF%BC%BCadmin", "/x%EF%B9%A8admin"},
		"slashes that look alike": {"/x%E2%81%84admin", "/%E2%88%95admin", "/%E2%A7%B8admin", "/%E2%95%B1admin", "/%E2%88%96admin", "/%E2%A7%B5admin",
			"/%E2%A7%B9admin"},
		"dots that look alike": {"/x/%E2%80%A5/admin", "/x/%E2%80%A4%E2%80%A4/admin", "/x/%EF%BC%8E%EF%BC%8E/admin", "/x/%EF%B9%92%EF%B9%92/admin",
			"/x/%EF%BC%8E/../admin", "/%E2%80%A4/admin", "/x/%E3%80%82%E3%80%82/admin", "/x/%EF%BD%A1%EF%BD%A1/admin", "/admin%E2%80%A6", "/admin%E2%80%A4"},
		"dots and blanks at an end":    {"/admin.", "/admin..", "/admin./x", "/admin%2E", "/admin%20", "/admin%20%20", "/admin.%20", "/admin%20.", "/%20admin", "/admin%20/x", "/admin%C2%A0", "/admin%E2%80%83", "/admin%E3%80%80"},
		"encoded delimiters":           {"/admin%3Fx", "/admin%23", "/admin%3fx/y", "/admin%23/x", "/admin%EF%BC%9Fx", "/admin%EF%BC%83", "/admin%EF%B9%96x", "/admin%EF%B9%9F"},
		"parameters":                   {"/admin;x", "/admin%3Bx", "/;x/admin", "/admin%CD%BEx", "/admin%EF%BC%9Bx", "/admin%EF%B9%94x"},
		"encoded twice":                {"/%2561dmin", "/x/%252e%252e/admin", "/%252Fadmin", "/admin%2520", "/%EF%BC%85%36%31dmin", "/%EF%B9%AA61dmin", "/%D9%AA61dmin", "/%u0061dmin", "/%zz", "/admin%"},
		"dot and empty segments":       {"/x/../admin", "/./admin", "/x/%2e%2e/admin", "//admin", "/x%2Fadmin", "/x/..%2Fadmin", "/x%2F..%2Fadmin", "/%2Fadmin", "/..", "/."},
		"backslashes":                  {`/\admin`, "/%5Cadmin", "/x%5C..%5Cadmin"},
		"streams of NTFS":              {"/admin::$DATA", "/admin::$INDEX_ALLOCATION", "/admin:$i30:$INDEX_ALLOCATION", "/admin:$i30:$INDEX_ALLOCATION/x", "/admin%3A%3A%24DATA", "/admin%EF%BC%9A:$DATA", "/admin:%EF%BC%84DATA"},
		"controls":                     {"/admin%00", "/admin%00.png", "/admin%09", "/admin%0A", "/admin%0D%0Ax", "/admin%7F", "/admin%C2%85", "/%1Fadmin", "/admin\t", "/admin "},
		"invisible characters":         {"/admin%E2%80%8B", "/x%EF%B8%8F/y", "/ad%E2%80%8Dmin", "/%EF%BB%BFadmin", "/ad%C2%ADmin", "/admin%E2%80%AE", "/ad%CD%8Fmin", "/admin%EF%B8%8F", "/admin%E3%85%A4", "/admin%E1%85%9F", "/admin%F3%A0%80%A0", "/admin%EE%80%80", "/admin%E2%80%A8"},
		"UTF-8 overlong and malformed": {"/%C0%AFadmin", "/%C1%A1dmin", "/%E0%80%AFadmin", "/x/%C0%AE%C0%AE/admin", "/admin%FF", "/admin%ED%A0%80", "/admin\xff", "/admin%EF%BF%BD"},
		"no path":                      {"", "admin", "*", "http://wiki.example/admin", "/x#/admin"},
	} {
		for _, p := range paths {
			if got := all.match("wiki.example", p); got != nil {
				t.Errorf("%s: %q is judged by the rule for %s", name, p, got.Path)
			}
		}
	}
}

func TestMatch_AllowsOrdinaryPaths(t *testing.T) {
	all := newTestRules(t, "wiki.example", "wiki.example/admin group:g1", "wiki.example/été group:g2")
	for p, want := range map[string]string{
		"/": "/", "/x": "/", "/x/": "/", "/my%20file": "/", "/my%20own%20file.pdf": "/", "/.well-known/x": "/", "/app.js": "/", "/v1.2/x": "/", "/...x": "/", "/.git": "/",
		"/a+b": "/", "/@amelie": "/", "/a:b": "/", "/12:30": "/", "/~amelie": "/", "/a=b&c": "/", "/(x)/[y]/{z}": "/", "/a'b!c*d,e": "/", "/$x": "/",
		"/caf%C3%A9": "/", "/cafe%CC%81": "/", "/%C5%93uvre": "/", "/%D0%BF%D1%83%D1%82%D1%8C": "/", "/%E6%97%A5%E6%9C%AC": "/", "/%E0%A4%B9%E0%A4%BF": "/", "/%F0%9F%9A%97": "/",
		"/%EF%BD%81": "/", "/v%EF%BC%91%EF%BC%8E2": "/", "/administration": "/", "/admin.html": "/", "/x/admin": "/", "/%61pp": "/",
		"/admin": "/admin", "/admin/": "/admin", "/admin/x%20y": "/admin", "/%61dmin/x": "/admin", "/admin/ADMIN": "/admin", "/%C3%A9t%C3%A9/x": "/été", "/été": "/été",
	} {
		if got := all.match("wiki.example", p); got == nil || got.Path != want {
			t.Errorf("%q: got %+v, want the rule for %s", p, got, want)
		}
	}
	// One rule for the whole host: no reading of a path changes the answer.
	one := newTestRules(t, "shop.example group:g1")
	for _, p := range []string{"/a%2Fb", "/a//b", "/x/../y", "/api;v=1", "/admin.", "/%EF%BC%8Fadmin", "/admin%20", "/%zz", ""} {
		if one.match("shop.example", p) == nil {
			t.Errorf("a host of one rule: %q is refused", p)
		}
	}
}

func TestNewRules_RefusesPathsThatFoldToOne(t *testing.T) {
	for _, pair := range [][2]string{{"/été", "/ete"}, {"/ﬁche", "/fiche"}, {"/Straße", "/strasse"}, {"/ａ", "/A"}} {
		var both []Rule
		for _, p := range pair {
			both = append(both, Rule{Host: "wiki.example", Path: p})
		}
		if _, err := newRules(both); err == nil {
			t.Errorf("%q: both are accepted", pair)
		}
	}
	for _, text := range []string{"wiki.example/admin.", "wiki.example/a?b", "wiki.example/a::$DATA", "wiki.example/a／b", "wiki.example/a\u200bb"} {
		if _, err := ParseRule(text); err == nil || !strings.Contains(err.Error(), "invalid path") {
			t.Errorf("%q: got %v, want an invalid path", text, err)
		}
	}
}

// readings are ways in which servers read the path of a request. A reading returns "" if it refuses the path.
var readings = map[string]func(string) string{
	"decoded": decoded,
	"ServeMux": func(raw string) string { // follows the redirect that ServeMux answers to a path that is not clean
		mux := http.NewServeMux()
		var got string
		mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { got = r.URL.Path })
		for range 3 {
			u, err := url.ParseRequestURI(raw)
			if err != nil {
				return ""
			}
			w := httptest.NewRecorder()
			if mux.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: u, Host: "wiki.example", RequestURI: raw}); got != "" {
				return got
			}
			raw = w.Header().Get("Location")
		}
		return ""
	},
	"undecoded":     func(raw string) string { return path.Clean(raw) },
	"decoded twice": func(raw string) string { return path.Clean(decoded(decoded(raw))) },
	"NFKC":          func(raw string) string { return path.Clean(norm.NFKC.String(decoded(raw))) },
	"NFKC, decoded": func(raw string) string { return path.Clean(decoded(norm.NFKC.String(decoded(raw)))) },
	"lower case":    func(raw string) string { return path.Clean(strings.ToLower(decoded(raw))) },
	"upper case":    func(raw string) string { return path.Clean(strings.ToUpper(decoded(raw))) },
	"case folding":  func(raw string) string { return path.Clean(cases.Fold().String(norm.NFKD.String(decoded(raw)))) },
	"parameters cut": func(raw string) string {
		segments := strings.Split(decoded(raw), "/")
		for i := range segments {
			segments[i], _, _ = strings.Cut(segments[i], ";")
		}
		return path.Clean(strings.Join(segments, "/"))
	},
	"query and fragment of the decoded path": func(raw string) string {
		p := norm.NFKC.String(decoded(raw))
		if i := strings.IndexAny(p, "?#"); i >= 0 {
			p = p[:i]
		}
		return path.Clean(p)
	},
	"C string": func(raw string) string { p, _, _ := strings.Cut(decoded(raw), "\x00"); return path.Clean(p) },
	"without what cannot be seen": func(raw string) string {
		return path.Clean(strings.Map(func(c rune) rune {
			if c < ' ' || c == '\u200b' || c == '\u200d' || c == '\ufeff' || c == '\u00ad' || c == '\u034f' {
				return -1
			}
			return c
		}, decoded(raw)))
	},
	"Windows": func(raw string) string {
		p := strings.NewReplacer("\\", "/", "\u2044", "/", "\u2215", "/", "\u29f8", "/").Replace(strings.ToLower(norm.NFKC.String(decoded(raw))))
		segments := strings.Split(path.Clean(p), "/")
		for i, s := range segments {
			s, _, _ = strings.Cut(s, "::$")
			s, _, _ = strings.Cut(s, ":$")
			segments[i] = strings.Trim(strings.TrimRight(s, ". "), " ")
		}
		return path.Clean(strings.Join(segments, "/"))
	},
}

func decoded(raw string) string {
	p, err := url.PathUnescape(raw)
	if err != nil {
		return raw
	}
	return p
}

// FuzzMatch_AgreesWithEveryReading checks that a path is judged by the rule that every reading of it leads to. A server
// without regard to case compares its routes in that form, too.
func FuzzMatch_AgreesWithEveryReading(f *testing.F) {
	all := newTestRules(f, "wiki.example", "wiki.example/admin group:g1", "wiki.example/admin/keys phishing-resistant", "wiki.example/Straße group:g2",
		"wiki.example/été/k group:g3")
	for _, seed := range []string{"/", "/admin", "/admin/keys/1", "/%EF%BC%8Fadmin", "/x/%E2%80%A5/admin", "/admin%20", "/admin.", "/admin%3Fx", "/admin::$DATA", "/stra%C3%9Fe",
		"/STRASSE", "/x;/../admin", "/%2561dmin", "/adm%C4%B1n/%E2%84%AAeys", "/admin/ke%E2%80%8Bys", "/a//b", "/admin%EF%BC%9Fx", "/my%20file", "/%C3%A9t%C3%A9/K"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		judged := all.match("wiki.example", raw)
		if judged == nil {
			return
		}
		for name, read := range readings {
			p := read(raw)
			for _, r := range all["wiki.example"] {
				if name == "undecoded" && strings.Contains(raw, "%") { // a server that never decodes has its routes in that form
					break
				}
				route := read((&url.URL{Path: r.Path}).EscapedPath())
				if p == "" || !below(p, route) {
					continue
				}
				if r.Path != judged.Path {
					t.Errorf("%q: %s reads %q, below %s; it is judged by the rule for %s", raw, name, p, r.Path, judged.Path)
				}
				break
			}
		}
	})
}
