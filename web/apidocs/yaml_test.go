package apidocs

import (
	"encoding/json"
	"fmt"
	"io/fs"

	"go.yaml.in/yaml/v4"
)

// read parses one file of YAML. Duplicate members, anchors and aliases are errors.
func read(files fs.FS, name string) (*node, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: not a mapping", name)
	}
	n, err := fromYAML(document.Content[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return n, nil
}

func fromYAML(y *yaml.Node) (*node, error) {
	if y.Kind == yaml.AliasNode || y.Anchor != "" {
		return nil, fmt.Errorf("line %d: anchors and aliases are not allowed", y.Line)
	}
	if y.Kind == yaml.ScalarNode {
		return scalarFromYAML(y)
	}
	n := list()
	if y.Kind == yaml.MappingNode {
		n = object()
	}
	for i, inner := range y.Content {
		if n.kind == isObject && i%2 == 0 {
			if inner.Kind != yaml.ScalarNode || inner.Anchor != "" || get(n, inner.Value) != nil {
				return nil, fmt.Errorf("line %d: member %q is a duplicate, has an anchor or is not a name", inner.Line, inner.Value)
			}
			n.content = append(n.content, text(inner.Value)) // a status is a name, not a number
			continue
		}
		one, err := fromYAML(inner)
		if err != nil {
			return nil, err
		}
		n.content = append(n.content, one)
	}
	return n, nil
}

// scalarFromYAML returns a scalar of YAML as JSON has it. An unquoted date is a string.
func scalarFromYAML(y *yaml.Node) (*node, error) {
	if y.ShortTag() == "!!timestamp" {
		return text(y.Value), nil
	}
	var v any
	if err := y.Decode(&v); err != nil {
		return nil, fmt.Errorf("line %d: %w", y.Line, err)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", y.Line, err)
	}
	return decode(raw)
}
