package apidocs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// kind is the type of a JSON value.
type kind string

const (
	isObject  kind = "object"
	isList    kind = "array"
	isString  kind = "string"
	isNumber  kind = "number"
	isBoolean kind = "boolean"
	isNull    kind = "null"
)

// node is a JSON value whose members keep their order.
type node struct {
	kind    kind
	text    string  // of a string, or of any other scalar as JSON writes it
	content []*node // elements of a list; names and values of an object in turn
}

// decode returns the tree of a JSON text.
func decode(text []byte) (*node, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	n, err := next(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("after the document: %w", err)
	}
	return n, nil
}

func next(d *json.Decoder) (*node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		n := &node{kind: isList}
		if v == '{' {
			n.kind = isObject
		}
		for d.More() {
			inner, err := next(d)
			if err != nil {
				return nil, err
			}
			n.content = append(n.content, inner)
		}
		_, err := d.Token()
		return n, err
	case string:
		return text(v), nil
	case json.Number:
		return &node{kind: isNumber, text: v.String()}, nil
	case bool:
		return &node{kind: isBoolean, text: fmt.Sprint(v)}, nil
	}
	return &node{kind: isNull, text: "null"}, nil
}

// get returns the member at the path of names, or nil.
func get(n *node, names ...string) *node {
	for _, name := range names {
		i := index(n, name)
		if i < 0 {
			return nil
		}
		n = n.content[i+1]
	}
	return n
}

func index(n *node, name string) int {
	if n == nil || n.kind != isObject {
		return -1
	}
	for i := 0; i < len(n.content); i += 2 {
		if n.content[i].text == name {
			return i
		}
	}
	return -1
}

// put sets a member. A new member is last.
func put(n *node, name string, value *node) {
	if i := index(n, name); i >= 0 {
		n.content[i+1] = value
		return
	}
	n.content = append(n.content, text(name), value)
}

func (n *node) scalar() bool { return n.kind != isObject && n.kind != isList }

// value returns the text of a scalar, or "".
func value(n *node) string {
	if n == nil || !n.scalar() {
		return ""
	}
	return n.text
}

// each calls visit for each member in order.
func each(n *node, visit func(name string, value *node) error) error {
	if n == nil {
		return nil
	}
	if n.kind != isObject {
		return fmt.Errorf("not a mapping: %.40s", n.text)
	}
	for i := 0; i < len(n.content); i += 2 {
		if err := visit(n.content[i].text, n.content[i+1]); err != nil {
			return fmt.Errorf("%s: %w", n.content[i].text, err)
		}
	}
	return nil
}

// items returns the elements of a list. It returns none for other nodes.
func items(n *node) []*node {
	if n == nil || n.kind != isList {
		return nil
	}
	return n.content
}

func text(s string) *node { return &node{kind: isString, text: s} }

// encode returns a tree as JSON, with members in order.
func encode(n *node) ([]byte, error) {
	var b bytes.Buffer
	err := write(&b, n)
	return b.Bytes(), err
}

func write(b *bytes.Buffer, n *node) error {
	begin, end := byte('['), byte(']')
	switch n.kind {
	case isString:
		raw, err := json.Marshal(n.text)
		b.Write(raw)
		return err
	case isObject:
		begin, end = '{', '}'
	case isList:
	default:
		b.WriteString(n.text)
		return nil
	}
	b.WriteByte(begin)
	for i, inner := range n.content {
		switch {
		case n.kind == isObject && i%2 == 1:
			b.WriteByte(':')
		case i > 0:
			b.WriteByte(',')
		}
		if err := write(b, inner); err != nil {
			return err
		}
	}
	b.WriteByte(end)
	return nil
}
