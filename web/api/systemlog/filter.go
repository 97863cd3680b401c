package systemlog

import (
	"slices"
	"strings"
	"time"

	"barillet/internal/audit"
	"barillet/internal/input"
	"barillet/web/api/scim"
)

// maxNesting is the maximum depth of parentheses.
const maxNesting = 8

// Filter is a condition on an event, or several that are joined.
type Filter struct {
	scim.Condition
	at    time.Time // with "published", instead of a value
	join  string    // "and", "or", "not"; "": a single condition
	parts []*Filter
}

// attributes returns the values of each attribute. "published" is a time and not in the map.
var attributes = map[string]func(*Event) []string{
	"uuid":                          func(e *Event) []string { return []string{e.UUID} },
	"eventType":                     func(e *Event) []string { return []string{e.EventType} },
	"severity":                      func(e *Event) []string { return []string{e.Severity} },
	"displayMessage":                func(e *Event) []string { return []string{e.DisplayMessage} },
	"outcome.result":                func(e *Event) []string { return []string{e.Outcome.Result} },
	"outcome.reason":                func(e *Event) []string { return optional(e.Outcome.Reason) },
	"actor.id":                      func(e *Event) []string { return []string{e.Actor.ID} },
	"actor.type":                    func(e *Event) []string { return []string{e.Actor.Type} },
	"actor.alternateId":             func(e *Event) []string { return []string{e.Actor.AlternateID} },
	"actor.displayName":             func(e *Event) []string { return []string{e.Actor.DisplayName} },
	"target.id":                     func(e *Event) []string { return targets(e, func(t entityJSON) string { return t.ID }) },
	"target.type":                   func(e *Event) []string { return targets(e, func(t entityJSON) string { return t.Type }) },
	"target.alternateId":            func(e *Event) []string { return targets(e, func(t entityJSON) string { return t.AlternateID }) },
	"target.displayName":            func(e *Event) []string { return targets(e, func(t entityJSON) string { return t.DisplayName }) },
	"client.ipAddress":              func(e *Event) []string { return []string{e.Client.IPAddress} },
	"client.userAgent.rawUserAgent": func(e *Event) []string { return []string{e.Client.UserAgent.RawUserAgent} },
	"transaction.id":                func(e *Event) []string { return []string{e.Transaction.ID} },
	"transaction.type":              func(e *Event) []string { return []string{e.Transaction.Type} },
	"authenticationContext.externalSessionId": func(e *Event) []string { return []string{e.AuthenticationContext.ExternalSessionID} },
}

func optional(text *string) []string {
	if text == nil {
		return nil
	}
	return []string{*text}
}

// targets returns one member of each target. A condition matches if it matches one of them.
func targets(e *Event, member func(entityJSON) string) (out []string) {
	for _, t := range e.Target {
		out = append(out, member(t))
	}
	return out
}

// ParseFilter parses a filter. It accepts eq, ne, sw, ew, co and pr on the attributes, and gt, ge, lt and le on
// published, joined by and, or, not and parentheses. An unknown attribute or operator is an error, because a
// misunderstood filter hides events. ParseFilter returns nil for an empty text.
func ParseFilter(text string) (*Filter, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	p := parser{Scanner: scim.Scanner{Rest: text}}
	if len(text) <= scim.MaxLength {
		f, ok := p.joined("or", 0)
		if p.Blank(); ok && p.Rest == "" {
			return f, nil
		}
	}
	return nil, scim.ErrSyntax
}

type parser struct {
	scim.Scanner
	conditions int
}

// joined parses parts that are joined by word. The parts of "or" are joined by "and".
func (p *parser) joined(word string, depth int) (*Filter, bool) {
	f := &Filter{join: word}
	for {
		part, ok := p.part(word, depth)
		if !ok {
			return nil, false
		}
		f.parts = append(f.parts, part)
		before := p.Rest
		if !strings.EqualFold(p.Word(), word) {
			p.Rest = before
			break
		}
	}
	if len(f.parts) == 1 {
		return f.parts[0], true
	}
	return f, true
}

func (p *parser) part(word string, depth int) (*Filter, bool) {
	if word == "or" {
		return p.joined("and", depth)
	}
	if p.Blank(); strings.HasPrefix(p.Rest, "(") {
		return p.bracket(depth + 1)
	}
	before := p.Rest
	if strings.EqualFold(p.Word(), "not") {
		f, ok := p.bracket(depth + 1)
		return &Filter{join: "not", parts: []*Filter{f}}, ok
	}
	p.Rest = before
	return p.one()
}

func (p *parser) bracket(depth int) (*Filter, bool) {
	p.Blank()
	var ok bool
	if p.Rest, ok = strings.CutPrefix(p.Rest, "("); !ok || depth > maxNesting {
		return nil, false
	}
	f, ok := p.joined("or", depth)
	p.Blank()
	if !ok {
		return nil, false
	}
	p.Rest, ok = strings.CutPrefix(p.Rest, ")")
	return f, ok
}

// one parses a condition.
func (p *parser) one() (*Filter, bool) {
	f := &Filter{Condition: scim.Condition{Attribute: p.Word(), Operator: strings.ToLower(p.Word())}}
	if p.conditions++; p.conditions > scim.MaxConditions {
		return nil, false
	}
	_, known := attributes[f.Attribute]
	switch f.Operator {
	case "pr":
		return f, known
	case "eq", "ne", "sw", "ew", "co":
		text, ok := p.text()
		f.Value = text
		return f, ok && known && text != ""
	case "gt", "ge", "lt", "le":
		text, ok := p.text()
		at, err := time.Parse(time.RFC3339, text)
		f.at = at
		return f, ok && err == nil && f.Attribute == "published"
	}
	return nil, false
}

// text returns the next quoted text.
func (p *parser) text() (string, bool) {
	p.Blank()
	return p.Quoted()
}

// Matches reports whether the filter matches the event.
func (f *Filter) Matches(e audit.Entry) bool {
	shown := New(e)
	return f.matchesEvent(&shown, e.At.Truncate(time.Millisecond)) // published has milliseconds
}

func (f *Filter) matchesEvent(e *Event, at time.Time) bool {
	switch f.join {
	case "and", "or":
		for _, part := range f.parts {
			if part.matchesEvent(e, at) == (f.join == "or") {
				return f.join == "or"
			}
		}
		return f.join == "and"
	case "not":
		return !f.parts[0].matchesEvent(e, at)
	}
	switch f.Operator {
	case "gt":
		return at.After(f.at)
	case "ge":
		return !at.Before(f.at)
	case "lt":
		return at.Before(f.at)
	case "le":
		return !at.After(f.at)
	}
	return f.matchesText(attributes[f.Attribute](e))
}

func (f *Filter) matchesText(texts []string) bool {
	want := input.Fold(f.Value)
	for _, text := range texts {
		text = input.Fold(text)
		switch {
		case f.Operator == "pr" && text != "",
			f.Operator == "ew" && strings.HasSuffix(text, want),
			f.Operator == "co" && strings.Contains(text, want),
			f.Operator == "sw" && strings.HasPrefix(text, want),
			f.Operator == "eq" && text == want:
			return true
		case f.Operator == "ne" && text == want:
			return false
		}
	}
	return f.Operator == "ne"
}

// Span returns the period outside which the filter matches nothing, so that the log need not be read as a whole. A zero
// time means no limit.
func (f *Filter) Span() (since, until time.Time) {
	switch {
	case f.join == "and":
		for _, part := range f.parts {
			from, to := part.Span()
			if from.After(since) {
				since = from
			}
			if !to.IsZero() && (until.IsZero() || to.Before(until)) {
				until = to
			}
		}
	case f.Operator == "gt", f.Operator == "ge":
		since = f.at
	case f.Operator == "lt", f.Operator == "le":
		until = f.at.Add(time.Millisecond)
	case f.join == "" && f.Attribute == "uuid" && f.Operator == "eq":
		if at, err := audit.TimeOf(f.Value); err == nil {
			since, until = at, at.Add(1)
		}
	}
	return since, until
}

// Values returns values of which every event that the filter matches has one in one of the attributes. It returns nil if the filter
// names none.
func (f *Filter) Values(attributes ...string) []string {
	switch {
	case f.join == "and":
		for _, part := range f.parts {
			if values := part.Values(attributes...); values != nil {
				return values
			}
		}
	case f.join == "or":
		var all []string
		for _, part := range f.parts {
			values := part.Values(attributes...)
			if values == nil {
				return nil
			}
			all = append(all, values...)
		}
		return all
	case f.join == "" && f.Operator == "eq" && slices.Contains(attributes, f.Attribute):
		return []string{f.Value}
	}
	return nil
}
