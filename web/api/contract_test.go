package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"barillet/web/apidocs"
)

// contract compares requests and responses with the description. All requests of these tests go through serve.
type contract struct {
	document map[string]any
	calls    map[string]string
	mux      *http.ServeMux // knows the documented paths, serves nothing
	compiler *jsonschema.Compiler

	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema
	seen    map[string]map[int]int // answers by operation and status
}

const documentURL = "https://login.example/api/v1/openapi.json"

var theContract = sync.OnceValues(func() (*contract, error) {
	d, err := apidocs.New("https://login.example")
	if err != nil {
		return nil, err
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.JSON()))
	if err != nil {
		return nil, err
	}
	c := &contract{document: raw.(map[string]any), mux: http.NewServeMux(), compiler: jsonschema.NewCompiler(),
		schemas: map[string]*jsonschema.Schema{}, seen: map[string]map[int]int{}}
	c.compiler.AssertFormat()
	c.calls = c.readCalls()
	for pattern := range c.calls {
		c.mux.Handle(pattern, http.NotFoundHandler())
	}
	return c, c.compiler.AddResource(documentURL, raw)
})

// operations are the documented ones by their pattern, each with its place in the document.
func (c *contract) operations() map[string]string { return c.calls }

func (c *contract) readCalls() map[string]string {
	out := map[string]string{}
	for path, at := range c.document["paths"].(map[string]any) {
		for method := range at.(map[string]any) {
			if method == "servers" {
				continue
			}
			pattern := strings.ToUpper(method) + " " + apidocs.FullPath(path)
			out[pattern] = "#/paths/" + strings.ReplaceAll(path, "/", "~1") + "/" + method
		}
	}
	return out
}

// at finds a place in the document, through references, and says where it truly is.
func (c *contract) at(place string) (any, string) {
	var here any = c.document
	for part := range strings.SplitSeq(strings.TrimPrefix(place, "#/"), "/") {
		members, _ := here.(map[string]any)
		inner, ok := members[strings.ReplaceAll(part, "~1", "/")]
		if !ok {
			return nil, place
		}
		here = inner
	}
	if members, ok := here.(map[string]any); ok {
		if target, ok := members["$ref"].(string); ok {
			return c.at(target)
		}
	}
	return here, place
}

// valid judges a value by the schema at a place.
func (c *contract) valid(place string, value any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.schemas[place]
	if !ok {
		var err error
		if s, err = c.compiler.Compile(documentURL + strings.NewReplacer("{", "%7B", "}", "%7D").Replace(place)); err != nil {
			return err
		}
		c.schemas[place] = s
	}
	return s.Validate(value)
}

func (c *contract) validText(place string, text []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return c.valid(place, value)
}

// typed is what a parameter or header stands for where its schema asks for a number or truth.
func typed(text string) []any {
	var out []any
	if v, err := jsonschema.UnmarshalJSON(strings.NewReader(text)); err == nil {
		switch v.(type) {
		case json.Number, bool:
			out = append(out, v)
		}
	}
	return append(out, text)
}

func (c *contract) validAny(place, text string) (err error) {
	for _, v := range typed(text) {
		if err = c.valid(place, v); err == nil {
			return nil
		}
	}
	return err
}

// serve sends a request to the API and holds request and answer against the document.
func (d *apiEnv) serve(w *httptest.ResponseRecorder, r *http.Request) {
	d.T.Helper()
	c, err := theContract()
	if err != nil {
		d.T.Fatal(err)
	}
	var body bytes.Buffer
	if r.Body != nil {
		r.Body = io.NopCloser(io.TeeReader(r.Body, &body))
	}
	byToken := r.Header.Get("Authorization") != ""
	d.API.ServeHTTP(w, r)
	if elsewhere(r.URL.Path) {
		return
	}
	r.URL.Path = strings.Replace(r.URL.Path, "/reset-approvals", "/approvals", 1) // an older name
	_, pattern := c.mux.Handler(r)
	place, known := c.operations()[pattern]
	// What Okta has and we do not may lie below a path of ours, and beside a wildcard a path that serves another method.
	if !known || w.Code == http.StatusNotImplemented || w.Code == http.StatusMethodNotAllowed {
		if err := c.stranger(w); err != nil {
			d.T.Errorf("%s %s is not documented: %v: %d %s", r.Method, r.URL, err, w.Code, w.Body)
		}
		return
	}
	c.note(pattern, w.Code)
	if err := c.answer(place, w, byToken); err != nil {
		d.T.Errorf("%s: answer %d %v %s is not as documented: %v", pattern, w.Code, w.Header(), w.Body, err)
	}
	if w.Code == http.StatusBadRequest || w.Code == http.StatusForbidden {
		if err := c.blamed(place, w.Body.Bytes()); err != nil {
			d.T.Errorf("%s: %s: %v", pattern, w.Body, err)
		}
	}
	if w.Code < 300 {
		if err := c.asked(place, r, body.Bytes()); err != nil {
			d.T.Errorf("%s: %s %s was taken and is not documented: %v", pattern, r.URL, body.Bytes(), err)
		}
	}
}

// elsewhere tells a path that the document is not about.
func elsewhere(path string) bool {
	return !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/oauth2/v1/clients")
}

func (c *contract) note(pattern string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[pattern] == nil {
		c.seen[pattern] = map[int]int{}
	}
	c.seen[pattern][status]++
}

// stranger judges the answer to what the document does not have: a problem, whatever it is.
func (c *contract) stranger(w *httptest.ResponseRecorder) error {
	if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed && w.Code != http.StatusNotImplemented {
		return fmt.Errorf("want 404, 405 or 501")
	}
	if w.Code == http.StatusMethodNotAllowed && w.Header().Get("Allow") == "" {
		return fmt.Errorf("no Allow")
	}
	return c.validText("#/components/schemas/Problem", w.Body.Bytes())
}

// answer judges status, headers, media type and body.
func (c *contract) answer(operation string, w *httptest.ResponseRecorder, byToken bool) error {
	response, place := c.at(fmt.Sprintf("%s/responses/%d", operation, w.Code))
	if response == nil {
		return fmt.Errorf("no such status")
	}
	documented, _ := response.(map[string]any)["headers"].(map[string]any)
	for name := range documented {
		header, at := c.at(place + "/headers/" + name)
		counted := byToken && strings.HasPrefix(name, "X-Rate-Limit-") && w.Code != http.StatusUnauthorized // where the token may be the trouble
		required := header.(map[string]any)["required"] == true || counted
		values := w.Header().Values(name)
		if len(values) == 0 && required {
			return fmt.Errorf("no header %s", name)
		}
		for _, v := range values {
			if err := c.validAny(at+"/schema", v); err != nil {
				return fmt.Errorf("header %s: %w", name, err)
			}
		}
	}
	for name := range w.Header() {
		plain := slices.Contains([]string{"Content-Type", "Cache-Control", "X-Content-Type-Options"}, name)
		ok := slices.ContainsFunc(slices.Collect(maps.Keys(documented)), func(d string) bool { return strings.EqualFold(d, name) })
		if !ok && !plain {
			return fmt.Errorf("header %s is not documented", name)
		}
	}
	content, _ := response.(map[string]any)["content"].(map[string]any)
	if content == nil {
		if w.Body.Len() > 0 {
			return fmt.Errorf("a body where none is documented")
		}
		return nil
	}
	media, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if err != nil || content[media] == nil {
		return fmt.Errorf("media type %q is not documented", media)
	}
	schema := place + "/content/" + strings.ReplaceAll(media, "/", "~1") + "/schema"
	if found, _ := c.at(schema); found == nil && w.Body.Len() > 0 && !strings.HasSuffix(media, "json") {
		return nil // a picture, of which the document tells the media type alone
	}
	return c.validText(schema, w.Body.Bytes())
}

// asked judges the parameters and the body of a call that was taken.
func (c *contract) asked(operation string, r *http.Request, body []byte) error {
	op, _ := c.at(operation)
	known := map[string]string{}
	all, _ := op.(map[string]any)["parameters"].([]any)
	for i := range all {
		place := fmt.Sprintf("%s/parameters/%d", operation, i)
		p := all[i].(map[string]any)
		if target, ok := p["$ref"].(string); ok {
			x, at := c.at(target)
			p, place = x.(map[string]any), at
		}
		known[p["in"].(string)+" "+p["name"].(string)] = place + "/schema"
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	for name, values := range query {
		place := known["query "+name]
		if place == "" {
			return fmt.Errorf("parameter %q", name)
		}
		if len(values) == 1 && values[0] == "" {
			continue // as if it were not there
		}
		if err := c.validAny(place, values[0]); err != nil {
			return fmt.Errorf("parameter %q: %w", name, err)
		}
	}
	if key := r.Header.Get("Idempotency-Key"); key != "" && (r.Method == http.MethodPost || r.Method == http.MethodPatch) {
		if known["header Idempotency-Key"] == "" {
			return fmt.Errorf("an idempotency key")
		}
		if err := c.valid(known["header Idempotency-Key"], key); err != nil {
			return fmt.Errorf("idempotency key: %w", err)
		}
	}
	wanted, _ := op.(map[string]any)["requestBody"].(map[string]any)
	switch {
	case len(bytes.TrimSpace(body)) == 0 && (wanted == nil || wanted["required"] != true):
		return nil
	case wanted == nil:
		return fmt.Errorf("a body")
	}
	return c.validText(operation+"/requestBody/content/application~1json/schema", body)
}

// untested lists what no test has exercised: operations without an answer when all is well, and the other
// statuses that they are documented to give. Those that every operation gives in the same place count for all.
func (c *contract) untested() (operations, statuses []string) {
	for pattern, place := range c.operations() {
		good := false
		for status := range c.seen[pattern] {
			good = good || status < 300
		}
		if !good {
			operations = append(operations, pattern)
		}
		op, _ := c.at(place)
		var never []string
		for status := range op.(map[string]any)["responses"].(map[string]any) {
			if slices.Contains([]string{"401", "408", "429", "500", "503"}, status) {
				continue
			}
			var code int
			if _, err := fmt.Sscan(status, &code); err != nil || c.seen[pattern][code] == 0 {
				never = append(never, status)
			}
		}
		if slices.Sort(never); len(never) > 0 {
			statuses = append(statuses, pattern+": "+strings.Join(never, " "))
		}
	}
	slices.Sort(operations)
	slices.Sort(statuses)
	return operations, statuses
}

// TestMain says at the end of a whole run what of the document nothing has tried, and fails for an operation
// that no test has seen succeed. `go test -v ./web/api` shows the statuses.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.fuzz", "test.bench"} {
		if flag.Lookup(name).Value.String() != "" {
			os.Exit(code) // a part of the tests proves nothing of the whole
		}
	}
	c, err := theContract()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	operations, statuses := c.untested()
	for _, s := range statuses {
		fmt.Println("documented and exercised by no test:", s)
	}
	for _, s := range operations {
		fmt.Println("no test saw this call succeed:", s)
		code = 1
	}
	os.Exit(code)
}

func TestRoutes_MatchTheDescription(t *testing.T) {
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	described, registered := slices.Sorted(maps.Keys(c.operations())), slices.Sorted(slices.Values(open(t).API.Patterns()))
	for _, pattern := range registered {
		if _, path, _ := strings.Cut(pattern, " "); elsewhere(path) {
			continue
		}
		if !slices.Contains(described, pattern) {
			t.Errorf("%s has no entry in web/apidocs/source (web/apidocs/README.md says how to write one)", pattern)
		}
	}
	for _, pattern := range described {
		if !slices.Contains(registered, pattern) {
			t.Errorf("%s is described and no route", pattern)
		}
	}
}
