package apidocs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"barillet/templates"
	"barillet/web/apidocs"
)

// document is the one that is embedded, as composed and as any reader of JSON sees it.
func document(t testing.TB) (*apidocs.Document, map[string]any) {
	t.Helper()
	d, err := apidocs.New("https://login.example/")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.JSON()))
	if err != nil {
		t.Fatal(err)
	}
	return d, raw.(map[string]any)
}

func TestDocument_IsOpenAPI(t *testing.T) {
	_, doc := document(t)
	text, err := os.ReadFile("testdata/openapi-3.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	meta, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi.json", meta); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Error(err)
	}
	doc["paths"].(map[string]any)["users"] = map[string]any{} // no slash before it
	if s.Validate(doc) == nil {
		t.Error("the schema takes anything")
	}
}

func TestSchemas_AreUsedAndMatchTheirExamples(t *testing.T) {
	d, doc := document(t)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("https://login.example/openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	examples := 0
	for name, body := range doc["components"].(map[string]any)["schemas"].(map[string]any) {
		s, err := c.Compile("https://login.example/openapi.json#/components/schemas/" + name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		all, _ := body.(map[string]any)["examples"].([]any)
		for _, x := range all {
			examples++
			if err := s.Validate(x); err != nil {
				t.Errorf("%s: an example is not one: %v", name, err)
			}
		}
		if !bytes.Contains(d.JSON(), []byte(`"#/components/schemas/`+name+`"`)) {
			t.Errorf("nothing uses the schema %s", name)
		}
	}
	if examples < 10 {
		t.Errorf("got %d examples: this proves little", examples)
	}
}

func TestDocument_ServerIsThePublicURL(t *testing.T) {
	_, doc := document(t)
	servers := doc["servers"].([]any)
	if got := servers[0].(map[string]any)["url"]; len(servers) != 1 || got != "https://login.example/api/v1" {
		t.Errorf("got %v", servers)
	}
	one, _ := document(t)
	other, err := apidocs.New("http://localhost:8080")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := document(t)
	if one.ETag() == other.ETag() || one.ETag() != again.ETag() || !regexp.MustCompile(`^"[0-9a-f]{32}"$`).MatchString(one.ETag()) {
		t.Errorf("got %s, %s, %s", one.ETag(), again.ETag(), other.ETag())
	}
}

func TestDocument_NamesTheRoleOfEveryCall(t *testing.T) {
	d, doc := document(t)
	calls := 0
	for path, at := range doc["paths"].(map[string]any) {
		for method, op := range at.(map[string]any) {
			if method == "servers" { // of a path beside the base
				continue
			}
			calls++
			o := op.(map[string]any)
			role, about := o["x-role"].(string), o["description"].(string)
			if !strings.Contains(about, "**Role:** `"+role+"`") || len(o["security"].([]any)) != 2 {
				t.Errorf("%s %s: got %q", method, path, about)
			}
		}
	}
	shown := 0
	all, _ := d.Page(templates.Base{}, "")
	for _, a := range all.Areas {
		page, ok := d.Page(templates.Base{Lang: "fr"}, a.Path)
		if !ok || page.Lang != "fr" || page.Area.Name != a.Name {
			t.Errorf("%s: got %v", a.Path, ok)
		}
		shown += len(page.Area.Operations)
	}
	if calls == 0 || shown != calls {
		t.Errorf("the pages show %d calls of %d", shown, calls)
	}
	if _, ok := d.Page(templates.Base{}, "nothing"); ok {
		t.Error("there is an area of no name")
	}
}

// small is a description as short as one can be.
func small(change func(fstest.MapFS)) fstest.MapFS {
	files := fstest.MapFS{
		"api.yaml": {Data: []byte("areas: [keys]\ninfo: { title: Keys, version: v1 }\n")},
		"components.yaml": {Data: []byte("problems:\n  401: { description: a }\n  403: { description: a }\n  429: { description: a }\n  500: { description: a }\n" +
			"  503: { description: a }\nschemas: { Key: { type: object }, Problem: {} }\nparameters:\n  kid: { name: kid, in: path, required: true, schema: { type: string } }\n" +
			"headers: { X-Rate-Limit-Limit: {}, X-Rate-Limit-Remaining: {}, X-Rate-Limit-Reset: {} }\n")},
		"keys.yaml": {Data: []byte("area: Keys\nabout: All of them.\npaths:\n  /keys/{kid}:\n    get:\n      operationId: getKey\n      summary: Read\n" +
			"      x-role: USER_ADMIN\n      responses:\n        '200': { description: One., x-schema: Key }\n")},
	}
	if change != nil {
		change(files)
	}
	return files
}

func TestCompose_KeepsMediaTypeAndHeaders(t *testing.T) {
	d, err := apidocs.Compose(small(func(f fstest.MapFS) {
		f["keys.yaml"] = &fstest.MapFile{Data: bytes.Replace(f["keys.yaml"].Data, []byte("description: One., x-schema: Key"),
			[]byte("description: One., content: { image/png: {} }, headers: { X-Size: { schema: { type: integer } } }"), 1)}
	}), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"content":{"image/png":{}}`, `"X-Size":{"schema":{"type":"integer"}}`, `"X-Rate-Limit-Reset":{"$ref"`} {
		if !bytes.Contains(d.JSON(), []byte(want)) {
			t.Errorf("the document lacks %s", want)
		}
	}
}

func TestCompose_ErrorsNameThePosition(t *testing.T) {
	if _, err := apidocs.Compose(small(nil), ""); err != nil {
		t.Fatal(err)
	}
	keys := string(small(nil)["keys.yaml"].Data)
	for name, c := range map[string]struct{ file, text, want string }{
		"a member that stands twice":              {"keys.yaml", keys + "area: Twice\n", "already defined|duplicate"},
		"an alias":                                {"keys.yaml", strings.Replace(keys, "about: All of them.", "about: &a All\nb: *a", 1), "alias"},
		"no YAML":                                 {"keys.yaml", "area: [", "keys.yaml"},
		"a list for members":                      {"keys.yaml", "- a\n", "not a mapping"},
		"a directive of the area unknown":         {"keys.yaml", keys + "extra: 1\n", "only area"},
		"a role that is none":                     {"keys.yaml", strings.Replace(keys, "USER_ADMIN", "KING", 1), `unknown role "KING"`},
		"no operationId":                          {"keys.yaml", strings.Replace(keys, "operationId", "operation", 1), "operationId"},
		"a method that is none":                   {"keys.yaml", strings.Replace(keys, "    get:", "    fetch:", 1), "unknown method"},
		"a schema that is not there":              {"keys.yaml", strings.Replace(keys, "x-schema: Key", "x-schema: Lock", 1), "#/components/schemas/Lock does not exist"},
		"a path parameter nobody described":       {"keys.yaml", strings.Replace(keys, "{kid}", "{lid}", 1), "#/components/parameters/lid does not exist"},
		"an error without a description":          {"keys.yaml", strings.Replace(keys, "x-role: USER_ADMIN", "x-role: USER_ADMIN\n      x-errors: [418]", 1), "status 418"},
		"no successful response when all is well": {"keys.yaml", strings.Replace(keys, "'200'", "'404'", 1), "no successful response"},
		"a directive that is mistyped":            {"keys.yaml", strings.Replace(keys, "x-role: USER_ADMIN", "x-role: USER_ADMIN\n      x-lists: true", 1), "x-lists"},
		"a file that no area names":               {"locks.yaml", keys, "locks.yaml is not an area"},
		"a schema that two files have":            {"keys.yaml", keys + "schemas:\n  Key: { type: string }\n", "in two files"},
		"a schema that is within itself":          {"keys.yaml", keys + "schemas:\n  Ring: { type: array, items: { $ref: Ring } }\n", "Ring contains itself"},
		"a problem without a description":         {"components.yaml", "schemas: {}\nproblems:\n  401: {}\n", "description is missing"},
		"components without schemas at all":       {"components.yaml", "problems: {}\n", "schemas"},
		"an area whose file is not there":         {"api.yaml", "areas: [keys, locks]\ninfo: { title: Keys, version: v1 }\n", "locks.yaml"},
		"a document with nothing at its top":      {"api.yaml", "", "api.yaml"},
	} {
		d, err := apidocs.Compose(small(func(f fstest.MapFS) { f[c.file] = &fstest.MapFile{Data: []byte(c.text)} }), "")
		if err == nil || d != nil || !regexp.MustCompile(c.want).MatchString(err.Error()) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// FuzzCompose checks that any file composes to valid JSON or to an error.
func FuzzCompose(f *testing.F) {
	f.Add(string(small(nil)["keys.yaml"].Data))
	f.Add("area: x\nabout: y\npaths:\n  /a: { get: 1 }\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := apidocs.Compose(small(func(files fstest.MapFS) { files["keys.yaml"] = &fstest.MapFile{Data: []byte(text)} }), "")
		if err == nil && !json.Valid(d.JSON()) {
			t.Errorf("got %s", d.JSON())
		}
		if err != nil && d != nil {
			t.Error("a failed composition gave something")
		}
	})
}

func TestView_ExampleCallIsValidShell(t *testing.T) {
	d, _ := document(t)
	all, _ := d.Page(templates.Base{}, "")
	for _, a := range all.Areas {
		for _, op := range a.Operations {
			if strings.Contains(op.Curl, "{id}") || strings.Contains(op.Curl, "SSWS") || !strings.Contains(op.Curl, "-H @token.header") {
				t.Errorf("%s: got %s", op.ID, op.Curl)
			}
			// The shell itself counts the words: the address is the last one, and nothing is run.
			out, err := exec.Command("sh", "-c", `curl() { for word; do last=$word; done; printf %s "$last"; }; `+op.Curl).Output()
			if err != nil || !strings.HasPrefix(string(out), "https://login.example"+op.Path[:8]) || strings.Contains(string(out), "'") {
				t.Errorf("%s: got %q, %v", op.ID, out, err)
			}
		}
	}
}

func BenchmarkCompose(b *testing.B) {
	for b.Loop() {
		if _, err := apidocs.New("https://login.example"); err != nil {
			b.Fatal(err)
		}
	}
}
