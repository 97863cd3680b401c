package apidocs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// read parses one file. Duplicate members and aliases are errors.
func read(files fs.FS, name string) (*yaml.Node, error) {
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
	if err := sound(document.Content[0]); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return document.Content[0], nil
}

func sound(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return fmt.Errorf("line %d: anchors and aliases are not allowed", n.Line)
	}
	seen := map[string]bool{}
	for i, inner := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if inner.Kind != yaml.ScalarNode || seen[inner.Value] {
				return fmt.Errorf("line %d: member %q is a duplicate or not a name", inner.Line, inner.Value)
			}
			seen[inner.Value] = true
		}
		if err := sound(inner); err != nil {
			return err
		}
	}
	return nil
}

// get returns the member at the path of names, or nil.
func get(n *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		i := index(n, name)
		if i < 0 {
			return nil
		}
		n = n.Content[i+1]
	}
	return n
}

func index(n *yaml.Node, name string) int {
	if n == nil || n.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return i
		}
	}
	return -1
}

// take removes a member and returns it, or nil.
func take(n *yaml.Node, name string) *yaml.Node {
	i := index(n, name)
	if i < 0 {
		return nil
	}
	value := n.Content[i+1]
	n.Content = append(n.Content[:i], n.Content[i+2:]...)
	return value
}

// put sets a member. A new member is last.
func put(n *yaml.Node, name string, value *yaml.Node) {
	if i := index(n, name); i >= 0 {
		n.Content[i+1] = value
		return
	}
	n.Content = append(n.Content, text(name), value)
}

// value returns the text of a scalar, or "".
func value(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// each calls visit for each member in order.
func each(n *yaml.Node, visit func(name string, value *yaml.Node) error) error {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: not a mapping", n.Line)
	}
	for i := 0; i < len(n.Content); i += 2 {
		if err := visit(n.Content[i].Value, n.Content[i+1]); err != nil {
			return fmt.Errorf("%s: %w", n.Content[i].Value, err)
		}
	}
	return nil
}

// items returns the elements of a list. It returns none for other nodes.
func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

func truth(b bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(b)}
}

func list(all ...*yaml.Node) *yaml.Node { return &yaml.Node{Kind: yaml.SequenceNode, Content: all} }

// object returns a mapping of alternating names and values.
func object(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i+1 < len(pairs); i += 2 {
		put(n, pairs[i].(string), pairs[i+1].(*yaml.Node))
	}
	return n
}

func reference(kind, name string) *yaml.Node {
	return object("$ref", text("#/components/"+kind+"/"+name))
}

// encode returns a tree as JSON, with members in order.
func encode(n *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	err := write(&b, n)
	return b.Bytes(), err
}

func write(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		for i, inner := range n.Content {
			if i%2 == 1 {
				b.WriteByte(':')
			} else if i > 0 {
				b.WriteByte(',')
			}
			if i%2 == 0 {
				inner = text(inner.Value) // a status is a name, not a number
			}
			if err := write(b, inner); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, inner := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := write(b, inner); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	default:
		var v any
		if err := n.Decode(&v); err != nil {
			return fmt.Errorf("line %d: %w", n.Line, err)
		}
		if n.ShortTag() == "!!timestamp" { // an unquoted date is a string in JSON
			v = n.Value
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("line %d: %w", n.Line, err)
		}
		b.Write(raw)
	}
	return nil
}
