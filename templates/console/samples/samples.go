// Package samples contains every page of the console in every state that looks different, with sample data, for tests.
package samples

import (
	"time"

	"barillet/templates"
	"barillet/templates/console"
)

// Sample is a page in one state with sample data.
type Sample struct {
	Name string // such as "people-none"
	Page templates.Page
}

// day is the date of the samples.
var day = time.Date(2026, time.March, 1, 9, 41, 0, 0, time.UTC)

// All returns every sample in one language.
func All(lang string) []Sample {
	var out []Sample
	for _, more := range [][]Sample{shellPages(lang), peoplePages(lang), requestsPages(lang), groupsPages(lang), servicePages(lang)} {
		out = append(out, more...)
	}
	return out
}

// at returns the shared part of a page of a section.
func at(lang, section, path string) console.Base {
	b := console.Base{Base: templates.Base{Lang: lang, Path: path, SignedIn: true, Name: "Jeanne Martin", SubjectToken: "u1.abc"}, Section: section, Once: "ABCDEF"}
	for _, name := range []string{"start", "requests", "people", "groups", "roles", "approvals", "tokens", "applications", "webhooks", "mail", "log"} {
		b.Sections = append(b.Sections, console.Section{Name: name, Path: "/console/" + name})
	}
	b.Sections[1].Waiting, b.Sections[1].More = 99, true
	return b
}

func shellPages(lang string) []Sample {
	b := at(lang, "people", "/console/people/u1/suspend")
	reason := console.Field{Name: "reason", Kind: "text", HasHint: true}
	act := console.Act{Base: b, Words: "suspend", Subject: "Amélie Durand", Action: b.Path, Back: "/console/people/u1", Fields: []console.Field{reason}, Danger: true}
	refused := act
	refused.Problem = templates.NewProblem("invalid.empty")
	refused.Fields = []console.Field{reason}
	refused.Fields[0].Error = &refused.Problem.Message
	return []Sample{{"act", act}, {"act-refused", refused}}
}
