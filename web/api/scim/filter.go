package scim

import (
	"errors"
	"strings"
)

// ErrSyntax is the error for an expression that cannot be read.
var ErrSyntax = errors.New("invalid filter expression")

// The bounds of a filter or search expression.
const (
	MaxLength     = 2048 // bytes
	MaxConditions = 20
)

// Condition is one comparison: attribute, operator (eq or sw), text.
type Condition struct {
	Attribute, Operator, Value string
}

// Filter is one or more conditions, all of which hold, or any of them. The zero value selects all.
type Filter struct {
	Conditions []Condition
	Any        bool
}

// Parse reads the part of SCIM's filter language (RFC 7644 section 3.4.2.2) that Okta's calls here
// are made with: attribute eq "text", attribute sw "text", joined by and, or joined by or, not both.
func Parse(text string) (Filter, error) {
	var e Filter
	if strings.TrimSpace(text) == "" {
		return e, nil
	}
	if len(text) > MaxLength {
		return e, ErrSyntax
	}
	s := Scanner{Rest: text}
	joined := ""
	for {
		c, ok := s.condition()
		if !ok || len(e.Conditions) == MaxConditions {
			return Filter{}, ErrSyntax
		}
		e.Conditions = append(e.Conditions, c)
		if s.Blank(); s.Rest == "" {
			return e, nil
		}
		word := strings.ToLower(s.Word())
		if word != "and" && word != "or" || joined != "" && joined != word {
			return Filter{}, ErrSyntax
		}
		joined = word
		e.Any = word == "or"
	}
}

// Scanner takes an expression apart from the front.
type Scanner struct{ Rest string }

func (s *Scanner) Blank() { s.Rest = strings.TrimLeft(s.Rest, " ") }

// Word takes letters, digits, dots, hyphens and underscores.
func (s *Scanner) Word() string {
	s.Blank()
	n := 0
	for n < len(s.Rest) && isWord(s.Rest[n]) {
		n++
	}
	word := s.Rest[:n]
	s.Rest = s.Rest[n:]
	return word
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}

func (s *Scanner) condition() (Condition, bool) {
	c := Condition{Attribute: s.Word(), Operator: strings.ToLower(s.Word())}
	if c.Attribute == "" || c.Operator != "eq" && c.Operator != "sw" {
		return Condition{}, false
	}
	s.Blank()
	text, ok := s.Quoted()
	c.Value = text
	return c, ok
}

// Quoted takes a text in double quotes, in which a backslash stands before a quote or another backslash.
func (s *Scanner) Quoted() (string, bool) {
	if !strings.HasPrefix(s.Rest, `"`) {
		return "", false
	}
	var out strings.Builder
	for i := 1; i < len(s.Rest); i++ {
		switch c := s.Rest[i]; c {
		case '"':
			s.Rest = s.Rest[i+1:]
			// What follows a text is a blank, the end or a bracket that closes: "a"and is a slip.
			return out.String(), s.Rest == "" || s.Rest[0] == ' ' || s.Rest[0] == ')'
		case '\\':
			i++
			if i == len(s.Rest) || s.Rest[i] != '"' && s.Rest[i] != '\\' {
				return "", false
			}
			out.WriteByte(s.Rest[i])
		default:
			out.WriteByte(c)
		}
	}
	return "", false
}

// Matches tells whether the expression selects something whose attributes are told by get: all its texts.
func (e Filter) Matches(get func(attribute string) []string) bool {
	for _, c := range e.Conditions {
		if c.matches(get(c.Attribute)) == e.Any {
			return e.Any
		}
	}
	return !e.Any || len(e.Conditions) == 0
}

func (c Condition) matches(texts []string) bool {
	for _, text := range texts {
		switch {
		case c.Operator == "eq" && strings.EqualFold(text, c.Value):
			return true
		case c.Operator == "sw" && hasFoldedPrefix(text, c.Value):
			return true
		}
	}
	return false
}

func hasFoldedPrefix(text, prefix string) bool {
	return strings.HasPrefix(strings.ToLower(text), strings.ToLower(prefix))
}
