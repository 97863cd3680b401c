package apidocs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// read parses one file. A member given twice and an alias are refused: either makes a reader guess.
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
		return nil, fmt.Errorf("%s: want members", name)
	}
	if err := sound(document.Content[0]); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return document.Content[0], nil
}

func sound(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return fmt.Errorf("line %d: an anchor or alias", n.Line)
	}
	seen := map[string]bool{}
	for i, inner := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if inner.Kind != yaml.ScalarNode || seen[inner.Value] {
				return fmt.Errorf("line %d: member %q stands twice, or is no name", inner.Line, inner.Value)
			}
			seen[inner.Value] = true
		}
		if err := sound(inner); err != nil {
			return err
		}
	}
	return nil
}

// get finds a member by the names on the way; nil when there is none.
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

// take removes a member and gives it; nil when there is none.
func take(n *yaml.Node, name string) *yaml.Node {
	i := index(n, name)
	if i < 0 {
		return nil
	}
	value := n.Content[i+1]
	n.Content = append(n.Content[:i], n.Content[i+2:]...)
	return value
}

// put sets a member, at the end when it is new.
func put(n *yaml.Node, name string, value *yaml.Node) {
	if i := index(n, name); i >= 0 {
		n.Content[i+1] = value
		return
	}
	n.Content = append(n.Content, text(name), value)
}

// value is the text of a scalar, "" for none.
func value(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// each calls visit with every member in the written order.
func each(n *yaml.Node, visit func(name string, value *yaml.Node) error) error {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: want members", n.Line)
	}
	for i := 0; i < len(n.Content); i += 2 {
		if err := visit(n.Content[i].Value, n.Content[i+1]); err != nil {
			return fmt.Errorf("%s: %w", n.Content[i].Value, err)
		}
	}
	return nil
}

// items are the elements of a list, none for anything else.
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

// object makes members of names and values in turn.
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

// encode writes a tree as JSON, members in the written order.
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
				inner = text(inner.Value) // a status is a name, whatever it looks like
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
		if n.ShortTag() == "!!timestamp" { // a date that nobody quoted is a text in JSON all the same
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
