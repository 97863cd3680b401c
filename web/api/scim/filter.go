package scim

import (
	"errors"
	"strings"

	"barillet/internal/input"
)

// ErrSyntax is the error for a filter that cannot be parsed.
var ErrSyntax = errors.New("invalid filter expression")

// The limits of a filter.
const (
	MaxLength     = 2048 // bytes
	MaxConditions = 20
)

// Condition compares an attribute with a value. The operator is eq, which compares as input.Fold does, or sw, which needs no
// accents, as input.Loose.
type Condition struct {
	Attribute, Operator, Value string
}

// Filter is a list of conditions. All of them must match, or one if Any is true. The zero value matches everything.
type Filter struct {
	Conditions []Condition
	Any        bool
}

// Parse parses conditions such as attribute eq "value" or attribute sw "value", joined either by and, or by or. An
// empty text is the zero Filter.
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

// Scanner splits an expression into tokens, from the front of Rest.
type Scanner struct{ Rest string }

// Blank removes spaces.
func (s *Scanner) Blank() { s.Rest = strings.TrimLeft(s.Rest, " ") }

// Word returns the next word: letters, digits, dots, hyphens and underscores.
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

// Quoted returns the next text in double quotes. A backslash escapes a quote or a backslash.
func (s *Scanner) Quoted() (string, bool) {
	if !strings.HasPrefix(s.Rest, `"`) {
		return "", false
	}
	var out strings.Builder
	for i := 1; i < len(s.Rest); i++ {
		switch c := s.Rest[i]; c {
		case '"':
			s.Rest = s.Rest[i+1:]
			// A space, a parenthesis or the end must follow, so that "a"and is an error.
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

// Matches reports whether the filter matches. get returns all values of an attribute.
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
		case c.Operator == "eq" && input.Fold(text) == input.Fold(c.Value):
			return true
		case c.Operator == "sw" && strings.HasPrefix(input.Loose(text), input.Loose(c.Value)):
			return true
		}
	}
	return false
}
