package api

import (
	"strings"
	"time"

	"barillet/internal/audit"
)

// maxNesting is how deep the brackets of a filter may go.
const maxNesting = 8

// eventFilter is a condition on an event, or several that are joined.
type eventFilter struct {
	condition
	at    time.Time // of "published", instead of a text
	join  string    // "and", "or", "not"; "": the one condition
	parts []*eventFilter
}

// eventTexts are the attributes that a filter may name, and their texts. "published" is a time and not among them.
var eventTexts = map[string]func(*eventJSON) []string{
	"uuid":                          func(e *eventJSON) []string { return []string{e.UUID} },
	"eventType":                     func(e *eventJSON) []string { return []string{e.EventType} },
	"severity":                      func(e *eventJSON) []string { return []string{e.Severity} },
	"displayMessage":                func(e *eventJSON) []string { return []string{e.DisplayMessage} },
	"outcome.result":                func(e *eventJSON) []string { return []string{e.Outcome.Result} },
	"outcome.reason":                func(e *eventJSON) []string { return optional(e.Outcome.Reason) },
	"actor.id":                      func(e *eventJSON) []string { return []string{e.Actor.ID} },
	"actor.type":                    func(e *eventJSON) []string { return []string{e.Actor.Type} },
	"actor.alternateId":             func(e *eventJSON) []string { return []string{e.Actor.AlternateID} },
	"actor.displayName":             func(e *eventJSON) []string { return []string{e.Actor.DisplayName} },
	"target.id":                     func(e *eventJSON) []string { return targets(e, func(t entityJSON) string { return t.ID }) },
	"target.type":                   func(e *eventJSON) []string { return targets(e, func(t entityJSON) string { return t.Type }) },
	"target.alternateId":            func(e *eventJSON) []string { return targets(e, func(t entityJSON) string { return t.AlternateID }) },
	"target.displayName":            func(e *eventJSON) []string { return targets(e, func(t entityJSON) string { return t.DisplayName }) },
	"client.ipAddress":              func(e *eventJSON) []string { return []string{e.Client.IPAddress} },
	"client.userAgent.rawUserAgent": func(e *eventJSON) []string { return []string{e.Client.UserAgent.RawUserAgent} },
	"transaction.id":                func(e *eventJSON) []string { return []string{e.Transaction.ID} },
	"transaction.type":              func(e *eventJSON) []string { return []string{e.Transaction.Type} },
	"authenticationContext.externalSessionId": func(e *eventJSON) []string { return []string{e.AuthenticationContext.ExternalSessionID} },
}

func optional(text *string) []string {
	if text == nil {
		return nil
	}
	return []string{*text}
}

// targets is one member of each target: a condition holds if it holds of any.
func targets(e *eventJSON, member func(entityJSON) string) (out []string) {
	for _, t := range e.Target {
		out = append(out, member(t))
	}
	return out
}

// parseEventFilter reads the part of SCIM's filter language (RFC 7644 section 3.4.2.2) that scripts ask the log with:
// eq, ne, sw, ew, co and pr of the attributes above, gt, ge, lt and le of published, joined by and, or, not and
// brackets, and before or. What it does not know it refuses: a filter that is half understood hides events. nil
// for no filter.
func parseEventFilter(text string) (*eventFilter, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	p := eventParser{scanner: scanner{text}}
	if len(text) <= maxExpression {
		f, ok := p.joined("or", 0)
		if p.blank(); ok && p.rest == "" {
			return f, nil
		}
	}
	return nil, errSyntax
}

type eventParser struct {
	scanner
	conditions int
}

// joined reads parts with one word between them: those of "or" are parts joined by "and".
func (p *eventParser) joined(word string, depth int) (*eventFilter, bool) {
	f := &eventFilter{join: word}
	for {
		part, ok := p.part(word, depth)
		if !ok {
			return nil, false
		}
		f.parts = append(f.parts, part)
		before := p.rest
		if !strings.EqualFold(p.word(), word) {
			p.rest = before
			break
		}
	}
	if len(f.parts) == 1 {
		return f.parts[0], true
	}
	return f, true
}

func (p *eventParser) part(word string, depth int) (*eventFilter, bool) {
	if word == "or" {
		return p.joined("and", depth)
	}
	if p.blank(); strings.HasPrefix(p.rest, "(") {
		return p.bracket(depth + 1)
	}
	before := p.rest
	if strings.EqualFold(p.word(), "not") {
		f, ok := p.bracket(depth + 1)
		return &eventFilter{join: "not", parts: []*eventFilter{f}}, ok
	}
	p.rest = before
	return p.one()
}

func (p *eventParser) bracket(depth int) (*eventFilter, bool) {
	p.blank()
	var ok bool
	if p.rest, ok = strings.CutPrefix(p.rest, "("); !ok || depth > maxNesting {
		return nil, false
	}
	f, ok := p.joined("or", depth)
	p.blank()
	if !ok {
		return nil, false
	}
	p.rest, ok = strings.CutPrefix(p.rest, ")")
	return f, ok
}

// one reads a condition.
func (p *eventParser) one() (*eventFilter, bool) {
	f := &eventFilter{condition: condition{attribute: p.word(), operator: strings.ToLower(p.word())}}
	if p.conditions++; p.conditions > maxConditions {
		return nil, false
	}
	_, known := eventTexts[f.attribute]
	switch f.operator {
	case "pr":
		return f, known
	case "eq", "ne", "sw", "ew", "co":
		text, ok := p.text()
		f.text = text
		return f, ok && known && text != ""
	case "gt", "ge", "lt", "le":
		text, ok := p.text()
		at, err := time.Parse(time.RFC3339, text)
		f.at = at
		return f, ok && err == nil && f.attribute == "published"
	}
	return nil, false
}

// text takes a text in quotes.
func (p *eventParser) text() (string, bool) {
	p.blank()
	return p.quoted()
}

// holds tells whether the filter selects an event.
func (f *eventFilter) holds(e audit.Entry) bool {
	shown := event(e)
	return f.selects(&shown, e.At.Truncate(time.Millisecond)) // published is written in milliseconds
}

func (f *eventFilter) selects(e *eventJSON, at time.Time) bool {
	switch f.join {
	case "and", "or":
		for _, part := range f.parts {
			if part.selects(e, at) == (f.join == "or") {
				return f.join == "or"
			}
		}
		return f.join == "and"
	case "not":
		return !f.parts[0].selects(e, at)
	}
	switch f.operator {
	case "gt":
		return at.After(f.at)
	case "ge":
		return !at.Before(f.at)
	case "lt":
		return at.Before(f.at)
	case "le":
		return !at.After(f.at)
	}
	return f.selectsText(eventTexts[f.attribute](e))
}

func (f *eventFilter) selectsText(texts []string) bool {
	want := strings.ToLower(f.text)
	for _, text := range texts {
		text = strings.ToLower(text)
		switch {
		case f.operator == "pr" && text != "",
			f.operator == "ew" && strings.HasSuffix(text, want),
			f.operator == "co" && strings.Contains(text, want),
			f.operator == "sw" && strings.HasPrefix(text, want),
			f.operator == "eq" && text == want:
			return true
		case f.operator == "ne" && text == want:
			return false
		}
	}
	return f.operator == "ne"
}

// span is the time outside of which the filter selects nothing, as far as its conditions that must all hold tell;
// zero: no bound. It spares reading the whole log.
func (f *eventFilter) span() (since, until time.Time) {
	switch {
	case f.join == "and":
		for _, part := range f.parts {
			from, to := part.span()
			if from.After(since) {
				since = from
			}
			if !to.IsZero() && (until.IsZero() || to.Before(until)) {
				until = to
			}
		}
	case f.operator == "gt", f.operator == "ge":
		since = f.at
	case f.operator == "lt", f.operator == "le":
		until = f.at.Add(time.Millisecond)
	}
	return since, until
}
