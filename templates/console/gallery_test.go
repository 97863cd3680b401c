package console_test

import (
	"time"

	"barillet/templates"
	"barillet/templates/console"
)

// sample is a page in one state with sample data. Tests render every sample.
type sample struct {
	name string // such as "people-none"
	page templates.Page
}

// day is the date of the samples.
var day = time.Date(2026, time.March, 1, 9, 41, 0, 0, time.UTC)

// gallery returns every page in every state that looks different, in one language.
func gallery(lang string) []sample {
	var out []sample
	for _, more := range [][]sample{galleryShell(lang), galleryPeople(lang), galleryRequests(lang), galleryGroups(lang), galleryService(lang)} {
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
	b.Sections[1].Waiting = 12
	return b
}

func galleryShell(lang string) []sample {
	b := at(lang, "people", "/console/people/u1/suspend")
	reason := console.Field{Name: "reason", Kind: "text", HasHint: true}
	act := console.Act{Base: b, Words: "suspend", Subject: "Amélie Durand", Action: b.Path, Back: "/console/people/u1", Fields: []console.Field{reason}, Danger: true}
	refused := act
	refused.Problem = templates.NewProblem("invalid.empty")
	refused.Fields = []console.Field{reason}
	refused.Fields[0].Error = &refused.Problem.Message
	return []sample{{"act", act}, {"act-refused", refused}}
}
