package apidocs

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"barillet/templates"
)

// viewer reads a composed document for the pages.
type viewer struct {
	root   *node
	server string
}

// maxDepth is the maximum depth of nested members on a page.
const maxDepth = 6

func (v viewer) reference() templates.Reference {
	out := templates.Reference{About: prose(get(v.root, "info", "description")), Server: v.server}
	byName := map[string]int{}
	for i, tag := range items(get(v.root, "tags")) {
		name := value(get(tag, "name"))
		byName[name] = i
		out.Areas = append(out.Areas, templates.ReferenceArea{Name: name, Path: value(get(tag, "x-path")), About: prose(get(tag, "description"))})
	}
	_ = each(get(v.root, "paths"), func(path string, at *node) error {
		return eachOperation(at, func(method string, op *node) error {
			area := &out.Areas[byName[value(items(get(op, "tags"))[0])]]
			area.Operations = append(area.Operations, v.operation(strings.ToUpper(method), path, op))
			return nil
		})
	})
	return out
}

var methods = []string{"get", "post", "put", "patch", "delete"}

// eachOperation calls do for each operation of a path.
func eachOperation(at *node, do func(method string, op *node) error) error {
	return each(at, func(name string, op *node) error {
		if !slices.Contains(methods, name) {
			return nil
		}
		return do(name, op)
	})
}

// follow returns the target of a reference, or nil.
func follow(root *node, target string) *node {
	parts, ok := strings.CutPrefix(target, "#/")
	if !ok {
		return nil
	}
	return get(root, strings.Split(parts, "/")...)
}

// deref returns the node, or the target of its reference.
func (v viewer) deref(n *node) *node {
	for target := value(get(n, "$ref")); target != ""; target = value(get(n, "$ref")) {
		n = follow(v.root, target)
	}
	return n
}

func (v viewer) operation(method, path string, op *node) templates.Operation {
	out := templates.Operation{ID: value(get(op, "operationId")), Method: method, Path: FullPath(path), Summary: value(get(op, "summary")),
		About: prose(get(op, "description")), Role: value(get(op, "x-role")), Who: prose(get(op, "x-who"))}
	for _, p := range items(get(op, "parameters")) {
		p = v.deref(p)
		schema := get(p, "schema")
		out.Parameters = append(out.Parameters, templates.Member{Name: value(get(p, "name")), Place: value(get(p, "in")), Type: v.typeOf(schema),
			Required: value(get(p, "required")) == "true", About: prose(get(p, "description")), Rules: v.rules(schema)})
	}
	if body := get(op, "requestBody", "content", "application/json", "schema"); body != nil {
		out.Body = &templates.Content{Required: value(get(op, "requestBody", "required")) == "true", Members: v.members(body, 0), Example: v.example(body)}
	}
	_ = each(get(op, "responses"), func(status string, r *node) error {
		r = v.deref(r)
		a := templates.Answer{Status: status, Problem: status >= "400", About: prose(get(r, "description"))}
		if schema := get(r, "content", "application/json", "schema"); schema != nil {
			a.Content = &templates.Content{List: value(get(schema, "type")) == "array", Members: v.members(schema, 0), Example: v.example(schema)}
		}
		_ = each(get(r, "headers"), func(name string, _ *node) error {
			a.Headers = append(a.Headers, name)
			return nil
		})
		out.Answers = append(out.Answers, a)
		return nil
	})
	out.Curl = v.curl(method, path, op, out.Body)
	return out
}

// members returns the members of an object, or of the objects of a list.
func (v viewer) members(schema *node, depth int) []templates.Member {
	schema = v.shape(schema)
	if depth > maxDepth {
		return nil
	}
	var required []string
	for _, name := range items(get(schema, "required")) {
		required = append(required, name.text)
	}
	var out []templates.Member
	_ = each(get(schema, "properties"), func(name string, s *node) error {
		if value(get(s, "$ref")) == "#/components/schemas/ReadOnly" {
			return nil // documented once for all
		}
		m := templates.Member{Name: name, Type: v.typeOf(s), Required: slices.Contains(required, name), Rules: v.rules(s), Members: v.members(s, depth+1)}
		if m.About = prose(get(s, "description")); m.About == nil {
			m.About = prose(get(v.deref(s), "description"))
		}
		out = append(out, m)
		return nil
	})
	return out
}

// shape returns the object in a reference, a list or a choice.
func (v viewer) shape(schema *node) *node {
	schema = v.deref(schema)
	if inner := get(schema, "items"); inner != nil {
		return v.shape(inner)
	}
	for _, one := range items(get(schema, "anyOf")) {
		if s := v.shape(one); get(s, "properties") != nil {
			return s
		}
	}
	return schema
}

// typeOf returns the type in the terms of JSON Schema: "string", "string | null", "array of object".
func (v viewer) typeOf(schema *node) string {
	schema = v.deref(schema)
	var names []string
	for _, one := range items(get(schema, "anyOf")) {
		names = append(names, v.typeOf(one))
	}
	kind := get(schema, "type")
	for _, one := range items(kind) {
		names = append(names, one.text)
	}
	switch constant := get(schema, "const"); {
	case value(kind) != "":
		names = append(names, kind.text)
	case constant != nil:
		names = append(names, string(constant.kind))
	}
	slices.Sort(names)
	for i, name := range names {
		if inner := get(schema, "items"); name == "array" && inner != nil {
			names[i] = "array<" + v.typeOf(inner) + ">"
		}
	}
	return strings.Join(slices.Compact(names), " | ")
}

// rules returns the limits of a schema, by the names of JSON Schema.
func (v viewer) rules(schema *node) []templates.Rule {
	var out []templates.Rule
	seen := map[string]bool{}
	var add func(*node)
	add = func(s *node) {
		s = v.deref(s)
		for _, name := range []string{"const", "format", "default", "minLength", "maxLength", "minimum", "maximum", "maxItems", "enum"} {
			n := get(s, name)
			if n == nil || seen[name] || n.scalar() && n.text == "" {
				continue
			}
			seen[name] = true
			rule := templates.Rule{Name: name}
			if n.scalar() {
				rule.Values = []string{n.text}
			}
			for _, one := range items(n) {
				rule.Values = append(rule.Values, one.text)
			}
			out = append(out, rule)
		}
		for _, one := range items(get(s, "anyOf")) {
			add(one)
		}
		if inner := v.deref(get(s, "items")); get(inner, "properties") == nil && inner != nil {
			add(inner)
		}
	}
	add(schema)
	return out
}

// example returns the first example of a schema, formatted, or "".
func (v viewer) example(schema *node) string {
	raw := v.sample(schema)
	if raw == nil {
		return ""
	}
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return ""
	}
	return b.String()
}

func (v viewer) sample(schema *node) []byte {
	if inner := get(schema, "items"); inner != nil {
		if one := v.sample(inner); one != nil {
			return slices.Concat([]byte("["), one, []byte("]"))
		}
		return nil
	}
	all := items(get(v.deref(schema), "examples"))
	if len(all) == 0 {
		return nil
	}
	raw, err := encode(all[0])
	if err != nil {
		return nil
	}
	return raw
}

// curl returns an example call. The token is in a file, because other processes can read a command line.
func (v viewer) curl(method, path string, op *node, body *templates.Content) string {
	var query []string
	for _, p := range items(get(op, "parameters")) {
		p = v.deref(p)
		name, example := value(get(p, "name")), value(get(p, "example"))
		switch value(get(p, "in")) {
		case "path":
			path = strings.ReplaceAll(path, "{"+name+"}", example)
		case "query":
			if example != "" {
				query = append(query, name+"="+example)
			}
		}
	}
	parts := []string{"curl --fail-with-body -H @token.header"}
	switch {
	case len(query) > 0:
		parts[0] += " --get"
	case method != "GET" && !(method == "POST" && body != nil && body.Required):
		parts[0] += " -X " + method
	}
	for _, q := range query {
		parts = append(parts, "--data-urlencode "+quote(q))
	}
	if body != nil && body.Example != "" && body.Example != "{}" {
		parts = append(parts, "--json "+quote(body.Example))
	}
	return strings.Join(append(parts, quote(v.url(path))), " \\\n  ")
}

// url returns the full URL of a path.
func (v viewer) url(path string) string {
	return strings.TrimSuffix(v.server, BasePath) + FullPath(path)
}

// quote returns a text as one word for a shell (POSIX.1-2017, XCU §2.2.2).
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// prose splits a description into paragraphs, lists and code, the only Markdown that descriptions use.
func prose(n *node) []templates.Prose {
	var out []templates.Prose
	for block := range strings.SplitSeq(strings.TrimSpace(value(n)), "\n\n") {
		block = strings.Join(strings.Fields(block), " ")
		if block == "" {
			continue
		}
		var p templates.Prose
		for i, run := range strings.Split(block, "`") {
			for j, part := range strings.Split(run, "*") {
				if part != "" {
					p = append(p, templates.Run{Text: part, Code: i%2 == 1, Strong: i%2 == 0 && j%2 == 1})
				}
			}
		}
		out = append(out, p)
	}
	return out
}
