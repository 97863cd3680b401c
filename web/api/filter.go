package api

import (
	"errors"
	"strings"
)

// errSyntax is the error for an expression that cannot be read.
var errSyntax = errors.New("invalid filter expression")

// The bounds of a filter or search expression.
const (
	maxExpression = 2048 // bytes
	maxConditions = 20
)

// condition is one comparison: attribute, operator (eq or sw), text.
type condition struct {
	attribute, operator, text string
}

// expression is one or more conditions, all of which hold, or any of them. The zero value selects all.
type expression struct {
	conditions []condition
	any        bool
}

// parseExpression reads the part of SCIM's filter language (RFC 7644 section 3.4.2.2) that Okta's calls here
// are made with: attribute eq "text", attribute sw "text", joined by and, or joined by or, not both.
func parseExpression(text string) (expression, error) {
	var e expression
	if strings.TrimSpace(text) == "" {
		return e, nil
	}
	if len(text) > maxExpression {
		return e, errSyntax
	}
	s := scanner{text}
	joined := ""
	for {
		c, ok := s.condition()
		if !ok || len(e.conditions) == maxConditions {
			return expression{}, errSyntax
		}
		e.conditions = append(e.conditions, c)
		if s.blank(); s.rest == "" {
			return e, nil
		}
		word := strings.ToLower(s.word())
		if word != "and" && word != "or" || joined != "" && joined != word {
			return expression{}, errSyntax
		}
		joined = word
		e.any = word == "or"
	}
}

// scanner takes an expression apart from the front.
type scanner struct{ rest string }

func (s *scanner) blank() { s.rest = strings.TrimLeft(s.rest, " ") }

// word takes letters, digits, dots, hyphens and underscores.
func (s *scanner) word() string {
	s.blank()
	n := 0
	for n < len(s.rest) && isWord(s.rest[n]) {
		n++
	}
	word := s.rest[:n]
	s.rest = s.rest[n:]
	return word
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}

func (s *scanner) condition() (condition, bool) {
	c := condition{attribute: s.word(), operator: strings.ToLower(s.word())}
	if c.attribute == "" || c.operator != "eq" && c.operator != "sw" {
		return condition{}, false
	}
	s.blank()
	text, ok := s.quoted()
	c.text = text
	return c, ok
}

// quoted takes a text in double quotes, in which a backslash stands before a quote or another backslash.
func (s *scanner) quoted() (string, bool) {
	if !strings.HasPrefix(s.rest, `"`) {
		return "", false
	}
	var out strings.Builder
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; c {
		case '"':
			s.rest = s.rest[i+1:]
			// What follows a text is a blank, the end or a bracket that closes: "a"and is a slip.
			return out.String(), s.rest == "" || s.rest[0] == ' ' || s.rest[0] == ')'
		case '\\':
			i++
			if i == len(s.rest) || s.rest[i] != '"' && s.rest[i] != '\\' {
				return "", false
			}
			out.WriteByte(s.rest[i])
		default:
			out.WriteByte(c)
		}
	}
	return "", false
}

// holds tells whether the expression selects something whose attributes are told by get: all its texts.
func (e expression) holds(get func(attribute string) []string) bool {
	for _, c := range e.conditions {
		if c.holds(get(c.attribute)) == e.any {
			return e.any
		}
	}
	return !e.any || len(e.conditions) == 0
}

func (c condition) holds(texts []string) bool {
	for _, text := range texts {
		switch {
		case c.operator == "eq" && strings.EqualFold(text, c.text):
			return true
		case c.operator == "sw" && hasFoldedPrefix(text, c.text):
			return true
		}
	}
	return false
}

func hasFoldedPrefix(text, prefix string) bool {
	return strings.HasPrefix(strings.ToLower(text), strings.ToLower(prefix))
}
