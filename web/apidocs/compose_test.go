package apidocs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// composer merges the files of a directory and expands the directives of each operation.
type composer struct {
	files      fs.FS
	components *node
	problems   *node
	paths      *node
	tags       []*node
	operations map[string]bool // ids
}

var (
	roles = []string{"READ_ONLY_ADMIN", "HELP_DESK_ADMIN", "USER_ADMIN", "SUPER_ADMIN"}
	// wildcard matches a wildcard of a path.
	wildcard = regexp.MustCompile(`\{([a-z]+)\}`)
)

// rateLimitHeaders are Okta's headers in each response to a token.
var rateLimitHeaders = []string{"X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"}

func (c *composer) compose() (*node, error) {
	head, err := read(c.files, "api.yaml")
	if err != nil {
		return nil, err
	}
	if c.components, err = read(c.files, "components.yaml"); err != nil {
		return nil, err
	}
	if get(c.components, "schemas") == nil || get(head, "info") == nil {
		return nil, errors.New("api.yaml has no info, or components.yaml no schemas")
	}
	c.problems = take(c.components, "problems")
	c.paths, c.operations = object(), map[string]bool{}
	if err := c.problemResponses(); err != nil {
		return nil, fmt.Errorf("components.yaml: problems: %w", err)
	}
	named := map[string]bool{"api.yaml": true, "components.yaml": true}
	for _, area := range items(get(head, "areas")) {
		name := area.text + ".yaml"
		named[name] = true
		if err := c.area(area.text, name); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	entries, err := fs.Glob(c.files, "*")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !named[entry] {
			return nil, fmt.Errorf("%s is not an area of api.yaml", entry)
		}
	}
	root := object("openapi", text("3.1.1"), "info", get(head, "info"),
		"servers", list(object("url", text(BasePath))),
		"tags", list(c.tags...), "paths", c.paths, "components", c.components)
	expandRefs(root)
	return root, resolver{root, map[string]bool{}}.check(root)
}

// problemResponses adds a response for each kind of problem.
func (c *composer) problemResponses() error {
	responses := object()
	err := each(c.problems, func(status string, p *node) error {
		headers := object()
		for _, name := range rateLimitHeaders {
			put(headers, name, reference("headers", name))
		}
		for _, name := range items(take(p, "headers")) {
			put(headers, name.text, reference("headers", name.text))
		}
		if value(get(p, "description")) == "" {
			return errors.New("description is missing")
		}
		if len(headers.content) > 0 {
			put(p, "headers", headers)
		}
		put(p, "content", object("application/problem+json", object("schema", reference("schemas", "Problem"))))
		put(responses, "Problem"+status, p)
		return nil
	})
	put(c.components, "responses", responses)
	return err
}

// area adds the operations and schemas of one file.
func (c *composer) area(path, file string) error {
	n, err := read(c.files, file)
	if err != nil {
		return err
	}
	name, about, paths, schemas := take(n, "area"), take(n, "about"), take(n, "paths"), take(n, "schemas")
	if value(name) == "" || value(about) == "" || len(n.content) > 0 {
		return errors.New("only area, about, paths and schemas are allowed, and all but schemas are required")
	}
	c.tags = append(c.tags, object("name", name, "description", about, "x-path", text(path)))
	err = each(paths, func(path string, at *node) error {
		if get(c.paths, path) != nil {
			return errors.New("defined in two files")
		}
		put(c.paths, path, at)
		return each(at, func(method string, op *node) error {
			if !slices.Contains(methods, method) {
				return errors.New("unknown method")
			}
			return c.operation(path, name.text, op)
		})
	})
	c.setServers(paths)
	if err != nil {
		return err
	}
	all := get(c.components, "schemas")
	return each(schemas, func(name string, s *node) error {
		if get(all, name) != nil {
			return errors.New("defined in two files")
		}
		put(all, name, s)
		return nil
	})
}

// setServers gives the paths outside BasePath a server of their own.
func (c *composer) setServers(paths *node) {
	_ = each(paths, func(path string, at *node) error {
		if strings.HasPrefix(path, outsideBase) {
			put(at, "servers", list(object("url", text(""))))
		}
		return nil
	})
}

// operation expands the directives of an operation. README.md lists them.
func (c *composer) operation(path, area string, op *node) error {
	id := value(get(op, "operationId"))
	if id == "" || c.operations[id] || value(get(op, "summary")) == "" || get(op, "responses") == nil {
		return errors.New("a unique operationId, a summary and responses are required")
	}
	c.operations[id] = true
	role := value(get(op, "x-role"))
	if !slices.Contains(roles, role) {
		return fmt.Errorf("x-role: unknown role %q", role)
	}
	put(op, "tags", list(text(area)))
	put(op, "security", list(object("SSWS", list(text(role))), object("Bearer", list(text(role)))))

	errs := map[string]bool{"401": true, "403": true, "429": true, "500": true, "503": true}
	for _, status := range items(take(op, "x-errors")) {
		errs[status.text] = true
	}
	headers := slices.Clone(rateLimitHeaders)
	parameters := c.parameters(path, op)
	if value(take(op, "x-list")) == "true" {
		parameters = append(parameters, reference("parameters", "limit"), reference("parameters", "after"))
		headers = append(headers, "Link")
	}
	if value(take(op, "x-idempotent")) == "true" {
		parameters = append(parameters, reference("parameters", "IdempotencyKey"))
		headers = append(headers, "Idempotency-Replayed")
		errs["400"], errs["422"] = true, true
	}
	if len(parameters) > len(wildcard.FindAllString(path, -1)) {
		errs["400"] = true
	}
	if len(parameters) > 0 {
		put(op, "parameters", list(parameters...))
	}
	optional := value(take(op, "x-body-optional")) == "true"
	if body := take(op, "x-body"); body != nil {
		content := object("application/json", object("schema", reference("schemas", body.text)))
		put(op, "requestBody", object("required", truth(!optional), "content", content))
		errs["400"], errs["408"], errs["413"], errs["415"] = true, true, true, true
	}
	if err := c.responses(op, headers, errs); err != nil {
		return err
	}
	return each(op, func(name string, _ *node) error {
		if strings.HasPrefix(name, "x-") && name != "x-role" && name != "x-who" {
			return errors.New("unknown directive")
		}
		return nil
	})
}

// parameters returns the parameters of the path and those of the operation.
func (c *composer) parameters(path string, op *node) []*node {
	var all []*node
	for _, m := range wildcard.FindAllStringSubmatch(path, -1) {
		all = append(all, reference("parameters", m[1]))
	}
	for _, p := range items(get(op, "parameters")) {
		if name := value(get(p, "$ref")); name != "" {
			p = reference("parameters", name)
		}
		all = append(all, p)
	}
	return all
}

// responses adds bodies, headers and problems to the responses.
func (c *composer) responses(op *node, headers []string, errs map[string]bool) error {
	all, good := get(op, "responses"), false
	err := each(all, func(status string, r *node) error {
		good = good || strings.HasPrefix(status, "2")
		if s := take(r, "x-schema"); s != nil {
			schema := reference("schemas", value(s))
			if one := items(s); len(one) == 1 {
				schema = object("type", text("array"), "items", reference("schemas", one[0].text))
			}
			put(r, "content", object("application/json", object("schema", schema)))
		}
		into := get(r, "headers")
		if into == nil {
			into = object()
		}
		for _, name := range headers {
			put(into, name, reference("headers", name))
		}
		put(r, "headers", into)
		return nil
	})
	if err != nil {
		return err
	}
	if !good {
		return errors.New("no successful response")
	}
	for _, status := range slices.Sorted(maps.Keys(errs)) {
		if get(c.problems, status) == nil {
			return fmt.Errorf("status %s is not in the problems of components.yaml", status)
		}
		if get(all, status) == nil { // else the operation has an answer of its own for it
			put(all, status, reference("responses", "Problem"+status))
		}
	}
	return nil
}

// expandRefs expands short references: "$ref: User" is the schema of that name.
func expandRefs(n *node) {
	for i, inner := range n.content {
		if n.kind == isObject && i%2 == 1 && n.content[i-1].text == "$ref" && !strings.HasPrefix(inner.text, "#") {
			inner.text = "#/components/schemas/" + inner.text
		}
		expandRefs(inner)
	}
}

// resolver follows each reference once.
type resolver struct {
	root  *node
	under map[string]bool // true for references being followed, false for checked ones
}

// check returns an error for a reference without target and for a schema that contains itself.
func (r resolver) check(n *node) error {
	if target := value(get(n, "$ref")); target != "" {
		under, known := r.under[target]
		if under {
			return fmt.Errorf("%s contains itself", target)
		}
		to := follow(r.root, target)
		if to == nil {
			return fmt.Errorf("%s does not exist", target)
		}
		if !known {
			r.under[target] = true
			if err := r.check(to); err != nil {
				return err
			}
			r.under[target] = false
		}
	}
	for _, inner := range n.content {
		if err := r.check(inner); err != nil {
			return err
		}
	}
	return nil
}

// take removes a member and returns it, or nil.
func take(n *node, name string) *node {
	i := index(n, name)
	if i < 0 {
		return nil
	}
	value := n.content[i+1]
	n.content = append(n.content[:i], n.content[i+2:]...)
	return value
}

func truth(b bool) *node { return &node{kind: isBoolean, text: fmt.Sprint(b)} }

func list(all ...*node) *node { return &node{kind: isList, content: all} }

// object returns an object of alternating names and values.
func object(pairs ...any) *node {
	n := &node{kind: isObject}
	for i := 0; i+1 < len(pairs); i += 2 {
		put(n, pairs[i].(string), pairs[i+1].(*node))
	}
	return n
}

func reference(kind, name string) *node {
	return object("$ref", text("#/components/"+kind+"/"+name))
}
